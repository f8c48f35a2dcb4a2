#include "jobs/submit.hpp"

#include <set>

#include "jobs/expiry.hpp"
#include "jobs/idempotency.hpp"
#include "jobs/item_error.hpp"
#include "jobs/job_row.hpp"
#include "jobs/large_values.hpp"
#include "jobs/quota.hpp"
#include "jobs/target.hpp"
#include "jobs/webhook.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

std::string text_of(json::View value) {
  if (const auto plain = value.as_plain_string()) return std::string(*plain);
  return value.as_string().value_or("");
}

// ?7 stands for priority here and ?9 for created_at; fence, attempt and cancel_at start at 0.
constexpr std::string_view kInsert =
    "INSERT INTO jobs(row,id,queue,status,priority,at,attempt,max_attempts,lease_ms,created_at,"
    "run_at,cancel_at,fence,revision,parts,type,key,target,options,payload)"
    " VALUES(?1,?2,?3,?4,?5,?6,0,?7,?8,?9,?10,0,0,?11,?12,?13,?14,?15,?16,?17)"
    " ON CONFLICT(id) DO NOTHING";

void bind_or_null(sqlite::Statement& write, int index, std::string_view text) {
  if (text.empty()) {
    write.bind_null(index);
  } else {
    write.bind(index, text);
  }
}

std::int64_t parts_of(const NewJob& job) {
  return (job.payload.size() > kInlineBytes ? blob_bit(Blob::payload) : 0) |
         (job.unique.is_missing() ? 0 : kUniqueBit) | (job.key.empty() ? 0 : kKeyed) |
         (job.depends_on.is_missing() ? 0 : kHasParents) | (job.batch.empty() ? 0 : kInBatch) |
         (job.target.empty() ? 0 : kTargeted) | option_bits(job.options) |
         (job.target == kAllTarget ? kFanOut | kHasParents : 0);
}

// Nothing is sent without a signature.
Result<void> can_sign(const Queue* queue, bool default_secret) {
  if (default_secret || (queue != nullptr && !queue->config.webhook.secret.empty())) return {};
  return Error{Code::invalid,
               "webhook_without_secret",
               "There is no secret to sign the webhook with",
               "give the queue a webhook (PUT /v1/queues/{queue}), or the server a webhook_secret",
               {{"webhook", "has no secret to be signed with"}}};
}

void append_result(std::string& out, std::string_view id, const Submitter::Outcome& outcome) {
  out.append(R"({"id":")").append(outcome.id.empty() ? id : outcome.id).append(R"(","status":")");
  out.append(to_string(outcome.status))
      .append(outcome.replaced ? R"(","replaced":true)" : "\"")
      .append(outcome.duplicate ? R"(,"duplicate":true})" : "}");
}

}  // namespace

NewJob parse_new_job(json::View body) {
  NewJob job;
  for (const auto& member : body.members()) {
    const auto name = member.raw_key;
    const auto value = member.value;
    if (name == "id") {
      job.id = value.as_plain_string().value_or("");
    } else if (name == "queue") {
      job.queue = value.as_plain_string().value_or("");
    } else if (name == "payload") {
      job.payload = value.raw();
    } else if (name == "type") {
      job.type = text_of(value);
    } else if (name == "priority") {
      job.priority = value.as_int();
    } else if (name == "run_at") {
      job.run_at = value.as_int();
    } else if (name == "delay_ms") {
      job.delay_ms = value.as_int();
    } else if (name == "max_attempts") {
      job.max_attempts = value.as_int();
    } else if (name == "lease_ms") {
      job.lease_ms = value.as_int();
    } else if (name == "key") {
      job.key = text_of(value);
    } else if (name == "target") {
      job.target = text_of(value);
    } else if (name == "unique") {
      job.unique = value;
    } else if (name == "depends_on") {
      job.depends_on = value;
    } else if (name == "on_failure") {
      job.on_failure = value;
    } else if (name == "batch") {
      job.batch = value.as_plain_string().value_or("");
    } else {  // backoff, tags, metadata, headers: kept as they are
      job.options += job.options.empty() ? "{\"" : ",\"";
      job.options.append(name).append("\":").append(value.raw());
    }
  }
  if (!job.options.empty()) job.options += '}';
  return job;
}

Result<std::string> Submitter::apply(json::View body) {
  if (!body.raw().starts_with(kIdempotencyHead)) return apply_new(body);
  const auto once = parse_idempotency(body.find("idempotency"));
  WEIR_ASSIGN(auto first, find_answer(step_, once));
  if (first) {
    step_.count(Total::duplicates);
    return std::move(*first);
  }
  wants_reply_ = true;
  WEIR_ASSIGN(auto reply, apply_new(body));
  keep_answer(step_, once, made_row_, reply);
  return reply;
}

