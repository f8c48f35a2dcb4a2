// The schemas of schedules.
#include <array>

#include "api/openapi/schemas.hpp"

namespace weir::api {
namespace {

constexpr std::array kSchemas{
    ComponentSchema{"ScheduleJob", R"({"type":"object","required":["queue"],
 "additionalProperties":false,
 "description":"as NewJob, without id, run_at, delay_ms and unique; at most 64 KiB",
 "properties":{
  "queue":{"type":"string"},
  "type":{"type":"string","maxLength":128},
  "payload":{"description":"any JSON, kept byte for byte"},
  "priority":{"type":"integer","minimum":0,"maximum":9,"default":5},
  "max_attempts":{"type":"integer","minimum":1,"maximum":1000},
  "backoff":{"$ref":"#/components/schemas/Backoff"},
  "lease_ms":{"$ref":"#/components/schemas/Duration"},
  "timeout_ms":{"$ref":"#/components/schemas/Duration"},
  "retention_ms":{"$ref":"#/components/schemas/Duration"},
  "key":{"type":"string","maxLength":256},
  "tags":{"type":"array","items":{"type":"string","maxLength":64},"maxItems":32},
  "metadata":{"type":"object"},
  "headers":{"type":"object","additionalProperties":{"type":"string"}}}})"},
    ComponentSchema{"ScheduleSpec", R"({"type":"object","required":["job"],
 "additionalProperties":false,
 "properties":{
  "cron":{"type":"string","maxLength":256,
   "description":"5 fields, 6 with seconds first, or a macro; this or every"},
  "every":{"$ref":"#/components/schemas/Duration"},
  "time_zone":{"type":"string","maxLength":64,"default":"UTC","description":"IANA name, for cron"},
  "job":{"$ref":"#/components/schemas/ScheduleJob"},
  "overlap":{"type":"string","enum":["allow","skip","buffer_one","cancel_running"],
   "default":"allow"},
  "catchup":{"type":"string","enum":["none","last","all"],"default":"last"},
  "catchup_max":{"type":"integer","minimum":1,"maximum":1000,"default":100},
  "jitter_ms":{"$ref":"#/components/schemas/Duration"},
  "start_at":{"type":"string","format":"date-time"},
  "end_at":{"type":"string","format":"date-time"},
  "paused":{"type":"boolean"}},
 "examples":[{"cron":"30 2 * * *","time_zone":"Europe/Berlin",
  "job":{"queue":"reports","type":"nightly"}}]})"},
    ComponentSchema{"Schedule", R"({"type":"object","required":["name","paused","job"],
 "properties":{
  "name":{"type":"string"},
  "paused":{"type":"boolean"},
  "cron":{"type":"string"},
  "every":{"$ref":"#/components/schemas/Duration"},
  "time_zone":{"type":"string"},
  "start_at":{"type":"string","format":"date-time"},
  "end_at":{"type":"string","format":"date-time"},
  "overlap":{"type":"string"},
  "catchup":{"type":"string"},
  "catchup_max":{"type":"integer"},
  "jitter_ms":{"type":"integer"},
  "job":{"$ref":"#/components/schemas/ScheduleJob"},
  "next_at":{"type":["string","null"],"format":"date-time"},
  "next_runs":{"type":"array","items":{"type":"string","format":"date-time"}},
  "last_at":{"type":["string","null"],"format":"date-time"},
  "last_job":{"type":["string","null"]},
  "running":{"type":"integer","description":"runs that have not ended"},
  "waiting_at":{"type":["string","null"],"format":"date-time",
   "description":"the run that waits for those"},
  "runs":{"type":"integer"},
  "missed":{"type":"integer","description":"not started in time and not made up"},
  "skipped":{"type":"integer","description":"because of earlier runs, or refused"},
  "problem":{"type":["string","null"],"description":"why the newest run was refused"},
  "created_at":{"type":"string","format":"date-time"},
  "updated_at":{"type":"string","format":"date-time"},
  "revision":{"type":"integer"}}})"},
    ComponentSchema{"SchedulePage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{
  "items":{"type":"array","items":{"$ref":"#/components/schemas/Schedule"}},
  "next_cursor":{"type":["string","null"]}}})"},
    ComponentSchema{"ScheduleRunPage", R"({"type":"object","required":["items","next_cursor"],
 "properties":{
  "items":{"type":"array","items":{"type":"object","required":["at","kind","id","status"],
   "properties":{
    "at":{"type":"string","format":"date-time","description":"when it was due"},
    "kind":{"type":"string","enum":["due","trigger","backfill"]},
    "id":{"type":"string","description":"of the job"},
    "status":{"$ref":"#/components/schemas/Status"},
    "created_at":{"type":"string","format":"date-time"},
    "started_at":{"type":["string","null"],"format":"date-time"},
    "finished_at":{"type":["string","null"],"format":"date-time"}}}},
  "next_cursor":{"type":["string","null"]}}})"},
    ComponentSchema{"ScheduleTriggered", R"({"type":"object","required":["id","schedule","at"],
 "properties":{
  "id":{"type":"string"},
  "schedule":{"type":"string"},
  "at":{"type":"string","format":"date-time"},
  "queue":{"type":"string"},
  "revision":{"type":"integer"}}})"},
    ComponentSchema{"ScheduleBackfill", R"({"type":"object","required":["from","to"],
 "additionalProperties":false,
 "properties":{
  "from":{"type":"string","format":"date-time","description":"inclusive"},
  "to":{"type":"string","format":"date-time","description":"inclusive, not in the future"}}})"},
    ComponentSchema{"ScheduleBackfilled", R"({"type":"object","required":["submitted","known"],
 "properties":{
  "schedule":{"type":"string"},
  "submitted":{"type":"integer"},
  "known":{"type":"integer","description":"whose jobs were there"},
  "problem":{"type":"string","description":"why some were refused"},
  "revision":{"type":"integer"}}})"},
};

}  // namespace

std::span<const ComponentSchema> schedule_schemas() {
  return kSchemas;
}

}  // namespace weir::api
