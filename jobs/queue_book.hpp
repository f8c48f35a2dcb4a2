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
#include <vector>

#include "jobs/queue_config.hpp"
#include "jobs/stats.hpp"
#include "jobs/status.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
inline constexpr std::size_t kPriorities = static_cast<std::size_t>(kMaxPriority) + 1;

struct Queue {
  std::int64_t id = 0;
  std::string name;
  bool paused = false;
  std::int64_t created_at = 0;
  QueueConfig config;
  Counts counts{};
  std::array<std::int64_t, kPriorities> ready{};  // unprocessed, by priority
  // No row of this queue is due before; may be earlier than the truth, never later.
  std::int64_t next_due = kNever;
  bool dirty = false;       // differs from the tables or from what was published
  bool made_ready = false;  // got ready jobs in this operation: its waiters are served at the end

  std::int64_t count(Status status) const { return counts[index_of(status)]; }
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
  bool full() const { return by_id_.size() >= kMaxQueues; }
  void set_config(sqlite::Database& db, Queue& queue, std::string_view config_json);
  void set_paused(sqlite::Database& db, Queue& queue, bool paused);
  void remove(sqlite::Database& db, Queue& queue);  // has no jobs

  // For Step::change(), which everybody calls: asserts that the diagram has the transition and
  // keeps the counters. The caller writes the row. `at` is the new jobs.at.
  void transition(Queue& queue, std::optional<Status> from, std::optional<Status> to, Cause cause,
                  std::int64_t priority, std::int64_t at);

  // A ready job got another priority.
  void reprioritize(Queue& queue, std::int64_t from, std::int64_t to);

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
  static void save_counts(sqlite::Database& db, Queue& queue);
  static void save_count(sqlite::Database& db, std::int64_t queue, std::int64_t kind,
                         std::int64_t count, std::int64_t& saved);

  std::map<std::int64_t, std::unique_ptr<Queue>> by_id_;
  std::unordered_map<std::string, Queue*, Hash, std::equal_to<>> by_name_;
  Counts counts_{};
  Counts saved_counts_{};
  std::vector<Queue*> dirty_;
  std::vector<Queue*> made_ready_;
  std::vector<Queue*> changed_;  // since the last publish()
  std::vector<std::string> removed_;
  bool all_changed_ = true;
};

}  // namespace weir::jobs