Result<std::string> Submitter::apply_new(json::View body) {
  const auto single = body.find("job");
  if (!single.is_missing()) return apply_single(single);
  const auto jobs = body.find("jobs");
  if (body.find("atomic").as_bool().value_or(false)) {
    WEIR_TRY(check_atomic(jobs));
  }
  return apply_batch(jobs);
}

Result<std::string> Submitter::apply_single(json::View text) {
  const NewJob job = parse_new_job(text);
  WEIR_ASSIGN(const Outcome outcome, insert(job));
  made_row_ = outcome.row;
  if (!wants_reply_) return std::string();
  json::Writer out(256);
  out.begin_object()
      .member("id", outcome.id.empty() ? job.id : std::string_view(outcome.id))
      .member("status", to_string(outcome.status))
      .member("queue", outcome.queue)
      .member("created_at", from_unix_ms(outcome.created_at))
      .member("revision", step_.revision);
  if (outcome.replaced) out.member("replaced", true);
  if (outcome.duplicate) out.member("duplicate", true);
  out.end_object();
  return out.take();
}

Result<std::string> Submitter::apply_batch(json::View jobs) {
  std::string out = "{\"results\":[";
  bool first = true;
  for (const auto text : jobs.elements()) {
    const NewJob job = parse_new_job(text);
    const auto outcome = insert(job);
    if (!wants_reply_) continue;
    if (!first) out += ',';
    first = false;
    if (outcome) {
      append_result(out, job.id, *outcome);
    } else {
      out += item_error(outcome.error());
    }
  }
  out.append("],\"revision\":").append(std::to_string(step_.revision)).append("}");
  return out;
}

Result<void> Submitter::check_atomic(json::View jobs, std::string_view new_batch) {
  WEIR_TRY(check_queues(jobs));
  WEIR_TRY(check_uniques(jobs));
  WEIR_TRY(check_full(jobs));
  WEIR_TRY(check_webhooks(jobs));
  WEIR_TRY(check_parents(jobs));
  WEIR_TRY(check_fan_outs(jobs));
  return check_batches(jobs, new_batch);
}

std::vector<std::string> Submitter::insert_all(json::View jobs) {
  std::vector<std::string> out;
  for (const auto text : jobs.elements()) {
    const NewJob job = parse_new_job(text);
    const auto outcome = insert(job);
    out.emplace_back();
    if (outcome) {
      append_result(out.back(), job.id, *outcome);
    } else {
      out.back() = item_error(outcome.error());
    }
  }
  return out;
}

// An atomic batch must not fail in its middle.
Result<void> Submitter::check_queues(json::View jobs) const {
  if (step_.accepted) return {};
  std::set<std::string_view> fresh;
  for (const auto job : jobs.elements()) {
    const auto name = job.find("queue").as_plain_string().value_or("");
    if (step_.state.queues.find(name) == nullptr) fresh.insert(name);
  }
  if (step_.state.queues.all().size() + fresh.size() <= kMaxQueues) return {};
  return too_many_queues();
}

// The same.
Result<void> Submitter::check_webhooks(json::View jobs) const {
  for (const auto job : jobs.elements()) {
    const auto webhook = job.find("webhook");
    if (webhook.is_missing()) continue;
    const Queue* queue = step_.state.queues.find(job.find("queue").as_plain_string().value_or(""));
    WEIR_TRY(can_sign(queue, webhook.find("default_secret").as_bool().value_or(false)));
  }
  return {};
}

Result<void> Submitter::check_signing(const NewJob& job) const {
  if ((option_bits(job.options) & kHookedBit) == 0) return {};
  return can_sign(step_.state.queues.find(job.queue), webhook_of(job.options)->default_secret);
}

Result<void> Submitter::find_queue(const NewJob& job) {
  auto& queues = step_.state.queues;
  if (job.owed || step_.accepted) {
    last_queue_ = &queues.ensure(step_.db, job.queue, step_.now);
  } else {
    WEIR_ASSIGN(last_queue_, queues.get_or_create(step_.db, job.queue, step_.now));
  }
  return {};
}

Result<Submitter::Outcome> Submitter::insert(const NewJob& job) {
  if (job.target == kAllTarget) return insert_fan_out(job);
  WEIR_ASSIGN(const auto parents, parents_of(job));
  return insert_behind(job, parents);
}

Result<Submitter::Outcome> Submitter::insert_behind(const NewJob& job, const Parents& parents) {
  JobBatch* batch = nullptr;
  if (!job.batch.empty()) {
    WEIR_ASSIGN(batch, batch_of(job));
  }
  auto parts = parts_of(job);
  if ((parts & kHookedBit) != 0 && !job.owed) WEIR_TRY(check_signing(job));
  // A job for all workers counts as one.
  const bool owned = step_.owner && (!job.owed || job.target == kAllTarget);
  if (owned) parts |= kQuotaBit;
  // Before its queue is made.
  const bool fresh = owned && !job.owed && step_.state.queues.find(job.queue) == nullptr;
  if (fresh && !is_known(job.id)) WEIR_TRY(check_quota(step_));
  if (last_queue_ == nullptr || last_queue_->name != job.queue) WEIR_TRY(find_queue(job));
  WEIR_ASSIGN(auto instead, admit(job, *last_queue_, owned));
  if (instead) return std::move(*instead);
  return put(job, parents, *last_queue_, batch, parts);
}

