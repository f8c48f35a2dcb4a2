#include "jobs/job_request.hpp"

#include "jobs/dependencies.hpp"
#include "jobs/target.hpp"
#include "jobs/unique.hpp"
#include "jobs/webhook_request.hpp"

namespace weir::jobs {
namespace {

void write_id(Fields& fields, UuidGenerator& ids, json::Writer& out) {
  const auto given = fields.text("id", 4'096);
  if (given) check_job_id(fields.errors(), fields.path("id"), *given);
  out.member("id", given ? *given : ids.next());
}

void write_queue(Fields& fields, json::Writer& out) {
  const auto queue = fields.required_text("queue", 4'096);
  if (queue && check_queue_name(fields.errors(), fields.path("queue"), *queue)) {
    out.member("queue", *queue);
  }
}

void write_time(Fields& fields, json::Writer& out) {
  const auto run_at = fields.time_ms("run_at");
  const auto delay = fields.duration_ms("delay_ms", 0ms, kMaxDelay);
  if (run_at && delay) fields.complain("delay_ms", "cannot stand beside run_at: give one of them");
  if (run_at) out.member("run_at", *run_at);
  if (delay && *delay > 0) out.member("delay_ms", *delay);
}

void write_tags(Fields& fields, json::Writer& out) {
  const auto tags = fields.array("tags", kMaxTags);
  if (tags.is_missing()) return;
  std::size_t index = 0;
  for (const auto tag : tags.elements()) {
    const auto field = fields.path("tags[" + std::to_string(index++) + "]");
    const auto text = tag.as_string();
    if (!text) {
      fields.errors().wrong_type(field, "a string", tag);
    } else if (text->empty() || text->size() > kMaxTagBytes) {
      fields.errors().invalid(field, "must have 1 to " + std::to_string(kMaxTagBytes) +
                                         " bytes, not " + std::to_string(text->size()));
    }
  }
  out.raw_member("tags", tags.raw());
}

enum class Values : std::uint8_t { any, strings };

void check_members(Fields& fields, std::string_view name, Values values, json::View object) {
  std::size_t count = 0;
  for (const auto& member : object.members()) {
    ++count;
    const auto key = member.key();
    if (key.empty() || key.size() > kMaxMemberNameBytes) {
      fields.complain(name, "has a name that does not have 1 to " +
                                std::to_string(kMaxMemberNameBytes) + " bytes");
    }
    if (values == Values::strings && !member.value.is_string()) {
      fields.errors().wrong_type(fields.path(name) + "." + key.substr(0, kMaxMemberNameBytes),
                                 "a string", member.value);
    }
  }
  if (count > kMaxMembers) {
    fields.complain(name, "must have at most " + std::to_string(kMaxMembers) + " members, not " +
                              std::to_string(count));
  }
  if (object.raw().size() > kMaxMetadataBytes) {
    fields.complain(name, "must have at most " + std::to_string(kMaxMetadataBytes) +
                              " bytes as JSON, not " + std::to_string(object.raw().size()));
  }
}

void write_members(Fields& fields, std::string_view name, Values values, json::Writer& out) {
  const auto object = fields.object(name);
  if (object.is_missing()) return;
  check_members(fields, name, values, object);
  out.raw_member(name, object.raw());
}

// The headers of a callback, with one more.
void write_callback_headers(Fields& fields, std::string_view batch, json::Writer& out) {
  const auto object = fields.object("headers");
  if (!object.is_missing()) check_members(fields, "headers", Values::strings, object);
  out.key("headers").begin_object();
  for (const auto& member : object.members()) {
    const auto key = member.key();
    if (key != kBatchHeader) out.raw_member(key, member.value.raw());
  }
  out.member(kBatchHeader, batch).end_object();
}

void write_batch_id(Fields& fields, const JobRequestOptions& options, json::Writer& out) {
  if (options.role == JobRole::member) out.member("batch", options.batch);
  if (options.role != JobRole::single) {
    if (fields.has("batch")) fields.complain("batch", "cannot stand in a job of a new batch");
    return;
  }
  const auto batch = fields.text("batch", 4'096);
  if (batch && check_job_id(fields.errors(), fields.path("batch"), *batch)) {
    out.member("batch", *batch);
  }
}

// A callback is submitted exactly once, when the batch decides: nothing else may hold it up.
void refuse_conditions(Fields& fields) {
  for (const std::string_view name : {"unique", "depends_on", "on_failure"}) {
    if (fields.has(name)) fields.complain(name, "cannot stand in a callback");
  }
  if (fields.raw("target").as_string() == kAllTarget) {
    fields.complain("target", "cannot be _all in a callback");
  }
}

// Every default is written out: an operation is complete.
void write_unique(Fields& job, json::Writer& out) {
  const auto given = job.object("unique");
  if (given.is_missing()) return;
  Fields fields(job.errors(), given, job.path("unique"));
  const auto key = fields.required_text("key", kMaxUniqueKeyBytes).value_or("");
  const auto scope_word = fields.text("scope", 32).value_or("active");
  const auto scope = parse_unique_scope(scope_word);
  if (!scope) {
    fields.complain("scope", "must be queued, active, retained or ttl, not \"" + scope_word + "\"");
  }
  const auto ttl = fields.duration_ms("ttl_ms", 1ms, kMaxUniqueTtl);
  if (scope == UniqueScope::ttl && !fields.has("ttl_ms")) {
    fields.complain("ttl_ms", "is required for the scope ttl");
  } else if (scope != UniqueScope::ttl && ttl) {
    fields.complain("ttl_ms", "belongs to the scope ttl");
  }
  const auto action_word = fields.text("on_conflict", 32).value_or("return");
  const auto action = parse_on_conflict(action_word);
  if (!action) {
    fields.complain("on_conflict",
                    "must be return, reject, replace or debounce, not \"" + action_word + "\"");
  }
  if ((action == OnConflict::debounce || action == OnConflict::replace) && job.has("depends_on")) {
    fields.complain("on_conflict", "cannot be " + action_word + " beside depends_on");
  }
  if (action == OnConflict::debounce && !job.has("run_at") && !job.has("delay_ms")) {
    fields.complain("on_conflict", "debounce needs delay_ms or run_at beside unique");
  }
  fields.finish();
  out.key("unique").begin_object().member("key", key).member("scope", scope_word);
  if (ttl) out.member("ttl_ms", *ttl);
  out.member("on_conflict", action_word).end_object();
}

// Ids of other jobs; whether they exist, the log decides.
void write_dependencies(Fields& fields, json::Writer& out) {
  const auto parents = fields.array("depends_on", kMaxParents);
  const auto policy = fields.text("on_failure", 32);
  if (policy && !parse_on_failure(*policy)) {
    fields.complain("on_failure", "must be fail, ignore or run, not \"" + *policy + "\"");
  }
  if (policy && parents.is_missing()) fields.complain("on_failure", "belongs to depends_on");
  if (parents.is_missing()) return;
  std::size_t index = 0;
  for (const auto parent : parents.elements()) {
    const auto field = fields.path("depends_on[" + std::to_string(index++) + "]");
    if (const auto id = parent.as_string()) {
      check_job_id(fields.errors(), field, *id);
    } else {
      fields.errors().wrong_type(field, "a string", parent);
    }
  }
  if (index == 0) return;
  out.raw_member("depends_on", parents.raw());
  if (policy) out.member("on_failure", *policy);
}

// What a job is, without who it is and when it runs.
void write_content(Fields& fields, const JobRequestOptions& options, json::Writer& out) {
  if (const auto type = fields.text("type", kMaxTypeBytes)) out.member("type", *type);
  if (const auto key = fields.text("key", kMaxKeyBytes)) out.member("key", *key);
  write_target(fields, out);
  if (const auto priority = fields.integer("priority", 0, kMaxPriority)) {
    out.member("priority", *priority);
  }
  if (const auto most = fields.integer("max_attempts", 1, kMaxAttempts)) {
    out.member("max_attempts", *most);
  }
  if (const auto lease = fields.duration_ms("lease_ms", kMinLease, kMaxLease)) {
    out.member("lease_ms", *lease);
  }
  if (const auto timeout = fields.duration_ms("timeout_ms", kMinTimeout, kMaxTimeout)) {
    out.member("timeout_ms", *timeout);
  }
  if (const auto kept = fields.duration_ms("retention_ms", 0ms, kMaxRetention)) {
    out.member("retention_ms", *kept);
  }
  if (const auto backoff = fields.object("backoff"); !backoff.is_missing()) {
    out.key("backoff");
    write_backoff_request(fields.errors(), backoff, fields.path("backoff"), out);
  }
  write_tags(fields, out);
  write_members(fields, "metadata", Values::any, out);
  write_webhook_request(fields, options.signs_webhooks, out);
  write_json(fields, "payload", options.max_payload_bytes, out);
}

}  // namespace

void write_job_request(FieldErrors& errors, json::View job, const std::string& path,
                       const JobRequestOptions& options, json::Writer& out) {
  Fields fields(errors, job, path);
  out.begin_object();
  write_id(fields, options.ids, out);
  write_queue(fields, out);
  write_time(fields, out);
  if (const auto expires = fields.time_ms("expires_at")) out.member("expires_at", *expires);
  write_batch_id(fields, options, out);
  if (options.role == JobRole::callback) {
    refuse_conditions(fields);
    write_callback_headers(fields, options.batch, out);
  } else {
    write_unique(fields, out);
    write_dependencies(fields, out);
    write_members(fields, "headers", Values::strings, out);
  }
  write_content(fields, options, out);
  fields.finish();
  out.end_object();
}

void write_job_template(FieldErrors& errors, json::View job, const std::string& path,
                        const JobRequestOptions& options, json::Writer& out) {
  Fields fields(errors, job, path);
  out.begin_object();
  write_queue(fields, out);
  write_members(fields, "headers", Values::strings, out);
  write_content(fields, options, out);
  for (const std::string_view name :
       {"id", "run_at", "delay_ms", "expires_at", "unique", "depends_on", "on_failure", "batch"}) {
    if (!fields.raw(name).is_missing()) fields.complain(name, "is decided by the schedule's runs");
  }
  fields.finish();
  out.end_object();
}

void write_job_edit(FieldErrors& errors, json::View edit, std::size_t max_payload_bytes,
                    json::Writer& out) {
  Fields fields(errors, edit);
  const auto before = out.size();
  if (const auto priority = fields.integer("priority", 0, kMaxPriority)) {
    out.member("priority", *priority);
  }
  const auto run_at = fields.time_ms("run_at");
  const auto delay = fields.duration_ms("delay_ms", 0ms, kMaxDelay);
  if (run_at && delay) fields.complain("delay_ms", "cannot stand beside run_at: give one of them");
  if (run_at) out.member("run_at", *run_at);
  if (delay) out.member("delay_ms", *delay);
  if (const auto most = fields.integer("max_attempts", 1, kMaxAttempts)) {
    out.member("max_attempts", *most);
  }
  write_tags(fields, out);
  write_members(fields, "metadata", Values::any, out);
  write_members(fields, "headers", Values::strings, out);
  write_json(fields, "payload", max_payload_bytes, out);
  fields.finish();
  if (errors.empty() && out.size() == before) errors.invalid("(body)", "must change something");
}

}  // namespace weir::jobs
