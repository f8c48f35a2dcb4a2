// Schemas of leases, of what workers report, and of log lines.
#include <array>

#include "api/openapi/schemas.hpp"

namespace weir::api {
namespace {

constexpr std::array kSchemas{
    ComponentSchema{"LeaseTypes", R"({"type":"array","minItems":1,"maxItems":64,
 "items":{"type":"string","minLength":1,"maxLength":128},
 "description":"only jobs of these types; jobs without a type are not among them"})"},
    ComponentSchema{"LeaseRequest", R"({"type":"object","required":["worker"],
 "additionalProperties":false,
 "properties":{
  "worker":{"type":"string","maxLength":128},
  "max":{"type":"integer","minimum":1,"maximum":1000,"default":1},
  "wait_ms":{"$ref":"#/components/schemas/Duration"},
  "types":{"$ref":"#/components/schemas/LeaseTypes"},
  "labels":{"$ref":"#/components/schemas/Labels"},
  "lease_ms":{"$ref":"#/components/schemas/Duration"}}})"},
    ComponentSchema{"LeasedJob", R"({"type":"object",
 "required":["id","queue","lease","attempt","deadline","type"],
 "properties":{
  "id":{"type":"string"},
  "queue":{"type":"string"},
  "lease":{"type":"string","description":"the token to report with"},
  "attempt":{"type":"integer"},
  "max_attempts":{"type":"integer"},
  "deadline":{"type":"string","format":"date-time"},
  "priority":{"type":"integer"},
  "type":{"type":["string","null"]},
  "payload":{},
  "checkpoint":{},
  "parents":{"type":"object","description":"the jobs of depends_on, by id",
   "additionalProperties":{"type":"object","properties":{
    "status":{"type":"string"},"result":{},"error":{},"result_at":{"type":"string"}}}},
  "headers":{"type":["object","null"]}}})"},
    ComponentSchema{"Leased", R"({"type":"object","required":["jobs"],
 "properties":{"jobs":{"type":"array","items":{"$ref":"#/components/schemas/LeasedJob"}},
  "draining":{"$ref":"#/components/schemas/Draining"}}})"},
    ComponentSchema{"JobError", R"({"description":"what went wrong in a worker",
 "oneOf":[{"type":"string","description":"the message alone"},
 {"type":"object","required":["message"],"additionalProperties":false,
 "properties":{
  "type":{"type":"string"},
  "message":{"type":"string"},
  "stack":{"type":"string"},
  "details":{}}}]})"},
    ComponentSchema{"LogLine", R"({"oneOf":[
 {"type":"string","minLength":1,"maxLength":4096,"description":"the message alone"},
 {"type":"object","required":["message"],"additionalProperties":false,
  "properties":{
   "at":{"type":"string","format":"date-time","description":"default: when the log had it"},
   "level":{"type":"string","enum":["debug","info","warn","error"],"default":"info"},
   "message":{"type":"string","minLength":1,"maxLength":4096}}}]})"},
    ComponentSchema{"LogLines", R"({"description":"lines to keep with the job",
 "anyOf":[{"$ref":"#/components/schemas/LogLine"},
  {"type":"array","maxItems":500,"items":{"$ref":"#/components/schemas/LogLine"}}]})"},
    ComponentSchema{"JobLog", R"({"type":"object",
 "required":["id","items","next_cursor","lines","dropped"],
 "properties":{
  "id":{"type":"string"},
  "items":{"type":"array","items":{"type":"object",
   "required":["line","at","attempt","level","message"],
   "properties":{
    "line":{"type":"integer","description":"counts from 1"},
    "at":{"type":"string","format":"date-time"},
    "attempt":{"type":"integer"},
    "level":{"type":"string","enum":["debug","info","warn","error"]},
    "message":{"type":"string"}}}},
  "next_cursor":{"type":["string","null"]},
  "lines":{"type":"integer","description":"how many are kept"},
  "dropped":{"type":"integer","description":"how many older ones are not"}}})"},
    ComponentSchema{"FailRequest", R"({"type":"object","additionalProperties":false,
 "properties":{
  "log":{"$ref":"#/components/schemas/LogLines"},
  "error":{"$ref":"#/components/schemas/JobError"},
  "retry":{"type":"boolean","default":true},
  "terminate":{"type":"boolean","default":false,
   "description":"ends as failed: no other attempt and no dead letter"},
  "retry_after_ms":{"$ref":"#/components/schemas/Duration"}}})"},
    ComponentSchema{"HeartbeatRequest", R"({"type":"object","additionalProperties":false,
 "properties":{
  "log":{"$ref":"#/components/schemas/LogLines"},
  "progress":{"description":"any JSON"},
  "message":{"type":"string"},
  "checkpoint":{"description":"any JSON; the next attempt gets it"}}})"},
    ComponentSchema{"ReportAnswer", R"({"type":"object","required":["ok"],
 "properties":{
  "ok":{"type":"boolean"},
  "deadline":{"type":"string","format":"date-time"},
  "cancel":{"type":"boolean"}}})"},
    ComponentSchema{"WorkRequest", R"({"type":"object","required":["worker"],
 "additionalProperties":false,
 "properties":{
  "worker":{"type":"string","maxLength":128},
  "complete":{"type":"array","items":{"type":"object","required":["lease"],
   "properties":{"lease":{"type":"string"},"result":{},
    "log":{"$ref":"#/components/schemas/LogLines"}}}},
  "fail":{"type":"array","items":{"type":"object","required":["lease"],
   "properties":{"lease":{"type":"string"},"error":{"$ref":"#/components/schemas/JobError"},
    "retry":{"type":"boolean"},"terminate":{"type":"boolean"},
    "log":{"$ref":"#/components/schemas/LogLines"},
    "retry_after_ms":{"$ref":"#/components/schemas/Duration"}}}},
  "release":{"type":"array","items":{"oneOf":[{"type":"string"},
   {"type":"object","required":["lease"],"properties":{"lease":{"type":"string"},
    "log":{"$ref":"#/components/schemas/LogLines"},
    "delay_ms":{"$ref":"#/components/schemas/Duration"}}}]}},
  "heartbeat":{"type":"array","items":{"type":"object","required":["lease"],
   "properties":{"lease":{"type":"string"},"progress":{},"message":{"type":"string"},
    "checkpoint":{},"log":{"$ref":"#/components/schemas/LogLines"}}}},
  "lease":{"type":"object","required":["queues"],
   "properties":{"queues":{"type":"array","items":{"type":"string"}},
    "max":{"type":"integer","minimum":1,"maximum":1000,"default":1},
    "wait_ms":{"$ref":"#/components/schemas/Duration"},
    "types":{"$ref":"#/components/schemas/LeaseTypes"},
    "labels":{"$ref":"#/components/schemas/Labels"},
    "lease_ms":{"$ref":"#/components/schemas/Duration"}}}}})"},
    ComponentSchema{"WorkResults", R"({"type":"array","items":{"anyOf":[
  {"$ref":"#/components/schemas/ReportAnswer"},{"$ref":"#/components/schemas/Error"}]}})"},
    ComponentSchema{"WorkAnswer", R"({"type":"object","required":["jobs"],
 "properties":{
  "complete":{"$ref":"#/components/schemas/WorkResults"},
  "fail":{"$ref":"#/components/schemas/WorkResults"},
  "release":{"$ref":"#/components/schemas/WorkResults"},
  "heartbeat":{"$ref":"#/components/schemas/WorkResults"},
  "jobs":{"type":"array","items":{"$ref":"#/components/schemas/LeasedJob"}},
  "draining":{"$ref":"#/components/schemas/Draining"}}})"}};

}  // namespace

std::span<const ComponentSchema> work_schemas() {
  return kSchemas;
}

}  // namespace weir::api
