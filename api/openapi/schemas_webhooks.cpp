// Schemas of webhooks.
#include <array>

#include "api/openapi/schemas.hpp"

namespace weir::api {
namespace {

constexpr std::array kSchemas{
    ComponentSchema{"WebhookEvents", R"({"type":"array","minItems":1,
 "description":"words of events; when left out, the ends of jobs and batches",
 "items":{"type":"string","enum":["submitted","ready","scheduled","blocked","started","completed",
  "retried","released","failed","dead_lettered","cancelled","requeued","removed",
  "batch_succeeded","batch_failed","batch_cancelled"]}})"},
    ComponentSchema{"QueueWebhook", R"({"type":["object","null"],"required":["url"],
 "additionalProperties":false,
 "description":"where events of the queue are posted to, signed as Standard Webhooks has it",
 "properties":{
  "url":{"type":"string","format":"uri","maxLength":2048},
  "events":{"$ref":"#/components/schemas/WebhookEvents"},
  "secret":{"type":"string",
   "description":"whsec_ and base64 of 24 to 64 bytes; left out or ***: the one it has, or a new"},
  "backoff":{"$ref":"#/components/schemas/Backoff"},
  "max_attempts":{"type":"integer","minimum":1,"maximum":100,"default":10}}})"},
    ComponentSchema{"JobWebhook", R"({"type":["object","null"],"required":["url"],
 "additionalProperties":false,
 "description":"where events of this job are posted to, signed with the secret of its queue",
 "properties":{
  "url":{"type":"string","format":"uri","maxLength":2048},
  "events":{"$ref":"#/components/schemas/WebhookEvents"}}})"},
    ComponentSchema{"WebhookDelivery", R"({"type":"object",
 "required":["id","status","queue","event","attempts","created_at"],
 "properties":{
  "id":{"type":"string","description":"the header webhook-id, the same in every attempt"},
  "status":{"type":"string","enum":["pending","delivered","dead"]},
  "queue":{"type":"string"},
  "subject":{"type":"string","description":"the job, or batches/ and the batch"},
  "event":{"type":"string"},
  "url":{"type":["string","null"]},
  "attempts":{"type":"integer"},
  "created_at":{"type":"string","format":"date-time"},
  "next_attempt_at":{"type":["string","null"],"format":"date-time"},
  "last_attempt_at":{"type":["string","null"],"format":"date-time"},
  "ended_at":{"type":["string","null"],"format":"date-time"},
  "response_status":{"type":["integer","null"]},
  "error":{"type":["string","null"],"description":"of the last attempt"},
  "body":{"type":"object","description":"the CloudEvent; not in lists"}}})"},
    ComponentSchema{"WebhookDeliveryPage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{
  "items":{"type":"array","items":{"$ref":"#/components/schemas/WebhookDelivery"}},
  "next_cursor":{"type":["string","null"]}}})"},
    ComponentSchema{"DeliveryFilter", R"({"type":"object","additionalProperties":false,
 "description":"ids or queue",
 "properties":{
  "ids":{"type":"array","items":{"type":"string"},"maxItems":10000},
  "queue":{"type":"string"},
  "filter":{"type":"object"}}})"},
    ComponentSchema{"DeliveryCount", R"({"type":"object",
 "properties":{
  "redriven":{"type":"integer"},
  "purged":{"type":"integer"},
  "missing":{"type":"integer","description":"ids that are not dead, or unknown"},
  "revision":{"type":"integer"}}})"}};

}  // namespace

std::span<const ComponentSchema> webhook_schemas() {
  return kSchemas;
}

}  // namespace weir::api
