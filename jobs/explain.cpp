#include "jobs/explainer.hpp"

#include <algorithm>

#include "jobs/fleet_query.hpp"
#include "jobs/job_row.hpp"
#include "jobs/limits.hpp"
#include "jobs/pick_view.hpp"
#include "jobs/step.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, kReasonCount> kWords{"ready",
                                                            "no_worker",
                                                            "no_match",
                                                            "queue_paused",
                                                            "total_concurrency",
                                                            "queue_concurrency",
                                                            "queue_rate",
                                                            "key_concurrency",
                                                            "key_rate",
                                                            "behind_priority",
                                                            "behind_aged",
                                                            "behind_turn",
                                                            "behind_earlier",
                                                            "scheduled",
                                                            "retry_wait",
                                                            "snoozed",
                                                            "due",
                                                            "blocked_by_parents",
                                                            "running",
                                                            "cancelling",
                                                            "completed",
                                                            "failed",
                                                            "cancelled",
                                                            "dead"};

std::string bounded_text(const PickView::Bounded& number, std::string_view one,
                         std::string_view many) {
  return (number.exact ? "" : "at least ") + plural(number.count, one, many);
}

}  // namespace

std::string Explainer::run() {
  out_.begin_object().member("id", job_.id).member("queue", queue_.name);
  out_.member("status", shown_status(job_)).key("reasons").begin_array();
  switch (job_.status) {
    case Status::scheduled:
      explain_scheduled();
      explain_pause();
      break;
    case Status::blocked:
      explain_blocked();
      explain_pause();
      break;
    case Status::unprocessed:
      explain_ready();
      break;
    case Status::processing:
      explain_running();
      break;
    case Status::completed:
    case Status::failed:
    case Status::cancelled:
    case Status::dlq:
      explain_ended();
      break;
  }
  out_.end_array();
  member_time(out_, "next_at",
              next_at_ == LaneRing::kForever ? std::nullopt : std::optional(next_at_));
  out_.end_object();
  return out_.take();
}

json::Writer& Explainer::begin(Reason reason, std::string_view message) {
  return out_.begin_object().member("code", to_string(reason)).member("message", message);
}

// --- ready ---------------------------------------------------------------------------------------

void Explainer::explain_ready() {
  PickView view(db_, queue_, job_.target, now_);
  explain_pause();
  const bool unmatched = explain_target();
  const bool limited = explain_limits(view);
  const bool ordered = explain_order(view);
  if (!queue_.paused_at && !unmatched && !limited && !ordered) explain_next();
}

bool Explainer::explain_target() {
  if (job_.target.empty()) return false;
  const auto match = match_target(db_, queue_.name, job_.target, now_);
  if (match == Match::live) return false;
  const bool draining = match == Match::draining;
  begin(Reason::no_match,
        draining ? "the live workers of the queue " + queue_.name + " that match " + job_.target +
                       " are draining"
                 : "no live worker of the queue " + queue_.name + " matches " + job_.target)
      .member("target", job_.target)
      .member("draining", draining);
  end();
  return true;
}

bool Explainer::explain_limits(PickView& view) {
  const auto before = out_.size();
  const auto& config = queue_.config;
  const auto total = view.total_concurrency();
  if (total > 0 && view.total_running() >= total) {
    begin(Reason::total_concurrency, plural(view.total_running(), "job runs", "jobs run") +
                                         ", the limit of all queues together is " +
                                         std::to_string(total))
        .member("running", view.total_running())
        .member("limit", total);
    end();
  }
  if (config.concurrency > 0 && view.running() >= config.concurrency) {
    begin(Reason::queue_concurrency, plural(view.running(), "job", "jobs") + " of the queue " +
                                         queue_.name + " " +
                                         (view.running() == 1 ? "runs" : "run") +
                                         ", its limit is " + std::to_string(config.concurrency))
        .member("running", view.running())
        .member("limit", config.concurrency);
    end();
  }
  if (const auto at = view.queue_token_at()) {
    begin(Reason::queue_rate,
          "the rate of the queue " + queue_.name + " allows the next job at " + time_text(*at));
    member_time(out_, "until", *at);
    end_at(*at);
  }
  explain_key_limits(view);
  return out_.size() != before;
}

void Explainer::explain_key_limits(PickView& view) {
  if (job_.key.empty()) return;
  const auto limit = queue_.config.per_key.concurrency;
  if (const auto running = view.running_of(job_.key); limit > 0 && running >= limit) {
    begin(Reason::key_concurrency, "the key " + job_.key +
                                       " is at its limit: " + std::to_string(running) + " of " +
                                       std::to_string(limit) + " run")
        .member("key", job_.key)
        .member("running", running)
        .member("limit", limit);
    end();
  }
  if (const auto at = view.key_token_at(job_.key)) {
    begin(Reason::key_rate,
          "the rate of the key " + job_.key + " allows its next job at " + time_text(*at))
        .member("key", job_.key);
    member_time(out_, "until", *at);
    end_at(*at);
  }
}

