#include "tests/fault/cluster/traffic.hpp"

#include <algorithm>
#include <random>

#include "tests/fault/cluster/traffic_client.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

constexpr std::size_t kFirstWorker = 100;  // numbers of clients in the history
constexpr std::size_t kFirstReader = 200;

}  // namespace

Traffic::Traffic(std::vector<std::uint16_t> ports, std::string key, TrafficPlan plan)
    : ports_(std::move(ports)), key_(std::move(key)), plan_(std::move(plan)) {
  // Whoever loses a lease gets the job back at once.
  TrafficClient client(ports_, key_, std::chrono::seconds(30), 0);
  wait_until([&] {
    return client
               .send("PUT", "/v1/queues/" + plan_.queue,
                     R"({"backoff":{"kind":"fixed","delay_ms":0,"jitter":0},"max_attempts":1000})")
               .status == 200;
  });
  for (std::size_t i = 0; i < plan_.submitters; ++i)
    threads_.emplace_back([this, i] { submit(i); });
  for (std::size_t i = 0; i < plan_.workers; ++i) threads_.emplace_back([this, i] { work(i); });
  for (std::size_t i = 0; i < plan_.readers; ++i) threads_.emplace_back([this, i] { read(i); });
}

Traffic::~Traffic() {
  submitting_ = false;
  stopping_ = true;
  for (auto& thread : threads_) thread.join();
}

void Traffic::failed(TrafficClient& client, const HttpAnswer& answer) {
  ++failed_calls_;
  if (answer.status == 0 && !answer.refused) ++unanswered_calls_;
  client.go_on();
}

void Traffic::unexpected(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (complaints_.size() < 20) complaints_.push_back(what);
}

// --- submitters ----------------------------------------------------------------------------------

void Traffic::submit(std::size_t number) {
  TrafficClient client(ports_, key_, plan_.limit, number);
  for (std::size_t next = 0; submitting_ && !submitted_all(); next += plan_.batch) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < plan_.batch; ++i) {
      ids.push_back(plan_.queue + "-" + std::to_string(number) + "-" + std::to_string(next + i));
    }
    const std::string body = submit_body(plan_.queue, ids);
    for (;;) {
      const auto answer = client.send("POST", "/v1/jobs/batch", body);
      ++calls_;
      const Told told = told_by(answer.status);
      std::vector<Event> events;
      for (const auto& id : ids) {
        events.push_back(client.event({.act = Act::submit, .told = told, .job = id}));
      }
      history_.add(std::move(events));
      if (told == Told::no || answer.status == 500) {
        return unexpected("submit: " + std::to_string(answer.status) + " " + answer.body);
      }
      if (told != Told::unknown) break;
      failed(client, answer);
      if (stopping_) return;
    }
    accepted_ += ids.size();
    {
      const std::lock_guard lock(mutex_);
      jobs_.insert(jobs_.end(), ids.begin(), ids.end());
    }
    std::this_thread::sleep_for(plan_.pace);
  }
}

// --- workers -------------------------------------------------------------------------------------

// The answers to the reports of a round, as events; what is to be reported next, into `next`.
std::vector<Event> Traffic::reported(const TrafficClient& client, const Round& round,
                                     const HttpAnswer& answer, Round& next) {
  const Told told = told_by(answer.status);
  std::vector<Event> events;
  for (const auto& [act, reports] : round) {
    const auto results = answer.json().find(name_of(act)).elements();
    auto result = results.begin();
    for (const auto& report : reports) {
      Event event = client.event({.act = act,
                                  .told = told,
                                  .job = report.id,
                                  .lease = report.lease,
                                  .lease_ms = plan_.lease_ms,
                                  .revision = revision_of(answer)});
      if (told == Told::yes || told == Told::kept) {
        if (result == results.end()) {
          unexpected("work: results are missing: " + answer.body);
          return events;
        }
        const bool done = (*result).find("ok").as_bool().value_or(false);
        if (!done && (*result).find("reason").as_string() != "lease_lost") {
          unexpected(std::string(name_of(act)) + ": " + std::string((*result).raw()));
        }
        if (!done) event.told = Told::no;
        if (done && act == Act::complete) ++completed_;
        if (done && act == Act::heartbeat) next[Act::complete].push_back(report);
        ++result;
      }
      events.push_back(std::move(event));
    }
  }
  return events;
}

