// QueueModel: what docs/queues.md promises of one queue, once more and as simply as it can be said:
// all ready jobs, a list for each key, searched from end to end for each lease. It knows nothing of
// jobs/; it is told what the tables went through.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/change.hpp"
#include "tests/sim/token_window.hpp"

namespace weir::sim {

struct QueueLimits {
  std::int64_t concurrency = 0;
  std::int64_t max_waiting = 0;
  std::int64_t key_concurrency = 0;
  std::int64_t key_max_waiting = 0;
  std::int64_t aging_ms = 0;
  RateRule rate;
  RateRule key_rate;
};
QueueLimits parse_limits(const std::string& config);

// A worker, and which jobs it takes.
struct Wish {
  std::vector<std::string> types;  // empty: all
  std::string worker;
  std::string labels;  // JSON
};

class QueueModel {
 public:
  void set(const QueueChange& change);
  const std::string& name() const { return name_; }
  bool paused() const { return paused_; }

  // A job of this queue changed.
  void apply(const JobChange& change, std::int64_t now);

  // Why the queue's own limits do not let another job run now; empty: they do.
  std::string full(std::int64_t now) const;
  // Why the job should not have been leased, before apply(); empty: it is the one.
  std::string wrong_lease(const JobChange& change, const Wish& wish, std::int64_t now);
  // The job that the worker is to get now, whatever full() says.
  std::optional<std::int64_t> next(const Wish& wish, std::int64_t now);
  // Why a job that was submitted should have been refused, after apply().
  std::string too_many(const JobChange& change) const;

 private:
  struct Ready {
    std::string type;
    std::string target;
    std::int64_t created_at = 0;
  };
  struct Lane {
    std::int64_t turn = 0;  // when it was served, or came
    std::int64_t running = 0;
    TokenWindow tokens;
    std::map<std::int64_t, std::map<std::int64_t, Ready>> ready;  // by priority, row
    std::size_t waiting() const;
  };
  struct Place {
    std::int64_t priority = 0;
    std::string key;
  };

  void forget_idle(std::int64_t now);
  Lane& lane(const std::string& key);
  bool may_run(const std::string& key, const Lane& lane, std::int64_t now) const;
  void leave(std::int64_t row);

  std::string name_;
  bool paused_ = false;
  QueueLimits limits_;
  std::int64_t turns_ = 0;
  std::int64_t running_ = 0;
  std::int64_t waiting_ = 0;  // scheduled, blocked, ready
  TokenWindow tokens_;
  Lane plain_;  // jobs without a key; it has a turn while there are lanes
  std::map<std::string, Lane> lanes_;
  std::map<std::int64_t, Place> places_;  // of the ready jobs
};

}  // namespace weir::sim
