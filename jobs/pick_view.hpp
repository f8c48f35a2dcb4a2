// PickView: what the Picker of a queue would do now, for readers: from the tables alone, on a
// snapshot. Changes of the Picker or of LaneRing are changes of this, too; a property test holds
// them together.
//
// It sees the jobs that any worker may run, and those of one target: what may go before a job of
// that target at every worker that may run it.
//
// Looks at no more than kExplainKeys keys (those whose turn is next) and counts to kExplainCount.
// One queue at one moment; not thread-safe. sqlite::Failure passes through.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "jobs/query_parts.hpp"

namespace weir::jobs {

class PickView {
 public:
  // `queue` and `target` (empty: none) must live longer.
  PickView(sqlite::Database& db, const QueueRow& queue, std::string_view target, std::int64_t now);

  std::int64_t now() const { return now_; }
  std::int64_t running() const { return running_; }

  // --- limits ---
  // The limit of running jobs of all queues (0: none), and what runs.
  std::int64_t total_concurrency() const { return total_concurrency_; }
  std::int64_t total_running() const { return total_running_; }
  // When the queue has a token again; nothing: now.
  std::optional<std::int64_t> queue_token_at() const;
  // When the key has a token again; nothing: now.
  std::optional<std::int64_t> key_token_at(std::string_view key);
  // Running jobs of the key; counted only while the queue limits them.
  std::int64_t running_of(std::string_view key);

  // --- order ---
  // The job that goes first among those of a priority, by its key and since when it waits.
  struct Head {
    std::optional<std::string> key;
    std::int64_t since = 0;
  };
  // Nothing when no job of the priority may run.
  std::optional<Head> head(std::int64_t priority);

  // A number that was counted to kExplainCount: then it is at least that.
  struct Bounded {
    std::int64_t count = 0;
    bool exact = true;
  };
  // Ready jobs of the priority.
  Bounded ready(std::int64_t priority);
  // Ready jobs of the same key (empty: without one) and priority that were submitted before `row`.
  Bounded earlier(std::int64_t priority, std::string_view key, std::int64_t row);
  // Keys (the jobs without one count as a key) that may run, with jobs of the priority, whose turn
  // is before that of `key`.
  Bounded keys_before(std::int64_t priority, std::string_view key);

 private:
  struct Lane {
    std::string key;
    std::int64_t turn = 0;
    std::int64_t bucket = 0;
  };

  void load_lanes();
  bool may_run(const Lane& lane);
  // Runs a statement with the queue, each of the targets (?2) and what `bind` binds beside them.
  template <typename Bind, typename Visit>
  void each(std::string_view statement, Bind bind, Visit visit);
  bool has_ready(std::int64_t priority, std::string_view key);
  bool has_keyed(std::int64_t priority);
  std::int64_t since(std::int64_t priority, const std::optional<std::string>& key);

  sqlite::Database& db_;
  const QueueRow& queue_;
  const std::string_view target_;
  const std::int64_t now_;
  bool targeted_ = false;  // the queue has ready jobs with a target
  Levels ready_{};
  std::int64_t running_ = 0;
  std::int64_t bucket_ = 0;
  std::int64_t total_concurrency_ = 0;
  std::int64_t total_running_ = 0;
  bool lanes_loaded_ = false;
  std::vector<Lane> lanes_;  // by turn, without that of the jobs that have no key
  std::int64_t plain_turn_ = 0;
  bool running_loaded_ = false;
  std::unordered_map<std::string, std::int64_t> running_by_key_;
};

}  // namespace weir::jobs
