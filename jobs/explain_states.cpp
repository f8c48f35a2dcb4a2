#include "jobs/explainer.hpp"
#include "jobs/queue_book.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::jobs {

std::string time_text(std::int64_t ms) {
  return format_rfc3339(from_unix_ms(ms));
}

std::string plural(std::int64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
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
  const bool fan_out = (job_.parts & kFanOut) != 0;
  begin(Reason::blocked_by_parents,
        fan_out ? "runs at its workers: " + plural(count, "job", "jobs") + " not ended"
                : "blocked by " + plural(count, "parent", "parents"))
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

}  // namespace weir::jobs
