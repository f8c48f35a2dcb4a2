// Schemas of workers, their labels and the targets of jobs.
#include <array>

#include "api/openapi/schemas.hpp"

namespace weir::api {
namespace {

constexpr std::array kSchemas{
    ComponentSchema{"Target", R"({"type":"string","default":"_any",
 "description":"which workers may run it, _all: each live one, once; a label is also what is below",
 "pattern":"^(_any|_all|host:.+|label:[^=]+=.+)$",
 "examples":["_any","_all","host:w1","label:region=eu.west"]})"},
    ComponentSchema{"ShownStatus", R"({"anyOf":[{"$ref":"#/components/schemas/Status"},
 {"type":"string","enum":["partial_failure"],
  "description":"failed; of a job for all workers, when some of them succeeded"}]})"},
    ComponentSchema{"Labels", R"({"type":"object","maxProperties":16,
 "additionalProperties":{"type":"string","minLength":1,"maxLength":128},
 "description":"what the worker is, for targets; dots make levels",
 "examples":[{"region":"eu.west.1","gpu":"a100"}]})"},
    ComponentSchema{"Worker", R"({"type":"object","required":["name","live","last_seen","running"],
 "properties":{
  "name":{"type":"string"},
  "live":{"type":"boolean","description":"seen in the last 75 s, or it runs a job"},
  "draining":{"type":"boolean","description":"it is given no more jobs"},
  "draining_since":{"type":["string","null"],"format":"date-time"},
  "last_seen":{"type":"string","format":"date-time"},
  "running":{"type":"integer","description":"jobs that it runs"},
  "labels":{"$ref":"#/components/schemas/Labels"},
  "queues":{"type":"array","items":{"type":"string"},"description":"that it asked last"},
  "jobs":{"type":"array","maxItems":20,"items":{"type":"object","properties":{
   "id":{"type":"string"},"queue":{"type":"string"},"type":{"type":["string","null"]},
   "attempt":{"type":"integer"},"started_at":{"type":"string","format":"date-time"}}}}}})"},
    ComponentSchema{"Draining", R"({"type":"boolean",
 "description":"true: the worker gets no more jobs, and should end when it runs none"})"},
    ComponentSchema{"Drain", R"({"type":"object","required":["name","draining","running"],
 "properties":{
  "name":{"type":"string"},
  "draining":{"type":"boolean"},
  "running":{"type":"integer","description":"jobs that it still runs"},
  "revision":{"type":"integer"}}})"},
    ComponentSchema{"WorkerPage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{
  "items":{"type":"array","items":{"$ref":"#/components/schemas/Worker"}},
  "next_cursor":{"type":["string","null"]}}})"},
};

}  // namespace

std::span<const ComponentSchema> worker_schemas() {
  return kSchemas;
}

}  // namespace weir::api
