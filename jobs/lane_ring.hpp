// LaneRing: the ready jobs of a queue whose jobs have keys, one lane per key. Within a priority the
// lanes take turns: the lane that was served longest ago is next. Lanes that may not run (per_key
// concurrency or rate) are out of the ring until they may, so that a pick costs O(log lanes).
// Jobs without a key are one more lane.
//
// Mirrors job_lanes (turn and bucket of each lane) and the ready and running jobs with a key. A
// lane without jobs and with a full bucket is forgotten.
//
// Thread rule: the applier thread only. A Lane* stays valid until the next change of its queue.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "jobs/limits.hpp"
#include "jobs/queue_config.hpp"
#include "jobs/status.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

inline constexpr std::size_t kPriorities = static_cast<std::size_t>(kMaxPriority) + 1;

struct Lane {
  std::string key;
  std::int64_t turn = 0;  // of its last pick, or of its coming; unique in all queues
  std::int64_t full = 0;  // bucket of per_key.rate, see Rate
  std::int64_t running = 0;
  std::int64_t waiting = 0;  // ready jobs of all priorities
  std::array<std::uint32_t, kPriorities> ready{};

 private:
  friend class LaneRing;
  std::uint32_t placed = 0;  // bits of the priorities in whose ring it is
  std::int64_t timer = 0;    // its moment among the timers; 0: none
  bool dirty = false;        // differs from job_lanes
  bool saved = false;        // has a row there
};

class LaneRing {
 public:
  // Turns are drawn from `next_turn`, which outlives the ring.
  LaneRing(std::int64_t queue, std::int64_t& next_turn) : queue_(queue), next_turn_(next_turn) {}

  // Reads job_lanes and counts the ready jobs; then restore_running() for each running job with a
  // key, and configure().
  void load(sqlite::Database& db);
  void restore_running(std::string_view key) { ++get(key).running; }
  // Writes the lanes that changed since the last save.
  void save(sqlite::Database& db);
  // The limits are new: all lanes find their places. `forget_buckets`: the rate is another one.
  void configure(const PerKey& limits, bool forget_buckets);

  // A job of `key` left `from` or came to `to`. `leased` counts a turn and a token.
  void change(const PerKey& limits, std::string_view key, std::optional<Status> from,
              std::optional<Status> to, std::int64_t priority, std::int64_t now);
  // A job without a key was leased, beside lanes.
  void plain_leased() {
    plain_turn_ = ++next_turn_;
    plain_dirty_ = true;
  }

  // Lanes whose token came by now are in the ring again; those that rested are forgotten: true when
  // there were any, whose rows must go.
  bool wake(std::int64_t now);
  // The lane whose turn it is; null when none with a key may run.
  const Lane* first(std::size_t priority) const;
  const Lane* find(std::string_view key) const;
  // The lanes that may run, by turn; wake() first.
  using Ring = std::map<std::int64_t, Lane*>;
  const Ring& ring(std::size_t priority) const { return rings_[priority]; }
  bool in_ring(const Lane& lane, std::size_t priority) const;
  std::int64_t plain_turn() const { return plain_turn_; }
  std::int64_t ready(std::size_t priority) const { return ready_[priority]; }
  // When the next lane gets a token; kForever when none waits for one.
  std::int64_t next_token() const;
  // Lanes that are before `lane` in the ring of the priority, at most `most`.
  std::int64_t before(const Lane& lane, std::size_t priority, std::int64_t most) const;
  bool empty() const { return lanes_.empty(); }
  // Every lane is forgotten, their rows too.
  void remove(sqlite::Database& db);

  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  Lane& get(std::string_view key);  // found or made, at the end of the ring
  static bool at_rest(const PerKey& limits, const Lane& lane, std::int64_t now);
  void place(const PerKey& limits, Lane& lane, std::int64_t now);
  void add_to_ring(Lane& lane, std::size_t priority);
  void lift(Lane& lane);
  void add_to_rings(Lane& lane);
  void forget(Lane& lane);

  const std::int64_t queue_;
  std::int64_t& next_turn_;
  std::int64_t plain_turn_ = 0;
  bool plain_dirty_ = false;
  std::unordered_map<std::string, std::unique_ptr<Lane>, Hash, std::equal_to<>> lanes_;
  std::array<Ring, kPriorities> rings_;
  std::array<std::int64_t, kPriorities> ready_{};
  // By moment, then turn: lanes that wait for a token; lanes without jobs until their bucket is
  // full.
  using Timers = std::map<std::pair<std::int64_t, std::int64_t>, Lane*>;
  Timers tokens_;
  Timers rests_;
  std::vector<std::string> dirty_;
  std::vector<std::string> gone_;  // forgotten, their rows are still there
};

}  // namespace weir::jobs
