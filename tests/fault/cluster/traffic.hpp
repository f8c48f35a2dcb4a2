// Traffic: submitters, workers and readers against several coordinators, each writing down what it
// asked and was told. A client that is refused or not answered goes on at the next coordinator and
// says the same again, as a client of a user would.
//
// Lifecycle: begins with the constructor; finish() waits until every accepted job is completed and
// ends the clients; so does the destructor, without waiting. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/fault/cluster/traffic_client.hpp"
#include "tests/support/history.hpp"
#include "tests/support/history_check.hpp"
#include "tests/support/http_client.hpp"

namespace weir::test {

struct TrafficPlan {
  std::string queue = "q";
  std::size_t jobs = 0;   // accepted jobs after which submitters end; 0: until finish()
  std::size_t batch = 1;  // jobs in one submit
  std::size_t submitters = 2;
  std::size_t workers = 2;
  std::size_t readers = 1;
  std::size_t lease = 50;  // jobs a worker asks for at once
  std::int64_t lease_ms = 2'000;
  Millis pace{5};                          // between the submits of one submitter
  Millis limit = std::chrono::seconds(3);  // a client waits so long for an answer
};

class Traffic {
 public:
  Traffic(std::vector<std::uint16_t> ports, std::string key, TrafficPlan plan);
  ~Traffic();
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  std::size_t accepted() const { return accepted_; }
  std::size_t completed() const { return completed_; }
  bool submitted_all() const { return plan_.jobs > 0 && accepted_ >= plan_.jobs; }

  // Submits end; false when not every accepted job is completed within `limit`.
  bool finish(Millis limit);

  // After finish().
  std::vector<std::string> judge();  // what check_history() and the clients complain about
  std::size_t calls() const { return calls_; }
  std::size_t failed_calls() const { return failed_calls_; }          // no answer, 429, 503 or 504
  std::size_t unanswered_calls() const { return unanswered_calls_; }  // cut off on the way
  // The longest time in which no `act` was answered, from the first that was; seconds.
  double longest_gap(Act act) const;
  FinalJobs final_jobs();  // from whichever coordinator answers

 private:
  void submit(std::size_t number);
  void work(std::size_t number);
  void read(std::size_t number);
  std::vector<Event> reported(const TrafficClient& client, const Round& round,
                              const HttpAnswer& answer, Round& next);
  void failed(TrafficClient& client, const HttpAnswer& answer);  // goes on elsewhere
  void unexpected(const std::string& what);
  std::string random_job(std::uint64_t random);
  bool everything_completed(TrafficClient& client);
  bool list(TrafficClient& client, FinalJobs& jobs, std::string& problem);

  const std::vector<std::uint16_t> ports_;
  const std::string key_;
  const TrafficPlan plan_;
  History history_;
  std::atomic<std::size_t> accepted_{0};
  std::atomic<std::size_t> completed_{0};
  std::atomic<std::size_t> calls_{0};
  std::atomic<std::size_t> failed_calls_{0};
  std::atomic<std::size_t> unanswered_calls_{0};
  std::atomic<bool> submitting_{true};
  std::atomic<bool> stopping_{false};
  std::size_t attempts_ = 0;  // of the end, each at the next coordinator
  std::mutex mutex_;
  std::vector<std::string> jobs_;        // accepted
  std::vector<std::string> complaints_;  // answers that nobody may get
  std::vector<std::thread> threads_;
};

}  // namespace weir::test
