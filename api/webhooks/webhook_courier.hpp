// WebhookCourier: delivers webhooks while this coordinator leads. It reads what is due from the
// tables, posts it, and proposes what came of it; when to try again is for the log to say.
//
// When the leader changes, the new one proposes jobs.webhook_lead; from that entry on only its
// reports count, so what the old one still does is at most said twice to a receiver, never lost.
//
// Lifecycle: construct -> start() -> stop(), both idempotent. The parts outlive it.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "jobs/requests.hpp"
#include "jobs/webhook_query.hpp"
#include "pkg/base/service.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/webhook/sender.hpp"

namespace weir::api {

class WebhookCourier final : public Service {
 public:
  struct Parts {
    replica::Instance& instance;
    webhook::Sender& sender;
    const Clock& clock;
    std::string default_secret = {};  // for the jobs of queues without one; may be empty
  };

  explicit WebhookCourier(Parts parts) : parts_(std::move(parts)) {}
  ~WebhookCourier() override { stop(); }

  Result<void> start() override;
  void stop() override;

 private:
  using Reports = std::vector<jobs::WebhookReport>;
  struct Told {  // the answer to proposed reports
    std::int64_t term;
    Reports reports;
    Result<void> result;
  };

  void run();
  bool leads() const;
  bool take_lead();
  void forget();
  void take_told();
  void propose_reports();
  void deliver_due();
  void begin(jobs::DueDelivery due);
  void post(const jobs::DueDelivery& due, std::int64_t term);
  void report(std::int64_t term, jobs::WebhookReport report);
  void done_with(const std::string& id);
  void wake();
  void wait();
  std::int64_t log_time() const;

  const Parts parts_;

  // Of the thread.
  std::int64_t term_ = 0;                    // 0: does not lead
  std::map<std::string, std::string> busy_;  // id and queue of what is being tried
  std::map<std::string, std::size_t> busy_in_;
  std::int64_t next_due_ = 0;  // unix ms of the log; 0: look now
  std::string last_queue_;
  bool reporting_ = false;
  MonoTime report_again_{};

  std::mutex mutex_;
  std::condition_variable news_;
  bool woken_ = false;                                                 // guarded by mutex_
  bool stopping_ = false;                                              // guarded by mutex_
  std::vector<std::pair<std::int64_t, jobs::WebhookReport>> reports_;  // guarded by mutex_
  std::vector<Told> told_;                                             // guarded by mutex_
  std::thread thread_;
};

}  // namespace weir::api
