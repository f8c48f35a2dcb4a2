#include "jobs/lease.hpp"

#include <array>
#include <charconv>
#include <set>

#include "jobs/dependencies.hpp"
#include "jobs/drain.hpp"
#include "jobs/expiry.hpp"
#include "jobs/job_row.hpp"
#include "jobs/stored_form.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::jobs {
namespace {

// The columns that pick() reads, in order.
enum Column : int {
  kColRow,
  kColId,
  kColAttempt,
  kColMaxAttempts,
  kColLeaseMs,
  kColCreatedAt,
  kColRunAt,
  kColFence,
  kColParts,
  kColPriority,
  kColType,
  kColKey,
  kColOptions,
  kColPayload
};
// A queue without keys, in the order of the index.
constexpr std::string_view kPick =
    "SELECT row,id,attempt,max_attempts,lease_ms,created_at,run_at,fence,parts,priority,type,key,"
    "options,payload FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1 AND target IS NULL"
    " ORDER BY priority DESC,key,row LIMIT ?2";
// The head of one lane.
constexpr std::string_view kPickHead =
    "SELECT row,id,attempt,max_attempts,lease_ms,created_at,run_at,fence,parts,priority,type,key,"
    "options,payload FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1"
    " AND target IS NULL AND priority=?2 AND key IS ?3 ORDER BY row LIMIT 1";

// One job.
constexpr std::string_view kPickRow =
    "SELECT row,id,attempt,max_attempts,lease_ms,created_at,run_at,fence,parts,priority,type,key,"
    "options,payload FROM jobs WHERE row=?1";

constexpr std::string_view kTake =
    "UPDATE jobs SET status=3,at=?2,started_at=?2,deadline=?3,granted_ms=?4,attempt=attempt+1,"
    "fence=fence+1,nonce=?5,worker=?6,revision=?7 WHERE row=?1";

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  out.append(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

void append_text_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  if (text.empty()) {
    out.append("null");
  } else {
    json::append_quoted(out, text);
  }
}

}  // namespace

Result<std::string> Leaser::apply(json::View body) {
  std::string jobs;
  WEIR_TRY(check_room(body));
  const bool parked = lease_or_park(body, jobs);
  if (!step_.context.wants_reply) return std::string();
  return (parked ? "{\"parked\":true,\"jobs\":" : "{\"jobs\":") + jobs + "}";
}

Result<void> Leaser::check_room(json::View body) const {
  if (step_.state.waiters.size() < kMaxWaiters) return {};
  if (body.find("wait_ms").as_int().value_or(0) <= 0) return {};
  return Error{Code::too_many_requests, "too_many_waiters", "Too many workers wait for jobs",
               "at most " + std::to_string(kMaxWaiters) + ": lease more jobs per worker"};
}

bool Leaser::lease_or_park(json::View body, std::string& out) {
  LeaseCall call = parse_lease_call(body);
  const auto wait_ms = body.find("wait_ms").as_int().value_or(0);
  auto& workers = step_.state.workers;
  Worker& worker = workers.seen(step_.db, call.worker, step_.now);
  workers.asks(worker, call);
  if (worker.drained_at != 0) {
    out.append("[]").append(kDraining);
    return false;
  }
  out += '[';
  const auto leased = grant(call, step_.context.wants_reply, out);
  out += ']';
  if (leased > 0 || wait_ms <= 0) return false;
  step_.state.waiters.add(step_.db, Waiter{.node = body.find("node").as_string().value_or(""),
                                           .id = body.find("waiter").as_string().value_or(""),
                                           .until = step_.now + wait_ms,
                                           .call = std::move(call)});
  return true;
}

std::int64_t Leaser::grant(const LeaseCall& call, bool wanted, std::string& out) {
  std::int64_t leased = 0;
  reply_bytes_ = 0;
  expire_due(step_, kTickRows);
  for (const auto& name : call.queues) {
    if (leased >= call.max || reply_bytes_ >= kMaxLeaseReplyBytes) break;
    Queue* queue = step_.state.queues.find(name);
    if (queue == nullptr) continue;
    step_.state.queues.asked(*queue, step_.now);
    if (queue->paused || queue->count(Status::unprocessed) == 0) continue;
    leased += grant_from(*queue, call, call.max - leased, wanted, out);
  }
  return leased;
}

std::int64_t Leaser::grant_from(Queue& queue, const LeaseCall& call, std::int64_t max, bool wanted,
                                std::string& out) {
  Picker picker(step_, queue);
  max = std::min(max, picker.room());
  if (max == 0) return 0;
  std::int64_t leased = 0;
  const auto targets = ready_targets(queue, call);
  if (!call.types.empty() || !targets.empty() || (!picker.plain() && !queue.targets.empty())) {
    leased =
        lease_filtered(queue, call, FilteredPicker(step_, queue, call, targets), max, wanted, out);
  } else if (picker.plain()) {
    leased = lease_plain(queue, call, max, wanted, out);
  } else {
    while (leased < max && reply_bytes_ < kMaxLeaseReplyBytes) {
      const auto choice = picker.next();
      if (!choice) break;
      lease_head(queue, call, *choice, wanted, out);
      ++leased;
    }
  }
  step_.count(Total::leased, leased);
  return leased;
}

