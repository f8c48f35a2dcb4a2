#include "cmd/weir/worker/worker.hpp"

#include <algorithm>

#include "cmd/weir/cli/exit_code.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::cli {
namespace {

constexpr Millis kFirstBackoff{100};
constexpr Millis kMaxBackoff{5'000};

// Whether waiting can heal it.
bool is_passing(const Error& error) {
  switch (error.code) {
    case Code::unavailable:
    case Code::deadline_exceeded:
    case Code::too_many_requests:
    case Code::internal:
    case Code::out_of_space:
      return true;
    default:
      return false;
  }
}

std::string text_of(json::View view) {
  if (auto text = view.as_string()) return std::move(*text);
  return view.is_missing() || view.is_null() ? "" : std::string(view.raw());
}

std::vector<std::pair<std::string, std::string>> environment_of(json::View job,
                                                                const WorkerOptions& options) {
  return {{"WEIR_JOB_ID", text_of(job.find("id"))},
          {"WEIR_JOB_TYPE", text_of(job.find("type"))},
          {"WEIR_JOB_QUEUE", text_of(job.find("queue"))},
          {"WEIR_JOB_ATTEMPT", text_of(job.find("attempt"))},
          {"WEIR_JOB_MAX_ATTEMPTS", text_of(job.find("max_attempts"))},
          {"WEIR_JOB_DEADLINE", text_of(job.find("deadline"))},
          {"WEIR_JOB_HEADERS", text_of(job.find("headers"))},
          {"WEIR_JOB_LEASE", text_of(job.find("lease"))},
          {"WEIR_WORKER", options.name},
          {"WEIR_URL", options.client.server}};
}

// The result of a command: nothing, JSON, or text as a JSON string.
std::string result_of(std::string output) {
  while (output.ends_with('\n') || output.ends_with('\r')) output.pop_back();
  if (output.empty()) return "null";
  return json::check(output) ? output : json::quoted(output);
}

std::string error_members(std::string_view type, std::string_view message, int exit_code,
                          bool retry) {
  json::Writer out;
  out.begin_object().key("error").begin_object();
  out.member("type", type).member("message", message);
  out.key("details").begin_object().member("exit_code", exit_code).end_object().end_object();
  if (!retry) out.member("retry", false);
  out.end_object();
  const auto text = out.take();
  return text.substr(1, text.size() - 2);
}

std::string failure_message(const ChildEnd& end) {
  std::string message = end.error_tail;
  while (message.ends_with('\n')) message.pop_back();
  if (!message.empty()) return message;
  if (end.signal != 0) return "ended by signal " + std::to_string(end.signal);
  return "exit code " + std::to_string(end.exit_code);
}

std::int64_t unix_ms_now() {
  return to_unix_ms(SystemClock().wall());
}

}  // namespace

Worker::~Worker() {
  finish();
}

void Worker::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Worker::stop() {
  Client* leasing = nullptr;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    while (!ready_.empty()) {
      const auto held = ready_.front();
      ready_.pop_front();
      held->reported = true;
      reports_.push_back({Report::Kind::release, held, "", false});
    }
    leasing = leasing_;
    if (leasing != nullptr) leasing->stop();
  }
  changed_.notify_all();
}

void Worker::abort() {
  stop();
  const std::lock_guard lock(mutex_);
  aborting_ = true;
  for (const auto& [lease, held] : held_) {
    auto own = Held::End::own;
    held->end.compare_exchange_strong(own, Held::End::aborted);
    held->stopper.kill();
  }
  changed_.notify_all();
}

Result<WorkerTotals> Worker::run() {
  WEIR_ASSIGN(const auto leasing, Client::make(options_.client));
  WEIR_ASSIGN(const auto reporting, Client::make(options_.client));
  {
    const std::lock_guard lock(mutex_);
    leasing_ = leasing.get();
  }
  for (std::size_t i = 0; i < options_.concurrency; ++i)
    threads_.emplace_back([this] { runner(); });
  threads_.emplace_back([this, &reporting] { reporter(*reporting); });
  const auto result = lease_loop(*leasing);
  stop();
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_.empty(); });
    leasing_ = nullptr;
  }
  finish();
  if (!result) return result.error();
  return totals_;
}

Result<void> Worker::lease_loop(Client& client) {
  Millis backoff = kFirstBackoff;
  const bool for_ever = options_.until == Until::stopped;
  Millis wait = for_ever ? options_.poll : Millis{0};
  while (true) {
    std::size_t free = 0;
    std::size_t running = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || held_.size() < options_.concurrency; });
      if (stopping_) return {};
      running = held_.size();
      free = options_.concurrency - running;
    }
    const auto taken = lease_once(client, free, wait);
    std::unique_lock lock(mutex_);
    if (stopping_) return {};
    if (!taken) {
      if (!is_passing(taken.error())) return taken.error();
      log::warn("lease_failed", {{"error", describe(taken.error())}});
      changed_.wait_for(lock, std::max(backoff, taken.error().retry_after),
                        [this] { return stopping_; });
      backoff = std::min(backoff * 2, kMaxBackoff);
      continue;
    }
    backoff = kFirstBackoff;
    if (!*taken) {
      log::info("draining", {{"running", running}});
      return {};
    }
    if (**taken > 0 || for_ever) continue;
    if (running > 0) {
      changed_.wait(lock, [&] { return stopping_ || held_.size() < running; });
      continue;
    }
    lock.unlock();
    if (options_.until == Until::empty || nothing_left(client)) return {};
    wait = Millis{500};  // something is scheduled, or runs elsewhere
  }
}