Result<std::optional<Submitter::Outcome>> Submitter::admit(const NewJob& job, const Queue& queue,
                                                           bool owned) {
  using Instead = std::optional<Outcome>;
  if (!job.unique.is_missing()) {
    if (const auto holder = find_holder(job, queue)) {
      WEIR_ASSIGN(auto outcome, resolve_unique(job, *holder));
      aliases_.emplace(job.id, outcome.id);
      return Instead(std::move(outcome));
    }
  }
  if (job.owed || step_.accepted) return Instead();
  auto room = queue.config.limits_waiting() ? check_waiting(queue, job.key) : Result<void>();
  if (room && owned) room = check_quota(step_);
  if (room) return Instead();
  if (!is_known(job.id)) return room.error();
  step_.count(Total::duplicates);
  return Instead(existing(job.id));
}

Result<Submitter::Outcome> Submitter::put(const NewJob& job, const Parents& parents, Queue& queue,
                                          JobBatch* batch, std::int64_t parts) {
  const auto priority = job.priority.value_or(queue.config.default_priority);
  auto run_at = job.run_at;
  if (job.delay_ms) run_at = step_.now + *job.delay_ms;
  const auto* failing = parents.failing();
  auto status = run_at && *run_at > step_.now ? Status::scheduled : Status::unprocessed;
  if (failing != nullptr || parents.waiting()) status = Status::blocked;
  {
    auto write = step_.db.prepare(kInsert);
    bind(write, job, queue,
         {.status = status, .priority = priority, .run_at = run_at, .parts = parts});
    write.run();
    if (write.changes() == 0) {
      step_.count(Total::duplicates);
      return existing(job.id);
    }
  }
  if (job.payload.size() > kInlineBytes) {
    write_blob(step_.db, step_.state.next_row, Blob::payload, job.payload);
  }
  const std::int64_t row = step_.state.next_row++;
  keep_large(step_, row, Blob::payload, job.payload);
  if (!job.unique.is_missing()) take_unique(step_, row, queue.id, parse_unique(job.unique));
  if ((parts & kQuotaBit) != 0) count_owned(step_, row);
  if ((parts & kExpiringBit) != 0) begin_expiry(step_, row, expires_of(job.options));
  if (!parents.all.empty()) link_parents(step_, row, parents);
  if (batch != nullptr) Batches(step_).join(*batch, row, queue);
  step_.count(Total::submitted);
  step_.change({.row = row,
                .queue = queue,
                .from = std::nullopt,
                .to = status,
                .cause = Cause::submit,
                .priority = priority,
                .at = run_at.value_or(0),
                .parts = parts},
               job.key);
  if (failing != nullptr) {
    fail_child(step_, row, *failing);
    status = Status::failed;
  }
  return Outcome{.status = status, .created_at = step_.now, .queue = queue.name, .row = row};
}

void Submitter::bind(sqlite::Statement& write, const NewJob& job, const Queue& queue,
                     const Start& start) {
  const bool beside = job.payload.size() > kInlineBytes;
  write.bind(1, step_.state.next_row).bind(2, job.id).bind(3, queue.id);
  std::optional<std::int64_t> at;
  if (start.status == Status::scheduled) at = start.run_at;
  if (start.status == Status::blocked) at = step_.now;
  write.bind(4, static_cast<std::int64_t>(start.status)).bind(5, start.priority).bind(6, at);
  write.bind(7, job.max_attempts).bind(8, job.lease_ms).bind(9, step_.now).bind(10, start.run_at);
  write.bind(11, step_.revision).bind(12, start.parts);
  bind_or_null(write, 13, job.type);
  bind_or_null(write, 14, job.key);
  bind_or_null(write, 15, job.target);
  bind_or_null(write, 16, job.options);
  bind_or_null(write, 17, beside ? std::string_view() : job.payload);
}

Submitter::Outcome Submitter::existing(std::string_view id) {
  auto rows = step_.db.prepare("SELECT status,created_at,queue,row FROM jobs WHERE id=?1");
  rows.bind(1, id);
  rows.step();
  return Outcome{.status = static_cast<Status>(rows.int64(0)),
                 .created_at = rows.int64(1),
                 .queue = step_.state.queues.get(rows.int64(2)).name,
                 .duplicate = true,
                 .row = rows.int64(3)};
}

}  // namespace weir::jobs