void Traffic::work(std::size_t number) {
  TrafficClient client(ports_, key_, plan_.limit, kFirstWorker + number);
  const std::string name = "w" + std::to_string(number);
  Round round;
  while (!stopping_ || !round.empty()) {
    const std::size_t more = stopping_ ? 0 : plan_.lease;
    const auto answer = client.send("POST", "/v1/work",
                                    work_body(name, round, {plan_.queue, more, plan_.lease_ms}));
    ++calls_;
    Round next;
    auto events = reported(client, round, answer, next);
    const Told told = told_by(answer.status);
    for (const auto job : answer.json().find("jobs").elements()) {
      const Held held{job.find("id").as_string().value_or(""),
                      job.find("lease").as_string().value_or("")};
      events.push_back(client.event({.act = Act::lease,
                                     .told = Told::yes,
                                     .job = held.id,
                                     .lease = held.lease,
                                     .lease_ms = plan_.lease_ms}));
      next[plan_for(held)].push_back(held);
    }
    history_.add(std::move(events));
    if (told == Told::no || answer.status == 500) {
      return unexpected("work: " + std::to_string(answer.status) + " " + answer.body);
    }
    if (told != Told::unknown) {
      round = std::move(next);
      continue;
    }
    failed(client, answer);
    if (stopping_) return;
  }
}

// --- readers -------------------------------------------------------------------------------------

std::string Traffic::random_job(std::uint64_t random) {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() ? "" : jobs_[random % jobs_.size()];
}

void Traffic::read(std::size_t number) {
  TrafficClient client(ports_, key_, plan_.limit, kFirstReader + number);
  std::minstd_rand random(static_cast<unsigned>(number + 1));
  while (!stopping_) {
    const std::string id = random_job(random());
    if (!id.empty()) {
      const auto answer = client.send("GET", "/v1/jobs/" + id, "");
      ++calls_;
      Event event = client.event({.act = Act::read, .job = id, .revision = revision_of(answer)});
      const bool absent = answer.json().find("reason").as_string() == "job_not_found";
      if (answer.status == 200)
        event.status = answer.json().find("status").as_string().value_or("");
      if (answer.status == 200 || absent) event.told = Told::yes;
      history_.add(event);
      if (told_by(answer.status) == Told::unknown) failed(client, answer);
    }
    std::this_thread::sleep_for(plan_.pace * 5);
  }
}

// --- the end -------------------------------------------------------------------------------------

bool Traffic::everything_completed(TrafficClient& client) {
  const auto answer = client.send("GET", "/v1/queues/" + plan_.queue, "");
  if (answer.status != 200) return false;
  const auto done = answer.json().find("counts").find("completed").as_int().value_or(-1);
  return done >= 0 && static_cast<std::size_t>(done) >= accepted_;
}

bool Traffic::finish(Millis limit) {
  submitting_ = false;
  for (std::size_t i = 0; i < plan_.submitters; ++i) threads_[i].join();
  const bool done = wait_until(
      [this] {
        TrafficClient client(ports_, key_, plan_.limit, attempts_++);
        return everything_completed(client);
      },
      limit);
  stopping_ = true;
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
  return done;
}

// A coordinator that was started a moment ago may not be there yet, or be behind.
FinalJobs Traffic::final_jobs() {
  FinalJobs jobs;
  std::string problem = "no coordinator has completed everything";
  const bool listed = wait_until(
      [&] {
        TrafficClient client(ports_, key_, std::chrono::seconds(30), attempts_++);
        return everything_completed(client) && list(client, jobs, problem);
      },
      std::chrono::seconds(60));
  if (!listed) unexpected(problem);
  return jobs;
}

bool Traffic::list(TrafficClient& client, FinalJobs& jobs, std::string& problem) {
  jobs.clear();
  std::string cursor;
  do {
    std::string path = "/v1/jobs?limit=1000&queue=" + plan_.queue;
    if (!cursor.empty()) path += "&cursor=" + cursor;
    const auto answer = client.send("GET", path, "");
    if (answer.status != 200) {
      problem = "list: " + std::to_string(answer.status) + " " + answer.body;
      return false;
    }
    for (const auto job : answer.json().find("items").elements()) {
      jobs[job.find("id").as_string().value_or("")] = job.find("status").as_string().value_or("");
    }
    cursor = answer.json().find("next_cursor").as_string().value_or("");
  } while (!cursor.empty());
  return true;
}

std::vector<std::string> Traffic::judge() {
  auto complaints = check_history(history_.events(), final_jobs());
  complaints.insert(complaints.end(), complaints_.begin(), complaints_.end());
  return complaints;
}

double Traffic::longest_gap(Act act) const {
  std::vector<std::int64_t> times;
  for (const auto& event : history_.events()) {
    const bool good = event.told == Told::yes || event.told == Told::kept;
    if (event.act == act && good) times.push_back(event.to_us);
  }
  std::sort(times.begin(), times.end());
  std::int64_t longest = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    longest = std::max(longest, times[i] - times[i - 1]);
  }
  return static_cast<double>(longest) / 1e6;
}

}  // namespace weir::test
