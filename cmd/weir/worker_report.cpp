// The reporter of Worker: outcomes as they come, heartbeats three times in a lease.
#include <algorithm>

#include "cmd/weir/worker.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::cli {
namespace {

constexpr Millis kFirstBackoff{100};
constexpr Millis kMaxBackoff{5'000};
constexpr Millis kLastWords{10'000};  // to tell outcomes to a server that is away, when aborting

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

void Worker::reporter(Client& client) {
  Millis backoff{0};
  const auto beat_every = options_.lease / 3;
  auto next_beat = std::chrono::steady_clock::now() + beat_every;
  std::optional<MonoTime> give_up;
  while (true) {
    std::vector<Report> batch;
    std::vector<HeldPtr> beats;
    {
      std::unique_lock lock(mutex_);
      if (backoff.count() > 0) changed_.wait_for(lock, backoff, [this] { return finished_; });
      changed_.wait_until(lock, next_beat, [this] { return finished_ || !reports_.empty(); });
      if (finished_) return;
      if (aborting_ && !give_up) give_up = std::chrono::steady_clock::now() + kLastWords;
      const auto count = std::min(reports_.size(), report_limit_);
      batch.assign(reports_.begin(), reports_.begin() + static_cast<std::ptrdiff_t>(count));
      if (std::chrono::steady_clock::now() >= next_beat) {
        for (const auto& [lease, held] : held_) {
          if (!held->reported) beats.push_back(held);
        }
        next_beat = std::chrono::steady_clock::now() + beat_every;
      }
    }
    if (batch.empty() && beats.empty()) continue;
    const auto answer =
        client.once({.method = "POST", .path = "/v1/work", .body = report_body(batch, beats)});
    Error error;
    if (answer && answer->status == 200 && json::check(answer->body)) {
      take_answer(answer->body, std::move(batch), beats);
      backoff = Millis{0};
      continue;
    }
    error = answer ? error_of(*answer) : answer.error();
    if (answer && answer->status >= 400 && answer->status < 500 && answer->status != 429) {
      refused(error, std::move(batch));
      backoff = kFirstBackoff;
      continue;
    }
    const std::lock_guard lock(mutex_);
    log::warn("report_failed", {{"error", describe(error)}, {"outcomes", reports_.size()}});
    for (std::size_t i = 0; i < batch.size(); ++i) reports_[i].maybe_known = true;
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

std::string Worker::report_body(const std::vector<Report>& batch,
                                const std::vector<HeldPtr>& beats) const {
  json::Writer out;
  out.begin_object().member("worker", options_.name);
  constexpr std::pair<Report::Kind, const char*> kLists[]{{Report::Kind::complete, "complete"},
                                                          {Report::Kind::fail, "fail"},
                                                          {Report::Kind::release, "release"}};
  for (const auto& [kind, name] : kLists) {
    out.key(name).begin_array();
    for (const auto& report : batch) {
      if (report.kind != kind) continue;
      std::string item = "{\"lease\":" + json::quoted(report.held->lease);
      if (!report.members.empty()) item.append(",").append(report.members);
      out.raw(item + "}");
    }
    out.end_array();
  }
  out.key("heartbeat").begin_array();
  for (const auto& held : beats) out.begin_object().member("lease", held->lease).end_object();
  out.end_array().end_object();
  return out.take();
}

void Worker::take_answer(const std::string& answer, std::vector<Report> batch,
                         const std::vector<HeldPtr>& beats) {
  const json::View body(answer);
  const std::lock_guard lock(mutex_);
  constexpr std::pair<Report::Kind, const char*> kLists[]{{Report::Kind::complete, "complete"},
                                                          {Report::Kind::fail, "fail"},
                                                          {Report::Kind::release, "release"}};
  for (const auto& [kind, name] : kLists) {
    auto report = batch.begin();
    const auto list = body.find(name);
    for (const auto item : list.elements()) {
      report = std::find_if(report, batch.end(), [&](const Report& r) { return r.kind == kind; });
      if (report == batch.end()) break;
      settle(*report++, item);
    }
  }
  auto held = beats.begin();
  const auto list = body.find("heartbeat");
  for (const auto item : list.elements()) {
    if (held == beats.end()) break;
    heard(*held++, item);
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
void Worker::heard(const HeldPtr& held, json::View item) {
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

// The whole request was refused: outcomes go one by one, and the one that cannot be told is
// replaced by a failure, then dropped (its lease expires).
void Worker::refused(const Error& error, std::vector<Report> batch) {
  const std::lock_guard lock(mutex_);
  log::error("report_refused", {{"error", describe(error)}, {"outcomes", batch.size()}});
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