std::string Worker::lease_body(std::size_t free, Millis wait) const {
  json::Writer out;
  out.begin_object().member("worker", options_.name).key("lease").begin_object();
  out.key("queues").begin_array();
  for (const auto& queue : options_.queues) out.value(queue);
  out.end_array();
  if (!options_.types.empty()) {
    out.key("types").begin_array();
    for (const auto& type : options_.types) out.value(type);
    out.end_array();
  }
  if (!options_.labels.empty()) {
    out.key("labels").begin_object();
    for (const auto& [key, value] : options_.labels) out.member(key, value);
    out.end_object();
  }
  out.member("max", static_cast<std::int64_t>(free));
  out.member("wait_ms", static_cast<std::int64_t>(wait.count()));
  out.member("lease_ms", static_cast<std::int64_t>(options_.lease.count()));
  out.end_object().end_object();
  return out.take();
}

Result<std::optional<std::size_t>> Worker::lease_once(Client& client, std::size_t free,
                                                      Millis wait) {
  WEIR_ASSIGN(
      const auto answer,
      client.once(
          {.method = "POST", .path = "/v1/work", .body = lease_body(free, wait), .wait = wait}));
  if (answer.status != 200) return error_of(answer);
  if (!json::check(answer.body)) {
    return Error{Code::internal, "bad_answer", "the server did not answer with JSON", ""};
  }
  const auto taken = take_jobs(answer.body);
  const bool draining = json::View(answer.body).find("draining").as_bool().value_or(false);
  if (taken == 0 && draining) return std::optional<std::size_t>();
  return std::optional(taken);
}

std::size_t Worker::take_jobs(const std::string& answer) {
  std::size_t count = 0;
  const std::lock_guard lock(mutex_);
  const auto jobs = json::View(answer).find("jobs");
  for (const auto job : jobs.elements()) {
    auto held = std::make_shared<Held>();
    held->lease = text_of(job.find("lease"));
    held->id = text_of(job.find("id"));
    const auto payload = job.find("payload");
    const auto text = options_.text_payloads ? payload.as_string() : std::nullopt;
    held->payload = text ? *text : std::string(payload.raw());
    held->environment = environment_of(job, options_);
    held_.insert_or_assign(held->lease, held);
    ++count;
    if (stopping_) {
      held->reported = true;
      reports_.push_back({Report::Kind::release, held, "", false});
    } else {
      ready_.push_back(held);
    }
  }
  changed_.notify_all();
  return count;
}

// Asks each queue; a queue that does not exist is empty, one that cannot be asked is not.
bool Worker::nothing_left(Client& client) {
  for (const auto& queue : options_.queues) {
    const auto answer = client.once({.path = "/v1/queues/" + encode(queue)});
    if (!answer || (answer->status != 200 && answer->status != 404)) return false;
    if (answer->status == 404) continue;
    if (!json::check(answer->body)) return false;
    const auto counts = json::View(answer->body).find("counts");
    for (const char* status : {"unprocessed", "scheduled", "processing", "blocked"}) {
      if (counts.find(status).as_int().value_or(0) > 0) return false;
    }
  }
  return true;
}

void Worker::runner() {
  while (true) {
    HeldPtr held;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return finished_ || !ready_.empty(); });
      if (ready_.empty()) return;
      held = ready_.front();
      ready_.pop_front();
    }
    run_job(held);
  }
}

void Worker::run_job(const HeldPtr& held) {
  log::info("job_started", {{"job_id", held->id}});
  std::function<void(std::string_view)> take_log;
  if (options_.logs) {
    take_log = [&held](std::string_view text) { held->log.add(text, unix_ms_now()); };
  }
  const auto ended = run_child({.command = options_.command,
                                .environment = held->environment,
                                .input = held->payload,
                                .max_output_bytes = options_.max_result_bytes,
                                .kill_grace = options_.kill_grace,
                                .on_error = take_log},
                               held->stopper);
  held->log.end(unix_ms_now());
  using Kind = Report::Kind;
  if (held->end == Held::End::aborted || !ended) {
    if (!ended) log::error("job_not_started", {{"error", describe(ended.error())}});
    return report(held, {Kind::release, held, "", false});
  }
  if (held->end == Held::End::cancelled) {
    return report(
        held,
        {Kind::fail, held,
         error_members("cancelled", "cancelled while it ran", ended->exit_code, false), false});
  }
  if (ended->overflowed && ended->exit_code == 0) {
    const auto limit = std::to_string(options_.max_result_bytes);
    return report(held,
                  {Kind::fail, held,
                   error_members("result_too_large",
                                 "the command printed more than " + limit + " bytes", 0, false),
                   false});
  }
  if (ended->exit_code == 0) {
    return report(held, {Kind::complete, held, "\"result\":" + result_of(ended->output), false});
  }
  const auto type = ended->signal != 0 ? "signal" : "exit_code";
  report(held, {Kind::fail, held,
                error_members(type, failure_message(*ended), ended->exit_code,
                              ended->exit_code != kDoNotRetry),
                false});
}

void Worker::report(const HeldPtr& held, Report report) {
  {
    const std::lock_guard lock(mutex_);
    held->reported = true;
    if (held->end == Held::End::lost) {
      held_.erase(held->lease);
      ++totals_.lost;
    } else {
      reports_.push_back(std::move(report));
    }
  }
  changed_.notify_all();
}

}  // namespace weir::cli
