// Schemas of batches.
#include <array>

#include "api/openapi/schemas.hpp"

namespace weir::api {
namespace {

constexpr std::array kSchemas{
    ComponentSchema{"NewBatch", R"({"type":"object","additionalProperties":false,
 "properties":{
  "id":{"type":"string",
   "description":"1-128 characters of A-Z a-z 0-9 . _ - :, made here when left out"},
  "name":{"type":"string","maxLength":256},
  "on_success":{"$ref":"#/components/schemas/NewJob"},
  "on_complete":{"$ref":"#/components/schemas/NewJob"},
  "jobs":{"type":"array","maxItems":10000,"items":{"$ref":"#/components/schemas/NewJob"}},
  "seal":{"type":"boolean","description":"takes no more jobs; true by default with jobs"},
  "seal_after_ms":{"$ref":"#/components/schemas/Duration"}},
 "examples":[{"name":"import 7","on_complete":{"queue":"reports","type":"imported"},
  "jobs":[{"queue":"rows","payload":1},{"queue":"rows","payload":2}]}]})"},
    ComponentSchema{"BatchCallback", R"({"type":"object","required":["id","queue"],
 "properties":{
  "id":{"type":"string","description":"of the job it is, or will be"},
  "queue":{"type":"string"},
  "submitted_at":{"type":["string","null"],"format":"date-time"}}})"},
    ComponentSchema{"Batch", R"({"type":"object",
 "required":["id","status","total","pending","progress","counts"],
 "properties":{
  "id":{"type":"string"},
  "name":{"type":["string","null"]},
  "status":{"type":"string","enum":["open","sealed","succeeded","failed","cancelled"]},
  "total":{"type":"integer","description":"jobs that ever joined"},
  "pending":{"type":"integer","description":"jobs that have not ended"},
  "progress":{"type":"integer","minimum":0,"maximum":100,"description":"percent that ended"},
  "counts":{"type":"object","additionalProperties":{"type":"integer"},
   "description":"jobs by status; removed: deleted before their end"},
  "created_at":{"type":"string","format":"date-time"},
  "seal_at":{"type":["string","null"],"format":"date-time"},
  "sealed_at":{"type":["string","null"],"format":"date-time"},
  "ended_at":{"type":["string","null"],"format":"date-time"},
  "cancel_requested":{"type":"boolean"},
  "on_success":{"$ref":"#/components/schemas/BatchCallback"},
  "on_complete":{"$ref":"#/components/schemas/BatchCallback"},
  "queues":{"type":"array","items":{"type":"string"}},
  "revision":{"type":"integer"},
  "results":{"type":"array","description":"when it was made: one result per job",
   "items":{"type":"object"}},
  "duplicate":{"type":"boolean"}}})"},
    ComponentSchema{"BatchPage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{
  "items":{"type":"array","items":{"$ref":"#/components/schemas/Batch"}},
  "next_cursor":{"type":["string","null"]}}})"}};

}  // namespace

std::span<const ComponentSchema> batch_schemas() {
  return kSchemas;
}

}  // namespace weir::api
