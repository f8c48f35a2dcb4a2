// Worker: leases jobs and runs a command for each, in the way of `weir work`.
//
// Three kinds of threads: the caller of run() leases by long poll, `concurrency` runners each watch
// one child, and one reporter sends outcomes and heartbeats. A job counts against the concurrency
// until its outcome is acknowledged, so nothing grows while the server is away.
//
// Lifecycle: construct, run() once; stop() and abort() from any thread, any number of times.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cmd/weir/cli/client.hpp"
#include "cmd/weir/worker/worker_job.hpp"
#include "pkg/json/view.hpp"

namespace weir::cli {

enum class Until : std::uint8_t {
  stopped,  // for ever
  empty,    // nothing is ready and nothing runs here
  drained,  // also nothing is scheduled or running elsewhere in these queues
};

struct WorkerOptions {
  Client::Options client;
  std::string command;
  std::string name;  // of this worker
  std::vector<std::string> queues;
  std::vector<std::string> types;                           // empty: all
  std::vector<std::pair<std::string, std::string>> labels;  // for targets
  std::size_t concurrency = 1;
  Millis lease{30'000};
  Millis poll{20'000};  // longest wait of one lease request
  Millis kill_grace{10'000};
  std::size_t max_result_bytes = 512 << 10;
  bool logs = true;            // standard error of the command goes into the log of the job
  bool text_payloads = false;  // a payload that is a JSON string is passed without its quotes
  Until until = Until::stopped;
};

// The exit code of a command that says: this job fails, and trying again is of no use.
inline constexpr int kDoNotRetry = 100;

struct WorkerTotals {
  std::int64_t completed = 0;
  std::int64_t failed = 0;
  std::int64_t released = 0;
  std::int64_t lost = 0;  // the lease had gone to somebody else
};

class Worker {
 public:
  explicit Worker(WorkerOptions options) : options_(std::move(options)) {}
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Until stop(), or as Options::until says. Errors: those of Client::once that no patience heals
  // (unauthenticated, forbidden, bad_request, invalid, not_found).
  Result<WorkerTotals> run();
  void stop();   // leases no more, finishes what runs, gives back what has not started
  void abort();  // kills what runs and gives it back

 private:
  using Held = HeldJob;
  using HeldPtr = std::shared_ptr<HeldJob>;
  using Report = WorkReport;
  using Beat = Heartbeat;

  Result<void> lease_loop(Client& client);
  // Jobs leased; nothing when this worker is draining.
  Result<std::optional<std::size_t>> lease_once(Client& client, std::size_t free, Millis wait);
  bool nothing_left(Client& client);
  std::string lease_body(std::size_t free, Millis wait) const;
  std::size_t take_jobs(const std::string& answer);
  void runner();
  void run_job(const HeldPtr& held);
  void report(const HeldPtr& held, Report report);
  void reporter(Client& client);
  // What one request tells.
  struct Round {
    std::vector<Report> outcomes;
    std::vector<Beat> beats;
    bool empty() const { return outcomes.empty() && beats.empty(); }
  };
  Round next_round(bool beat_all, bool tell_logs);
  static bool drop_log(const Round& round);
  std::string report_body(const Round& round) const;
  void take_answer(const std::string& answer, Round round);
  void settle(const Report& report, json::View item);
  void heard(const Beat& beat, json::View item);
  void refused(const Error& error, Round round);
  void finish();

  const WorkerOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // guarded by mutex_:
  std::map<std::string, HeldPtr> held_;  // by lease
  std::deque<HeldPtr> ready_;            // leased, not started
  std::deque<Report> reports_;           // outcomes to tell
  WorkerTotals totals_;
  Client* leasing_ = nullptr;
  std::size_t report_limit_ = 100;  // outcomes in one request; 1 after a refusal
  bool stopping_ = false;
  bool aborting_ = false;
  bool finished_ = false;  // runners and reporter end
  std::vector<std::thread> threads_;
};

}  // namespace weir::cli