// What goes first, though this job may run too.
bool Explainer::explain_order(PickView& view) {
  const auto before = out_.size();
  if (queue_.config.aging_ms == 0) {
    explain_priorities(view);
  } else {
    explain_aged(view);
  }
  if (const auto head = view.head(job_.priority); !head || head->key.value_or("") != job_.key) {
    explain_turn(view);
  }
  const auto earlier = view.earlier(job_.priority, job_.key, job_.row);
  if (earlier.count > 0) add_earlier(earlier);
  return out_.size() != before;
}

// With a key at its limit nobody may be before it.
void Explainer::explain_turn(PickView& view) {
  const auto keys = view.keys_before(job_.priority, job_.key);
  if (keys.count == 0 && keys.exact) return;
  begin(Reason::behind_turn,
        bounded_text(keys, "key takes its turn", "keys take their turns") + " before " +
            (job_.key.empty() ? "the jobs without a key" : "the key " + job_.key))
      .member("keys", keys.count)
      .member("at_least", !keys.exact);
  end();
}

void Explainer::add_earlier(const PickView::Bounded& earlier) {
  begin(Reason::behind_earlier,
        bounded_text(earlier, "ready job", "ready jobs") + " of priority " +
            std::to_string(job_.priority) +
            (job_.key.empty() ? std::string() : " and the key " + job_.key) +
            (earlier.count == 1 ? " was" : " were") + " submitted before it")
      .member("jobs", earlier.count)
      .member("at_least", !earlier.exact);
  end();
}

void Explainer::explain_priorities(PickView& view) {
  bool behind = false;
  PickView::Bounded jobs;
  for (auto priority = kMaxPriority; priority > job_.priority; --priority) {
    behind = behind || view.head(priority).has_value();
    const auto ready = view.ready(priority);
    jobs = {jobs.count + ready.count, jobs.exact && ready.exact};
  }
  if (!behind) return;
  begin(Reason::behind_priority, bounded_text(jobs, "ready job has", "ready jobs have") +
                                     " a higher priority than " + std::to_string(job_.priority))
      .member("jobs", jobs.count)
      .key("by_priority")
      .begin_array();
  for (auto priority = kMaxPriority; priority > job_.priority; --priority) {
    const auto count = view.ready(priority).count;
    if (count == 0) continue;
    out_.begin_object().member("priority", priority).member("jobs", count).end_object();
  }
  out_.end_array();
  end();
}

void Explainer::explain_aged(PickView& view) {
  const auto aging = queue_.config.aging_ms;
  const auto own = view.head(job_.priority);
  const auto own_since = own ? own->since : job_.created_at;
  auto best = own_since - job_.priority * aging;
  auto first = job_.priority;
  std::int64_t since = 0;
  for (auto priority = kMaxPriority; priority >= 0; --priority) {
    if (priority == job_.priority) continue;
    const auto head = view.head(priority);
    if (!head) continue;
    const auto rank = head->since - priority * aging;
    if (rank > best || (rank == best && priority < first)) continue;
    best = rank;
    first = priority;
    since = head->since;
  }
  if (first == job_.priority) return;
  begin(Reason::behind_aged, "a job of priority " + std::to_string(first) + " goes first, which " +
                                 "waits since " + time_text(since))
      .member("priority", first);
  member_time(out_, "since", since);
  end();
}

void Explainer::explain_next() {
  const auto asked = read_count(db_, queue_.id, kAskedKind);
  begin(Reason::ready, "the next worker that asks the queue " + queue_.name +
                           (job_.target.empty() ? "" : " and matches " + job_.target) + " gets it");
  end();
  if (asked != 0 && now_ - asked <= kAskedLately.count()) return;
  begin(Reason::no_worker, "no worker has asked the queue " + queue_.name +
                               (asked == 0 ? " yet" : " since " + time_text(asked)));
  member_time(out_, "last_asked_at", asked == 0 ? std::nullopt : std::optional(asked));
  end();
}

std::string_view to_string(Reason reason) {
  return kWords[static_cast<std::size_t>(reason)];
}

Result<std::string> explain_job(sqlite::Database& db, std::string_view id, Timestamp now) {
  const auto job = find_job(db, id);
  if (!job) return job_not_found(id);
  const auto queue = load_queue(db, job->queue);
  WEIR_ASSERT(queue.has_value());
  return Explainer(db, *job, *queue, to_unix_ms(now)).run();
}

}  // namespace weir::jobs
