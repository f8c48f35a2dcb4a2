// What the limits refuse and show: queue_full at submit, GET and PUT /v1/limits.
#include <map>

#include "jobs/manage.hpp"
#include "jobs/queries.hpp"
#include "jobs/query_parts.hpp"
#include "jobs/quota.hpp"
#include "jobs/submit.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::chrono::seconds kFullRetryAfter{5};

Error queue_full(const Queue& queue, std::string_view key, std::int64_t limit) {
  Error error{Code::too_many_requests, "queue_full",
              key.empty() ? "The queue is full" : "The queue is full for this key",
              queue.name + " holds " + std::to_string(limit) +
                  " waiting jobs, as many as max_waiting of its " +
                  (key.empty() ? "configuration" : "per_key configuration") +
                  " allows: submit again later"};
  error.retry_after = kFullRetryAfter;
  return error;
}

std::string limits_text(std::int64_t concurrency, std::int64_t running, std::int64_t revision) {
  json::Writer out(96);
  out.begin_object().key("concurrency");
  if (concurrency > 0) {
    out.value(concurrency);
  } else {
    out.null();
  }
  out.member("running", running);
  if (revision > 0) out.member("revision", revision);
  out.end_object();
  return out.take();
}

}  // namespace

// `more` jobs of the queue and `more_of_key` of the key come before.
Result<void> check_waiting(const Queue& queue, std::string_view key, std::int64_t more,
                           std::int64_t more_of_key) {
  const auto limit = queue.config.max_waiting;
  if (limit > 0 && queue.waiting() + more >= limit) return queue_full(queue, {}, limit);
  const auto key_limit = queue.config.per_key.max_waiting;
  if (key_limit == 0 || key.empty()) return {};
  const Lane* lane = queue.lanes ? queue.lanes->find(key) : nullptr;
  const auto waiting = lane == nullptr ? 0 : lane->waiting;
  if (waiting + more_of_key >= key_limit) return queue_full(queue, key, key_limit);
  return {};
}

// An atomic batch must not fail in its middle.
Result<void> Submitter::check_full(json::View jobs) {
  if (step_.accepted) return {};
  std::map<const Queue*, std::int64_t> more;
  std::map<std::pair<const Queue*, std::string>, std::int64_t> more_of_key;
  std::int64_t more_of_owner = 0;
  for (const auto job : jobs.elements()) {
    if (step_.owner && !is_known(job.find("id").as_string().value_or(""))) {
      WEIR_TRY(check_quota(step_, more_of_owner++));
    }
    const Queue* queue = step_.state.queues.find(job.find("queue").as_plain_string().value_or(""));
    if (queue == nullptr || !queue->config.limits_waiting()) continue;
    if (is_known(job.find("id").as_string().value_or(""))) continue;
    const auto key = job.find("key").as_string().value_or("");
    WEIR_TRY(check_waiting(*queue, key, more[queue]++, more_of_key[{queue, key}]++));
  }
  return {};
}

Result<std::string> Manager::set_limits(json::View body) {
  auto& queues = step_.state.queues;
  queues.set_concurrency(body.find("concurrency").as_int().value_or(0));
  return limits_text(queues.concurrency(), queues.counts()[index_of(Status::processing)],
                     step_.revision);
}

std::string get_limits(sqlite::Database& db) {
  std::int64_t concurrency = 0;
  {
    auto rows = db.prepare("SELECT count FROM job_counts WHERE queue=?1 AND kind=?2");
    rows.bind_all(kAllQueues, kConcurrencyKind);
    if (rows.step()) concurrency = rows.int64(0);
  }
  return limits_text(concurrency, read_counts(db, kAllQueues)[index_of(Status::processing)], 0);
}

}  // namespace weir::jobs
