// QueueBook: the queues in memory, with their counters and the earliest moment a tick could be
// needed for each. Mirrors job_queues and job_counts; dirty counters are written by save().
//
// Thread rule: the applier thread only. A Queue* stays valid until remove() or load().
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "jobs/lane_ring.hpp"
#include "jobs/queue_config.hpp"
#include "jobs/stats.hpp"
#include "jobs/status.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

Error too_many_queues();

// What happened to the jobs of a queue since it was made.
enum class QueueTotal : std::uint8_t { submitted, leased, completed, failed_attempts, dead };
inline constexpr std::size_t kQueueTotals = 5;
using QueueTotals = std::array<std::int64_t, kQueueTotals>;  // by static_cast<size_t>(QueueTotal)

struct Queue {
  std::int64_t id = 0;
  std::string name;
  bool paused = false;
  std::int64_t created_at = 0;
  QueueConfig config;
  Counts counts{};
  std::array<std::int64_t, kPriorities> ready{};  // unprocessed, by priority
  QueueTotals totals{};
  // Of the ready jobs those with a target, by target (jobs/target.hpp).
  std::map<std::string, std::int64_t, std::less<>> targets;
  // No row of this queue is due before; may be earlier than the truth, never later.
  std::int64_t next_due = kNever;
  // Parked waiters may be served at `wake_at`, when a token comes (only saves useless ticks).
  std::int64_t wake_at = kNever;
  std::int64_t bucket = 0;          // of config.rate
  std::int64_t asked_at = 0;        // a worker asked, at most kAskedStep before the last time
  std::unique_ptr<LaneRing> lanes;  // null: no job has a key
  bool dirty = false;               // differs from the tables or from what was published
  bool made_ready = false;  // got ready jobs in this operation: its waiters are served at the end

  std::int64_t count(Status status) const { return counts[index_of(status)]; }
  bool has_lanes() const { return lanes != nullptr && !lanes->empty(); }
  std::int64_t waiting() const {
    return count(Status::scheduled) + count(Status::blocked) + count(Status::unprocessed);
  }
  // Jobs that retention looks at.
  std::int64_t retained() const {
    return count(Status::completed) + count(Status::failed) + count(Status::cancelled);
  }
  // More than the retention allows, by so much that a tick is worth it.
  bool over_retention() const {
    const auto limit = config.retention.count;
    return retained() > limit + std::min<std::int64_t>(limit / 100, kTickRows);
  }
  std::int64_t retention_ms(Status status) const {
    return status == Status::completed ? config.retention.completed_ms : config.retention.failed_ms;
  }

 private:
  friend class QueueBook;
  Counts saved_counts_{};
  std::array<std::int64_t, kPriorities> saved_ready_{};
  QueueTotals saved_totals_{};
  std::int64_t saved_bucket_ = 0;
  std::int64_t saved_asked_at_ = 0;
};

class QueueBook {
 public:
  void load(sqlite::Database& db);
  // Writes what changed since the last save.
  void save(sqlite::Database& db);

  Queue* find(std::string_view name);
  Queue& get(std::int64_t id);  // must exist
  // Errors: too_many_requests / too_many_queues.
  Result<Queue*> get_or_create(sqlite::Database& db, std::string_view name, std::int64_t now);
  // The same whatever the number of queues.
  Queue& ensure(sqlite::Database& db, std::string_view name, std::int64_t now);
  bool full() const { return by_id_.size() >= kMaxQueues; }
  void set_config(sqlite::Database& db, Queue& queue, std::string_view config_json);
  // Its receiver said 410 Gone.
  void disable_webhook(sqlite::Database& db, Queue& queue, std::int64_t now);
  void pause(sqlite::Database& db, Queue& queue, std::int64_t now);
  void resume(sqlite::Database& db, Queue& queue);
  void remove(sqlite::Database& db, Queue& queue);  // has no jobs

  // For Step::change(), which everybody calls: asserts that the diagram has the transition and
  // keeps the counters. The caller writes the row. `at` is the new jobs.at.
  void transition(Queue& queue, std::optional<Status> from, std::optional<Status> to, Cause cause,
                  std::int64_t priority, std::int64_t at);

  // A ready job got another priority.
  void reprioritize(Queue& queue, std::string_view key, std::int64_t from, std::int64_t to,
                    std::int64_t now);
  // For Step::change(), after transition(): the same for the lane of a job with a key.
  void move_lane(Queue& queue, std::string_view key, std::optional<Status> from,
                 std::optional<Status> to, std::int64_t priority, std::int64_t now);
  // For Step::change(), after transition(): a ready job with a target came (1) or went (-1).
  static void count_target(Queue& queue, std::string_view target, std::int64_t by);
  // A job of the queue was leased: takes a token, and the turn of the jobs without a key.
  void leased(Queue& queue, bool keyed, std::int64_t now);
  // A worker asks the queue for jobs.
  void asked(Queue& queue, std::int64_t now) {
    if (now - queue.asked_at < kAskedStep.count()) return;
    queue.asked_at = now;
    mark(queue);
  }
  // The running jobs are known: the lanes find their places.
  void place_lanes();
  // Before the lanes of the queue are asked whose turn it is.
  void wake_lanes(Queue& queue, std::int64_t now) {
    if (queue.has_lanes() && queue.lanes->wake(now)) mark(queue);
  }

  // The limit of running jobs of all queues together; 0: none.
  std::int64_t concurrency() const { return concurrency_; }
  void set_concurrency(std::int64_t limit) {
    concurrency_ = limit;
    room_came_ = true;
  }
  // There is room below that limit again, since the last call.
  bool take_room() { return std::exchange(room_came_, false); }
  // Tokens that came by now wake nobody any more.
  void drop_wakes(std::int64_t now);
  // The queue's waiters are to be served at the end of this operation.
  void wake(Queue& queue);

  // Queues that got ready jobs since the last call, by id.
  std::vector<Queue*> take_made_ready();
  // Every queue, by id.
  const std::map<std::int64_t, std::unique_ptr<Queue>>& all() const { return by_id_; }
  const Counts& counts() const { return counts_; }
  std::int64_t next_due() const;
  static void note_due(Queue& queue, std::int64_t at);          // something is due at `at`
  static void refresh_due(sqlite::Database& db, Queue& queue);  // makes next_due exact

  // What changed for readers since the last call.
  void publish(StatsBoard::Update& update);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Queue& add(std::int64_t id, std::string_view name);
  void mark(Queue& queue);
  void load_counts(sqlite::Database& db);
  void load_lanes(sqlite::Database& db);
  void load_targets(sqlite::Database& db);
  void save_lanes(sqlite::Database& db, Queue& queue);
  LaneRing& lanes_of(Queue& queue);
  static void save_counts(sqlite::Database& db, Queue& queue);
  static void save_count(sqlite::Database& db, std::int64_t queue, std::int64_t kind,
                         std::int64_t count, std::int64_t& saved);

  std::map<std::int64_t, std::unique_ptr<Queue>> by_id_;
  std::unordered_map<std::string, Queue*, Hash, std::equal_to<>> by_name_;
  Counts counts_{};
  Counts saved_counts_{};
  std::int64_t next_turn_ = 0, saved_next_turn_ = 0;
  std::int64_t concurrency_ = 0, saved_concurrency_ = 0;
  bool room_came_ = false;
  std::vector<Queue*> dirty_;
  std::vector<Queue*> made_ready_;
  std::vector<Queue*> changed_;  // since the last publish()
  std::vector<std::string> removed_;
  bool all_changed_ = true;
};

}  // namespace weir::jobs
