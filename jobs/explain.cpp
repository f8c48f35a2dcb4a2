#include "jobs/explain.hpp"

#include <algorithm>

#include "jobs/job_row.hpp"
#include "jobs/limits.hpp"
#include "jobs/pick_view.hpp"
#include "jobs/step.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, kReasonCount> kWords{
    "ready",       "no_worker",          "queue_paused", "total_concurrency", "queue_concurrency",
    "queue_rate",  "key_concurrency",    "key_rate",     "behind_priority",   "behind_aged",
    "behind_turn", "behind_earlier",     "scheduled",    "retry_wait",        "snoozed",
    "due",         "blocked_by_parents", "running",      "cancelling",        "completed",
    "failed",      "cancelled",          "dead"};

std::string time_text(std::int64_t ms) {
  return format_rfc3339(from_unix_ms(ms));
}

std::string plural(std::int64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

std::string bounded_text(const PickView::Bounded& number, std::string_view one,
                         std::string_view many) {
  return (number.exact ? "" : "at least ") + plural(number.count, one, many);
}

class Explainer {
 public:
  Explainer(sqlite::Database& db, const Job& job, const QueueRow& queue, std::int64_t now)
      : db_(db), job_(job), queue_(queue), now_(now) {}

  std::string run();

 private:
  json::Writer& begin(Reason reason, std::string_view message);
  void end() { out_.end_object(); }
  // The reason ends by itself at `at`.
  void end_at(std::int64_t at) {
    next_at_ = std::min(next_at_, at);
    end();
  }

  void explain_running();
  void explain_ended();
  void explain_scheduled();
  void explain_blocked();
  void explain_ready();
  void explain_pause();
  bool explain_limits(PickView& view);
  void explain_key_limits(PickView& view);
  bool explain_order(PickView& view);
  void explain_priorities(PickView& view);
  void explain_aged(PickView& view);
  void explain_turn(PickView& view);
  void add_earlier(const PickView::Bounded& earlier);
  void explain_next();

  sqlite::Database& db_;
  const Job& job_;
  const QueueRow& queue_;
  const std::int64_t now_;
  json::Writer out_{512};
  std::int64_t next_at_ = LaneRing::kForever;
};

std::string Explainer::run() {
  out_.begin_object().member("id", job_.id).member("queue", queue_.name);
  out_.member("status", to_string(job_.status)).key("reasons").begin_array();
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

// --- running and ended ---------------------------------------------------------------------------

void Explainer::explain_running() {
  const auto started = job_.started_at.value_or(0);
  const auto deadline = job_.deadline.value_or(0);
  begin(Reason::running, "runs at " + job_.worker + " since " + time_text(started))
      .member("worker", job_.worker)
      .member("attempt", job_.attempt);
  member_time(out_, "since", started);
  member_time(out_, "lease_until", deadline);
  end_at(deadline);
  if (job_.cancel_at == 0) return;
  begin(Reason::cancelling,
        "its worker is told to stop; the lease ends at " + time_text(job_.cancel_at));
  member_time(out_, "until", job_.cancel_at);
  end_at(job_.cancel_at);
}

void Explainer::explain_ended() {
  const auto at = time_text(job_.finished_at.value_or(0));
  const auto attempts = plural(job_.attempt, "attempt", "attempts");
  switch (job_.status) {
    case Status::completed:
      begin(Reason::completed, "completed at " + at);
      break;
    case Status::failed:
      begin(Reason::failed, "failed at " + at + " after " + attempts);
      break;
    case Status::cancelled:
      begin(Reason::cancelled, "cancelled at " + at);
      break;
    default:
      begin(Reason::dead, "a dead letter since " + at + ", after " + attempts);
      break;
  }
  member_time(out_, "at", job_.finished_at);
  member_text(out_, "worker", job_.worker);
  out_.member("attempt", job_.attempt);
  if (const auto error = error_of(db_, job_); !error.empty()) out_.raw_member("error", error);
  end();
}

// --- not ready -----------------------------------------------------------------------------------

void Explainer::explain_scheduled() {
  const auto at = job_.at.value_or(0);
  if (at <= now_) {
    begin(Reason::due, "its time has come: it becomes ready with the next tick of the coordinator");
    member_time(out_, "run_at", at);
    end_at(at);
    return;
  }
  std::optional<Outcome> last;
  if ((job_.parts & kHasAttempts) != 0) {
    auto rows =
        db_.prepare("SELECT outcome FROM job_attempts WHERE job=?1 ORDER BY fence DESC LIMIT 1");
    rows.bind_all(job_.row);
    if (rows.step()) last = static_cast<Outcome>(rows.int64(0));
  }
  if (last == Outcome::released) {
    begin(Reason::snoozed, "its worker gave it back until " + time_text(at));
  } else if (last && job_.attempt > 0) {
    const auto most = job_.max_attempts.value_or(queue_.config.max_attempts);
    begin(Reason::retry_wait, "attempt " + std::to_string(job_.attempt) + " of " +
                                  std::to_string(most) + " failed; tried again at " + time_text(at))
        .member("attempt", job_.attempt)
        .member("max_attempts", most);
    member_json(out_, "error", error_of(db_, job_));
  } else {
    begin(Reason::scheduled, "is to run no sooner than " + time_text(at));
  }
  member_time(out_, "run_at", at);
  end_at(at);
}

void Explainer::explain_blocked() {
  std::vector<std::string> parents;
  {
    auto rows = db_.prepare(
        "SELECT id FROM job_parents WHERE child=?1 AND counted IS NULL ORDER BY parent");
    rows.bind_all(job_.row);
    while (rows.step()) parents.emplace_back(rows.text(0));
  }
  const auto count = static_cast<std::int64_t>(parents.size());
  begin(Reason::blocked_by_parents, "blocked by " + plural(count, "parent", "parents"))
      .member("waiting", count)
      .key("parents")
      .begin_array();
  for (const auto& id : parents) out_.value(id);
  out_.end_array();
  end();
}

void Explainer::explain_pause() {
  if (!queue_.paused_at) return;
  begin(Reason::queue_paused,
        "the queue " + queue_.name + " is paused since " + time_text(*queue_.paused_at));
  member_time(out_, "since", queue_.paused_at);
  end();
}

// --- ready ---------------------------------------------------------------------------------------

void Explainer::explain_ready() {
  PickView view(db_, queue_, now_);
  explain_pause();
  const bool limited = explain_limits(view);
  const bool ordered = explain_order(view);
  if (!queue_.paused_at && !limited && !ordered) explain_next();
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
  std::int64_t jobs = 0;
  for (auto priority = kMaxPriority; priority > job_.priority; --priority) {
    behind = behind || view.head(priority).has_value();
    jobs += view.ready()[static_cast<std::size_t>(priority)];
  }
  if (!behind) return;
  begin(Reason::behind_priority, plural(jobs, "ready job has", "ready jobs have") +
                                     " a higher priority than " + std::to_string(job_.priority))
      .member("jobs", jobs)
      .key("by_priority")
      .begin_array();
  for (auto priority = kMaxPriority; priority > job_.priority; --priority) {
    const auto count = view.ready()[static_cast<std::size_t>(priority)];
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
  begin(Reason::ready, "the next worker that asks the queue " + queue_.name + " gets it");
  end();
  if (asked != 0 && now_ - asked <= kAskedLately.count()) return;
  begin(Reason::no_worker, "no worker has asked the queue " + queue_.name +
                               (asked == 0 ? " yet" : " since " + time_text(asked)));
  member_time(out_, "last_asked_at", asked == 0 ? std::nullopt : std::optional(asked));
  end();
}

}  // namespace

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
