// BatchBook: the batches that the operations of a transaction work on, with their counters. Loads a
// batch when it is asked for and writes what changed by flush() and save(); nothing else is kept in
// memory but how many there are and when the next one is due.
//
// Thread rule: the applier thread only, except load_batch() and find_batch(). A Batch* stays valid
// until save(), remove() or load(). sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/stats.hpp"
#include "jobs/status.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// The numbers are stored.
enum class BatchState : std::uint8_t {
  open = 0,       // takes jobs
  sealed = 1,     // takes none; not all members have ended
  succeeded = 2,  // all members completed
  failed = 3,     // all ended, not all completed
  cancelled = 4,  // the same, after it was cancelled
};
std::string_view to_string(BatchState state);
std::optional<BatchState> parse_batch_state(std::string_view word);
constexpr bool has_ended(BatchState state) {
  return state >= BatchState::succeeded;
}

// JobBatch::swept of a batch that is not being cancelled.
inline constexpr std::int64_t kSweptAll = std::numeric_limits<std::int64_t>::max();

struct JobBatch {
  std::int64_t row = 0;
  std::string id;
  std::string name;  // may be empty
  BatchState state = BatchState::open;
  std::int64_t created_at = 0;
  std::int64_t seal_at = 0;  // then it is sealed by itself
  std::optional<std::int64_t> sealed_at;
  std::optional<std::int64_t> ended_at;
  std::optional<std::int64_t> cancel_at;
  std::int64_t swept = kSweptAll;  // members up to this row were cancelled
  std::string home;                // the queue of its event: of its first job
  std::int64_t revision = 0;
  // By status, those included that were forgotten after their end.
  Counts counts{};
  std::int64_t kept = 0;     // members that are still there
  std::int64_t removed = 0;  // members that were forgotten before their end

  std::int64_t count(Status status) const { return counts[index_of(status)]; }
  std::int64_t pending() const;
  std::int64_t total() const;
  // When a tick has something to do here.
  std::optional<std::int64_t> due() const;
};

std::optional<JobBatch> load_batch(sqlite::Database& db, std::int64_t row);
std::optional<JobBatch> find_batch(sqlite::Database& db, std::string_view id);

class BatchBook {
 public:
  void load(sqlite::Database& db);
  void save(sqlite::Database& db);

  JobBatch* find(sqlite::Database& db, std::string_view id);
  JobBatch* find(sqlite::Database& db, std::int64_t row);
  // `batch` is complete but for its row.
  JobBatch& add(sqlite::Database& db, const JobBatch& batch);
  void remove(sqlite::Database& db, std::int64_t row);
  void mark(const JobBatch& batch) { cache_.at(batch.row).dirty = true; }

  // Writes what changed, so that statements see it.
  void flush(sqlite::Database& db);
  std::int64_t size() const { return size_; }
  std::int64_t next_due() const { return next_due_; }

 private:
  struct Cached {
    JobBatch batch;
    bool dirty = false;
  };
  void refresh_due(sqlite::Database& db);

  std::map<std::int64_t, Cached> cache_;  // by row
  std::int64_t size_ = 0;
  std::int64_t next_due_ = std::numeric_limits<std::int64_t>::max();
  bool changed_ = false;
};

}  // namespace weir::jobs
