// Load: submitters and HTTP workers against one server, each writing down what it was told, so that
// a test can say afterwards whether anything was lost or done twice. Thread-safe where noted.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/weir_server.hpp"

namespace weir::test {

// What the clients know. Thread-safe.
class Record {
 public:
  void accepted(const std::vector<std::string>& ids);
  void completed(const std::string& id);  // told {"ok":true}
  void refused(const std::string& id);    // told 409 lease_lost
  void unexpected(std::string what);

  std::size_t accepted_count() const;
  std::size_t completed_count() const;  // different jobs
  std::set<std::string> accepted_ids() const;
  std::vector<std::string> completed_twice() const;
  std::vector<std::string> complaints() const;
  std::size_t refusals() const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> accepted_;
  std::map<std::string, int> completed_;
  std::size_t refusals_ = 0;
  std::vector<std::string> complaints_;
};

struct LoadPlan {
  std::string queue = "load";
  std::size_t jobs = 100'000;
  std::size_t batch = 500;  // jobs in one submit
  std::size_t workers = 4;  // each leases up to `lease` jobs and completes them with the next call
  std::size_t lease = 100;
  std::int64_t lease_ms = 30'000;
};

// Submits with ids of its own and repeats a batch until it is answered: a repeated job is a
// duplicate, not a second one. Workers go on until stop(). A worker whose answer was cut off
// repeats the same completions.
class Load {
 public:
  Load(const WeirServer& server, LoadPlan plan);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  bool submitted() const { return submitted_; }  // every batch was answered
  const Record& record() const { return record_; }
  void stop();  // workers finish what they hold

 private:
  void submit();
  void work(std::size_t number);

  const std::uint16_t port_;
  const std::string key_;
  const LoadPlan plan_;
  Record record_;
  std::atomic<bool> submitted_{false};
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace weir::test
