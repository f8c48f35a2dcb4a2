// Schemas of keys, the audit log, snapshots and the health of the system.
#include <array>

#include "api/schemas.hpp"

namespace weir::api {
namespace {

constexpr std::array kSchemas{
    ComponentSchema{"Scope", R"({"type":"string","enum":["health:read","jobs:read","jobs:write",
 "jobs:work","queues:admin","streams:read","streams:write","kv:read","kv:write","pubsub",
 "admin"]})"},
    ComponentSchema{"NewKey", R"({"type":"object","required":["name","scopes"],
 "additionalProperties":false,
 "properties":{
  "name":{"type":"string","maxLength":128},
  "scopes":{"type":"array","minItems":1,"items":{"$ref":"#/components/schemas/Scope"}},
  "queues":{"type":"array","maxItems":64,"items":{"type":"string"},
   "description":"queue names; name.* for every queue below a name; * for all"},
  "max_waiting":{"type":["integer","null"],"minimum":1,"maximum":100000000,
   "description":"jobs it submitted that wait; one more answers 429 quota_exceeded"},
  "expires_at":{"type":["string","null"],"format":"date-time"}}})"},
    ComponentSchema{"Key", R"({"type":"object","required":["id","name","scopes"],
 "properties":{
  "id":{"type":"string"},
  "name":{"type":"string"},
  "scopes":{"type":"array","items":{"$ref":"#/components/schemas/Scope"}},
  "queues":{"type":"array","items":{"type":"string"}},
  "source":{"type":"string","enum":["api","bootstrap","given"]},
  "created_at":{"type":"string","format":"date-time"},
  "max_waiting":{"type":["integer","null"]},
  "waiting":{"type":"integer","description":"of max_waiting, in lists"},
  "expires_at":{"type":["string","null"],"format":"date-time"},
  "revoked_at":{"type":["string","null"],"format":"date-time"},
  "rotated_at":{"type":["string","null"],"format":"date-time"}}})"},
    ComponentSchema{"KeyWithSecret", R"({"allOf":[{"$ref":"#/components/schemas/Key"},
 {"type":"object","required":["key"],"properties":{"key":{"type":"string",
  "description":"the text to send as Bearer or X-API-Key; shown only here"}}}]})"},
    ComponentSchema{"AuditPage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{"next_cursor":{"type":["string","null"]},
  "items":{"type":"array","items":{"type":"object",
   "required":["revision","at","key_id","key_name","from","request_id","action","target","outcome"],
   "properties":{"revision":{"type":"integer"},"at":{"type":"string","format":"date-time"},
    "key_id":{"type":"string"},"key_name":{"type":"string"},"from":{"type":"string"},
    "request_id":{"type":"string"},"action":{"type":"string"},"target":{"type":"string"},
    "outcome":{"type":"string"},"details":{"type":"object"}}}}}})"},
    ComponentSchema{"KeyPage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{
  "items":{"type":"array","items":{"$ref":"#/components/schemas/Key"}},
  "next_cursor":{"type":"null"}}})"},
    ComponentSchema{"Snapshot", R"({"type":"object","required":["id","revision","sha256"],
 "properties":{
  "id":{"type":"string"},
  "revision":{"type":"integer","description":"the state after this entry of the log"},
  "time":{"type":"string","format":"date-time","description":"log time of the revision"},
  "created_at":{"type":"string","format":"date-time"},
  "node":{"type":"string"},
  "bytes":{"type":"integer","description":"stored, compressed"},
  "database_bytes":{"type":"integer"},
  "sha256":{"type":"string"},
  "log_digest":{"type":"string"}}})"},
    ComponentSchema{"SnapshotPage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{
  "items":{"type":"array","items":{"$ref":"#/components/schemas/Snapshot"}},
  "next_cursor":{"type":"null"}}})"},
    ComponentSchema{"TestClock", R"({"type":"object","required":["now","ahead_ms","frozen"],
 "properties":{
  "now":{"type":"string","format":"date-time"},
  "ahead_ms":{"type":"integer","description":"of real time; below 0 after it stood still"},
  "frozen":{"type":"boolean"},
  "steps":{"type":"integer","description":"moments at which something was due on the way"}}})"},
    ComponentSchema{"Health", R"({"type":"object",
 "required":["status","timestamp","version","uptime","connections","rooms","persistence"],
 "properties":{
  "status":{"type":"string","enum":["healthy","degraded","unhealthy"]},
  "error":{"type":"string","description":"when unhealthy"},
  "timestamp":{"type":"string","format":"date-time"},
  "version":{"type":"string"},
  "role":{"type":"string","enum":["leader","follower"]},
  "auth":{"type":"string","enum":["keys","off"]},
  "clock":{"type":"string","enum":["real","test"]},
  "uptime":{"type":"integer","description":"seconds"},
  "uptime_secs":{"type":"integer"},
  "components":{"type":"object","additionalProperties":{"type":"string",
   "enum":["operational","degraded","down"]}},
  "connections":{"type":"object","properties":{
   "active":{"type":"integer"},"total":{"type":"integer"}}},
  "rooms":{"type":"object","properties":{"active":{"type":"integer"},"total":{"type":"integer"}}},
  "persistence":{"type":"object"}}})"},
    ComponentSchema{"ComponentHealth", R"({"type":"object","required":["status"],
 "properties":{
  "status":{"type":"string","enum":["ok","degraded","unhealthy"]},
  "error":{"type":"string","description":"when not ok"}}})"},
    ComponentSchema{"SystemStatus", R"({"type":"object",
 "required":["status","components","version","uptime","nats","streams","kv_buckets","jobs"],
 "properties":{
  "status":{"type":"string","enum":["ok","degraded"]},
  "components":{"type":"object",
   "additionalProperties":{"$ref":"#/components/schemas/ComponentHealth"}},
  "version":{"type":"string"},
  "uptime":{"type":"string","examples":["2h30m"]},
  "nats":{"type":"object","properties":{"url":{"type":"string"},"version":{"type":"string"},
   "clustered":{"type":"boolean"},
   "sync_always":{"type":["boolean","null"],
    "description":"fsync before every acknowledgement; null when this NATS does not tell"},
   "clock_skew_ms":{"type":["integer","null"],
    "description":"NATS's clock minus this server's, beyond the round trip; null when not told"}}},
  "streams":{"type":"array","items":{"type":"object","properties":{
   "name":{"type":"string"},"messages":{"type":"integer"},"bytes":{"type":"integer"},
   "consumers":{"type":"integer"},"replicas":{"type":"integer"},
   "replicas_current":{"type":"integer","description":"those that live and follow"},
   "discard":{"type":"string","description":"when full: new refuses, old drops the oldest"},
   "max_bytes":{"type":["integer","null"]},"max_messages":{"type":["integer","null"]},
   "max_age_ms":{"type":["integer","null"]}}}},
  "kv_buckets":{"type":"array","items":{"type":"object","properties":{
   "name":{"type":"string"},"keys":{"type":"integer"},"bytes":{"type":"integer"},
   "replicas":{"type":"integer"},"replicas_current":{"type":"integer"}}}},
  "jobs":{"type":"object","additionalProperties":{"type":"integer"}},
  "replica":{"type":"object"},
  "workers":{"type":"object"},
  "outbox":{"type":"object","description":"what waits on disk for NATS",
   "properties":{"operations":{"type":"integer"},"bytes":{"type":"integer"},
   "max_bytes":{"type":"integer"},"drained":{"type":"integer"}}}}})"},
    ComponentSchema{"Ready", R"({"type":"object","required":["ready","checks"],
 "properties":{"ready":{"type":"boolean"},
  "checks":{"type":"object","additionalProperties":{"type":"string","enum":["ok","failing"]}}}})"},
    ComponentSchema{"KvEntry", R"({"type":"object",
 "required":["key","revision","updated_at","operation"],"properties":{
  "key":{"type":"string"},"value":{"description":"any JSON; absent from a marker"},
  "encoding":{"type":"string","enum":["base64"],"description":"of a value that is no text"},
  "revision":{"type":"integer"},"updated_at":{"type":"string","format":"date-time"},
  "expires_at":{"type":"string","format":"date-time"},
  "operation":{"type":"string","enum":["put","delete","purge"]}}})"},
    ComponentSchema{"KvBucket", R"({"type":"object","required":["bucket","history","revision"],
 "properties":{"bucket":{"type":"string"},"history":{"type":"integer"},
  "ttl_ms":{"type":"integer"},"max_bytes":{"type":"integer"},
  "max_value_bytes":{"type":"integer"},"replicas":{"type":"integer"},
  "bytes":{"type":"integer"},"values":{"type":"integer"},"revision":{"type":"integer"},
  "server_ttl":{"type":"boolean","description":"the server itself ends entries in time"},
  "atomic":{"type":"boolean","description":"the server takes several keys at once"},
  "keys":{"type":"integer","description":"live ones"},
  "items":{"type":"array","items":{"type":"string"}},
  "next_cursor":{"type":["string","null"]}}})"},
    ComponentSchema{"Live", R"({"type":"object","required":["alive"],
 "properties":{"alive":{"type":"boolean"}}})"},
    ComponentSchema{"Stats", R"({"type":"object",
 "required":["server","connections","rooms","memory","persistence"],
 "properties":{
  "server":{"type":"object"},
  "connections":{"type":"object"},
  "rooms":{"type":"object"},
  "memory":{"type":"object"},
  "persistence":{"type":"object"},
  "jobs":{"type":"object"},
  "log":{"type":"object"}}})"},
};

}  // namespace

std::span<const ComponentSchema> system_schemas() {
  return kSchemas;
}

}  // namespace weir::api
