// The reporter of Worker: outcomes as they come, heartbeats three times in a lease.
#include <algorithm>

#include "cmd/weir/worker/worker.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::cli {
namespace {

constexpr Millis kFirstBackoff{100};
constexpr Millis kMaxBackoff{5'000};
constexpr Millis kLogEvery{1'000};
constexpr std::size_t kLogLines = 400;        // of one job in one request
constexpr std::size_t kLogBytes = 256 << 10;  // of one request
constexpr Millis kLastWords{10'000};  // to tell outcomes to a server that is away, when aborting

constexpr std::pair<WorkReport::Kind, const char*> kLists[]{
    {WorkReport::Kind::complete, "complete"},
    {WorkReport::Kind::fail, "fail"},
    {WorkReport::Kind::release, "release"}};

bool is_ok(json::View item) {
  return item.find("ok").as_bool().value_or(false);
}

bool is_lost(json::View item) {
  return item.find("reason").as_plain_string() == "lease_lost";
}

std::string error_text(json::View item) {
  return item.find("error").as_string().value_or("refused");
}

}  // namespace

// False when there were none.
bool Worker::drop_log(const Round& round) {
  std::size_t lines = 0;
  const auto drop = [&](const auto& item) {
    item.held->log.sent(item.log.lines);
    lines += item.log.lines;
  };
  std::for_each(round.outcomes.begin(), round.outcomes.end(), drop);
  std::for_each(round.beats.begin(), round.beats.end(), drop);
  return lines > 0;
}

void Worker::reporter(Client& client) {
  Millis backoff{0};
  const auto beat_every = options_.lease / 3;
  auto next_beat = std::chrono::steady_clock::now() + beat_every;
  auto next_log = std::chrono::steady_clock::now() + kLogEvery;
  std::optional<MonoTime> give_up;
  while (true) {
    Round round;
    {
      std::unique_lock lock(mutex_);
      if (backoff.count() > 0) changed_.wait_for(lock, backoff, [this] { return finished_; });
      changed_.wait_until(lock, std::min(next_beat, next_log),
                          [this] { return finished_ || !reports_.empty(); });
      if (finished_) return;
      const auto now = std::chrono::steady_clock::now();
      if (aborting_ && !give_up) give_up = now + kLastWords;
      round = next_round(now >= next_beat, now >= next_log);
      if (now >= next_beat) next_beat = now + beat_every;
      if (now >= next_log) next_log = now + kLogEvery;
    }
    if (round.empty()) continue;
    const auto answer =
        client.once({.method = "POST", .path = "/v1/work", .body = report_body(round)});
    Error error;
    if (answer && answer->status == 200 && json::check(answer->body)) {
      take_answer(answer->body, std::move(round));
      backoff = Millis{0};
      continue;
    }
    error = answer ? error_of(*answer) : answer.error();
    if (answer && answer->status >= 400 && answer->status < 500 && answer->status != 429) {
      refused(error, std::move(round));
      backoff = kFirstBackoff;
      continue;
    }
    const std::lock_guard lock(mutex_);
    log::warn("report_failed", {{"error", describe(error)}, {"outcomes", reports_.size()}});
    for (std::size_t i = 0; i < round.outcomes.size(); ++i) reports_[i].maybe_known = true;
    next_beat = std::min(next_beat, std::chrono::steady_clock::now() + kMaxBackoff);
    backoff = std::clamp(backoff * 2, std::max(kFirstBackoff, error.retry_after), kMaxBackoff);
    if (give_up && std::chrono::steady_clock::now() > *give_up) {
      log::error("outcomes_not_told", {{"outcomes", held_.size()}});
      held_.clear();
      changed_.notify_all();
      return;
    }
  }
}

// The first outcomes with the last log lines of their jobs; heartbeats of all others, or of those
// with log lines to tell.
Worker::Round Worker::next_round(bool beat_all, bool tell_logs) {
  Round round;
  std::size_t bytes = 0;
  for (const auto& report : reports_) {
    const auto lines = report.held->log.bytes();
    if (round.outcomes.size() == report_limit_) break;
    if (bytes + lines > kLogBytes && !round.outcomes.empty()) break;
    bytes += lines;
    round.outcomes.push_back(report);
    round.outcomes.back().log = report.held->log.peek(kLogLines);
  }
  for (const auto& [lease, held] : held_) {
    if (held->reported) continue;
    const auto lines = held->log.bytes();
    const bool logs = tell_logs && lines > 0 && bytes + lines <= kLogBytes;
    if (!beat_all && !logs) continue;
    round.beats.push_back({.held = held});
    if (!logs) continue;
    bytes += lines;
    round.beats.back().log = held->log.peek(kLogLines);
  }
  return round;
}

std::string Worker::report_body(const Round& round) const {
  json::Writer out;
  out.begin_object().member("worker", options_.name);
  for (const auto& [kind, name] : kLists) {
    out.key(name).begin_array();
    for (const auto& report : round.outcomes) {
      if (report.kind != kind) continue;
      std::string item = "{\"lease\":" + json::quoted(report.held->lease);
      if (!report.members.empty()) item.append(",").append(report.members);
      if (report.log.lines > 0) item.append(",\"log\":").append(report.log.json);
      out.raw(item + "}");
    }
    out.end_array();
  }
  out.key("heartbeat").begin_array();
  for (const auto& beat : round.beats) {
    out.begin_object().member("lease", beat.held->lease);
    if (beat.log.lines > 0) out.raw_member("log", beat.log.json);
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

void Worker::take_answer(const std::string& answer, Round round) {
  const json::View body(answer);
  auto& batch = round.outcomes;
  const std::lock_guard lock(mutex_);
  for (const auto& [kind, name] : kLists) {
    auto report = batch.begin();
    const auto list = body.find(name);
    for (const auto item : list.elements()) {
      report = std::find_if(report, batch.end(), [&](const Report& r) { return r.kind == kind; });
      if (report == batch.end()) break;
      settle(*report++, item);
    }
  }
  auto beat = round.beats.begin();
  const auto list = body.find("heartbeat");
  for (const auto item : list.elements()) {
    if (beat == round.beats.end()) break;
    heard(*beat++, item);
  }
  std::erase_if(reports_, [&](const Report& r) { return !held_.contains(r.held->lease); });
  changed_.notify_all();
}

// An outcome was answered: the job is no longer held.
void Worker::settle(const Report& report, json::View item) {
  const auto& id = report.held->id;
  if (is_ok(item)) {
    switch (report.kind) {
      case Report::Kind::complete:
        ++totals_.completed;
        log::info("job_completed", {{"job_id", id}});
        break;
      case Report::Kind::fail:
        ++totals_.failed;
        log::info("job_failed", {{"job_id", id}});
        break;
      case Report::Kind::release:
        ++totals_.released;
        log::info("job_released", {{"job_id", id}});
        break;
    }
  } else if (is_lost(item) && report.maybe_known) {
    log::info("outcome_was_known", {{"job_id", id}});
    ++(report.kind == Report::Kind::complete ? totals_.completed : totals_.failed);
  } else {
    log::warn(is_lost(item) ? "lease_lost" : "outcome_refused",
              {{"job_id", id}, {"error", error_text(item)}});
    ++totals_.lost;
  }
  held_.erase(report.held->lease);
}

// A heartbeat was answered: the lease goes on, or the child has to end.
void Worker::heard(const Beat& beat, json::View item) {
  const auto& held = beat.held;
  held->log.sent(beat.log.lines);
  if (held->reported) return;
  auto own = Held::End::own;
  if (is_ok(item)) {
    if (!item.find("cancel").as_bool().value_or(false)) return;
    if (!held->end.compare_exchange_strong(own, Held::End::cancelled)) return;
    log::info("job_cancelled", {{"job_id", held->id}});
    held->stopper.terminate();
    return;
  }
  if (!is_lost(item)) return;
  held->end = Held::End::lost;
  log::warn("lease_lost", {{"job_id", held->id}});
  held->stopper.kill();
}

// The whole request was refused: it goes again without log lines, then outcomes go one by one, and
// the one that cannot be told is replaced by a failure, then dropped (its lease expires).
void Worker::refused(const Error& error, Round round) {
  const auto& batch = round.outcomes;
  const std::lock_guard lock(mutex_);
  log::error("report_refused", {{"error", describe(error)}, {"outcomes", batch.size()}});
  if (drop_log(round)) return;
  if (batch.empty()) return;
  if (batch.size() > 1) {
    report_limit_ = 1;
    return;
  }
  const auto held = batch.front().held;
  reports_.pop_front();
  if (batch.front().kind == Report::Kind::complete) {
    json::Writer out;
    out.begin_object().member("type", "result_refused").member("message", describe(error));
    out.end_object();
    reports_.push_front(
        {Report::Kind::fail, held, "\"error\":" + out.take() + ",\"retry\":false", false});
    return;
  }
  ++totals_.lost;
  held_.erase(held->lease);
  changed_.notify_all();
}

}  // namespace weir::cli