// Reads first, writes later: the index that is walked here is the one that take() changes.
std::int64_t Leaser::lease_plain(Queue& queue, const LeaseCall& call, std::int64_t max, bool wanted,
                                 std::string& out) {
  picked_.clear();
  {
    auto rows = step_.db.prepare(kPick);
    rows.bind_all(queue.id, max);
    while (reply_bytes_ < kMaxLeaseReplyBytes && rows.step()) {
      picked_.push_back(pick(queue, call, rows, wanted, out));
    }
  }
  Worker& worker = step_.state.workers.seen(step_.db, call.worker, step_.now);
  for (const auto& picked : picked_) take(queue, call, worker, picked);
  return static_cast<std::int64_t>(picked_.size());
}

std::int64_t Leaser::lease_filtered(Queue& queue, const LeaseCall& call, FilteredPicker picker,
                                    std::int64_t max, bool wanted, std::string& out) {
  std::int64_t leased = 0;
  for (; leased < max && reply_bytes_ < kMaxLeaseReplyBytes; ++leased) {
    const auto row = picker.next();
    if (!row) break;
    lease_row(queue, call, *row, wanted, out);
  }
  return leased;
}

void Leaser::lease_row(Queue& queue, const LeaseCall& call, std::int64_t row, bool wanted,
                       std::string& out) {
  Picked picked;
  {
    auto rows = step_.db.prepare(kPickRow);
    rows.bind_all(row);
    const bool found = rows.step();
    WEIR_ASSERT(found);
    picked = pick(queue, call, rows, wanted, out);
  }
  take(queue, call, step_.state.workers.seen(step_.db, call.worker, step_.now), picked);
}

void Leaser::lease_head(Queue& queue, const LeaseCall& call, const Picker::Choice& choice,
                        bool wanted, std::string& out) {
  if (choice.row != 0) return lease_row(queue, call, choice.row, wanted, out);
  Picked picked;
  {
    auto rows = step_.db.prepare(kPickHead);
    rows.bind_all(queue.id, choice.priority);
    if (choice.key) {
      rows.bind(3, *choice.key);
    } else {
      rows.bind_null(3);
    }
    const bool found = rows.step();
    WEIR_ASSERT(found);
    picked = pick(queue, call, rows, wanted, out);
  }
  take(queue, call, step_.state.workers.seen(step_.db, call.worker, step_.now), picked);
}

Leaser::Picked Leaser::pick(const Queue& queue, const LeaseCall& call,
                            const sqlite::Statement& rows, bool wanted, std::string& out) {
  Picked picked{
      .row = rows.int64(kColRow),
      .fence = rows.int64(kColFence) + 1,
      .granted_ms = call.lease_ms > 0
                        ? call.lease_ms
                        : rows.optional_int64(kColLeaseMs).value_or(queue.config.lease_ms),
      .priority = rows.int64(kColPriority),
      .noted = rows.int64(kColParts) & kNoted,
      .since = std::max(rows.int64(kColCreatedAt), rows.optional_int64(kColRunAt).value_or(0))};
  if ((picked.noted & kKeyed) != 0) picked.key = rows.text(kColKey);
  picked.deadline = step_.now + picked.granted_ms;
  if ((rows.int64(kColParts) & kTimedBit) != 0) {
    picked.ends_by = step_.now + timeout_of(rows.text(kColOptions));
    picked.deadline = std::min(picked.deadline, picked.ends_by);
  }
  std::string beside;
  std::string_view payload = rows.text(kColPayload);
  if ((rows.int64(kColParts) & blob_bit(Blob::payload)) != 0) {
    payload = beside = read_blob(step_.db, picked.row, Blob::payload);
  }
  reply_bytes_ += value_bytes(payload);
  if (wanted) append_job(out, queue, call, rows, picked, payload);
  return picked;
}

void Leaser::take(Queue& queue, const LeaseCall& call, Worker& worker, const Picked& picked) {
  Lease lease{.queue = &queue,
              .worker = &worker,
              .fence = picked.fence,
              .nonce = lease_nonce(call.salt, picked.row),
              .lease_ms = picked.granted_ms,
              .deadline = picked.deadline,
              .ends_by = picked.ends_by,
              .followed = picked.noted,
              .cancel_at = 0,
              .started_at = step_.now,
              .key = picked.key};
  step_.db.prepare(kTake)
      .bind_all(picked.row, step_.now, lease.deadline, lease.lease_ms, lease.nonce, worker.name,
                step_.revision)
      .run();
  step_.state.leases.add(picked.row, std::move(lease));
  step_.state.times->waited(queue.name, picked.priority, step_.now - picked.since, step_.now);
  step_.state.workers.started(worker);
  step_.change({.row = picked.row,
                .queue = queue,
                .from = Status::unprocessed,
                .to = Status::processing,
                .cause = Cause::lease,
                .priority = picked.priority,
                .at = step_.now,
                .parts = picked.noted},
               picked.key);
  step_.state.queues.leased(queue, (picked.noted & kKeyed) != 0, step_.now);
}

// By hand, since this is the hottest text of the product: ids and queue names need no escaping.
void Leaser::append_job(std::string& out, const Queue& queue, const LeaseCall& call,
                        const sqlite::Statement& row, const Picked& picked,
                        std::string_view payload) {
  if (out.back() != '[') out += ',';
  out.append("{\"id\":\"").append(row.text(kColId));
  out.append("\",\"queue\":\"").append(queue.name).append("\",\"lease\":\"");
  append_token(out, {picked.row, picked.fence, lease_nonce(call.salt, picked.row)});
  out.append("\",\"attempt\":");
  append_number(out, row.int64(kColAttempt) + 1);
  out.append(",\"max_attempts\":");
  append_number(out, row.optional_int64(kColMaxAttempts).value_or(queue.config.max_attempts));
  out.append(",\"deadline\":");
  append_deadline(out, picked.deadline);
  out.append(",\"priority\":");
  append_number(out, picked.priority);
  append_text_member(out, "type", row.text(kColType));
  if (const auto key = row.text(kColKey); !key.empty()) append_text_member(out, "key", key);
  out.append(",\"payload\":").append(payload.empty() ? std::string_view("null") : payload);
  out.append(",\"checkpoint\":");
  if ((row.int64(kColParts) & blob_bit(Blob::checkpoint)) != 0) {
    out.append(read_blob(step_.db, picked.row, Blob::checkpoint));
  } else {
    out.append("null");
  }
  const json::View options{row.text(kColOptions)};
  const auto headers = options.find("headers");
  out.append(",\"headers\":").append(headers.is_missing() ? std::string_view("{}") : headers.raw());
  for (const std::string_view name : {"tags", "metadata"}) {
    const auto value = options.find(name);
    if (value.is_missing()) continue;
    out.append(",\"").append(name).append("\":").append(value.raw());
  }
  if ((picked.noted & kHasParents) != 0) {
    out.append(",\"parents\":");
    append_parents(out, step_.db, picked.row);
  }
  out += '}';
}

void Leaser::append_deadline(std::string& out, std::int64_t deadline) {
  if (deadline != formatted_deadline_ || deadline_text_.empty()) {
    deadline_text_ = '"' + format_rfc3339(from_unix_ms(deadline)) + '"';
    formatted_deadline_ = deadline;
  }
  out += deadline_text_;
}

void Leaser::serve_waiters() {
  if (step_.state.queues.take_room()) wake_all();
  for (Queue* queue : step_.state.queues.take_made_ready()) serve(*queue);
}

// Any queue may have been stopped by the limit of all.
void Leaser::wake_all() {
  for (const auto& name : step_.state.waiters.queues()) {
    if (Queue* queue = step_.state.queues.find(name)) step_.state.queues.wake(*queue);
  }
}

// A waiter that gets nothing was stopped by a limit, or by its types or the jobs' targets. Then all
// with the same wish get nothing, but for jobs that name their worker.
void Leaser::serve(Queue& queue) {
  auto& waiters = step_.state.waiters;
  std::set<WaiterBook::Wish> without;
  std::set<std::int64_t> named;
  if (!queue.targets.empty()) named = waiters.named(queue.name, queue.targets);
  while (!queue.paused && queue.count(Status::unprocessed) > 0) {
    const Waiter* waiter = waiters.first(step_.db, queue.name, step_.now, without);
    if (!named.empty() && (waiter == nullptr || *named.begin() <= waiter->seq)) {
      waiter = waiters.find(*named.begin());
      named.erase(named.begin());
      if (waiter == nullptr || waiter->until <= step_.now) continue;
    }
    if (waiter == nullptr) return;
    std::string delivery = "{\"jobs\":[";
    if (grant(waiter->call, true, delivery) == 0) {
      if (waiter->call.types.empty() && queue.targets.empty()) return;
      without.insert(WaiterBook::wish_of(waiter->call));
      continue;
    }
    delivery += "]}";
    step_.context.outbound.deliver(waiter->node, waiter->id, std::move(delivery));
    waiters.remove(step_.db, waiter->seq);
  }
}

}  // namespace weir::jobs
