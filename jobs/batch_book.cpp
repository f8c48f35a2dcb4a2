#include "jobs/batch_book.hpp"

#include <algorithm>
#include <array>

#include "jobs/limits.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 5> kStates{"open", "sealed", "succeeded", "failed",
                                                  "cancelled"};

constexpr int kFirstCount = 14;
constexpr std::string_view kSelectByRow =
    "SELECT row,id,name,state,created_at,seal_at,sealed_at,ended_at,cancel_at,swept,home,revision,"
    "kept,removed,scheduled,blocked,unprocessed,processing,completed,failed,cancelled,dlq"
    " FROM job_batches WHERE row=?1";

constexpr std::string_view kUpdate =
    "UPDATE job_batches SET state=?2,sealed_at=?3,ended_at=?4,cancel_at=?5,swept=?6,home=?7,due=?8,"
    "revision=?9,kept=?10,removed=?11,scheduled=?12,blocked=?13,unprocessed=?14,processing=?15,"
    "completed=?16,failed=?17,cancelled=?18,dlq=?19 WHERE row=?1";

void store(sqlite::Database& db, const JobBatch& batch) {
  auto write = db.prepare(kUpdate);
  write.bind_all(batch.row, static_cast<std::int64_t>(batch.state), batch.sealed_at, batch.ended_at,
                 batch.cancel_at, batch.swept, batch.home, batch.due(), batch.revision, batch.kept,
                 batch.removed);
  for (std::size_t i = 0; i < kStatusCount; ++i) {
    write.bind(12 + static_cast<int>(i), batch.counts[i]);
  }
  write.run();
}

std::optional<std::int64_t> find_row(sqlite::Database& db, std::string_view id) {
  auto rows = db.prepare("SELECT row FROM job_batches WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return std::nullopt;
  return rows.int64(0);
}

}  // namespace

std::string_view to_string(BatchState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<BatchState> parse_batch_state(std::string_view word) {
  const auto found = std::find(kStates.begin(), kStates.end(), word);
  if (found == kStates.end()) return std::nullopt;
  return static_cast<BatchState>(found - kStates.begin());
}

std::int64_t JobBatch::pending() const {
  return count(Status::scheduled) + count(Status::blocked) + count(Status::unprocessed) +
         count(Status::processing);
}

std::int64_t JobBatch::total() const {
  auto sum = removed;
  for (const auto one : counts) sum += one;
  return sum;
}

std::optional<std::int64_t> JobBatch::due() const {
  if (state == BatchState::open) return seal_at;
  if (state == BatchState::sealed) return swept < kSweptAll ? cancel_at : std::nullopt;
  if (kept == 0) return *ended_at + kBatchKept.count();
  return std::nullopt;
}

std::optional<JobBatch> load_batch(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare(kSelectByRow);
  rows.bind(1, row);
  if (!rows.step()) return std::nullopt;
  JobBatch out;
  out.row = rows.int64(0);
  out.id = rows.text(1);
  out.name = rows.text(2);
  out.state = static_cast<BatchState>(rows.int64(3));
  out.created_at = rows.int64(4);
  out.seal_at = rows.int64(5);
  out.sealed_at = rows.optional_int64(6);
  out.ended_at = rows.optional_int64(7);
  out.cancel_at = rows.optional_int64(8);
  out.swept = rows.int64(9);
  out.home = rows.text(10);
  out.revision = rows.int64(11);
  out.kept = rows.int64(12);
  out.removed = rows.int64(13);
  for (std::size_t i = 0; i < kStatusCount; ++i) {
    out.counts[i] = rows.int64(kFirstCount + static_cast<int>(i));
  }
  return out;
}

std::optional<JobBatch> find_batch(sqlite::Database& db, std::string_view id) {
  const auto row = find_row(db, id);
  return row ? load_batch(db, *row) : std::nullopt;
}

// --- the book ------------------------------------------------------------------------------------

void BatchBook::load(sqlite::Database& db) {
  cache_.clear();
  changed_ = false;
  {
    auto rows = db.prepare("SELECT count(*) FROM job_batches WHERE row>0");
    size_ = rows.step() ? rows.int64(0) : 0;
  }
  refresh_due(db);
}

void BatchBook::save(sqlite::Database& db) {
  flush(db);
  cache_.clear();
  if (changed_) refresh_due(db);
  changed_ = false;
}

void BatchBook::flush(sqlite::Database& db) {
  for (auto& [row, cached] : cache_) {
    if (!cached.dirty) continue;
    store(db, cached.batch);
    cached.dirty = false;
    changed_ = true;
  }
}

void BatchBook::refresh_due(sqlite::Database& db) {
  auto rows = db.prepare(
      "SELECT due FROM job_batches INDEXED BY job_batches_due WHERE due IS NOT NULL"
      " ORDER BY due LIMIT 1");
  next_due_ = rows.step() ? rows.int64(0) : std::numeric_limits<std::int64_t>::max();
}

JobBatch* BatchBook::find(sqlite::Database& db, std::string_view id) {
  const auto row = find_row(db, id);
  return row ? find(db, *row) : nullptr;
}

JobBatch* BatchBook::find(sqlite::Database& db, std::int64_t row) {
  if (const auto known = cache_.find(row); known != cache_.end()) return &known->second.batch;
  auto loaded = load_batch(db, row);
  if (!loaded) return nullptr;
  return &cache_.emplace(row, Cached{std::move(*loaded)}).first->second.batch;
}

JobBatch& BatchBook::add(sqlite::Database& db, const JobBatch& batch) {
  auto write = db.prepare(
      "INSERT INTO job_batches(id,name,state,created_at,seal_at,swept,revision,kept,removed,"
      "scheduled,blocked,unprocessed,processing,completed,failed,cancelled,dlq)"
      " VALUES(?1,?2,?3,?4,?5,?6,?7,0,0,0,0,0,0,0,0,0,0)");
  write
      .bind_all(batch.id, batch.name, static_cast<std::int64_t>(batch.state), batch.created_at,
                batch.seal_at, batch.swept, batch.revision)
      .run();
  const auto row = db.last_insert_rowid();
  auto& cached = cache_.emplace(row, Cached{batch, true}).first->second;
  cached.batch.row = row;
  ++size_;
  return cached.batch;
}

void BatchBook::remove(sqlite::Database& db, std::int64_t row) {
  db.prepare("DELETE FROM job_batch_callbacks WHERE batch=?1").bind_all(row).run();
  db.prepare("DELETE FROM job_batch_queues WHERE batch=?1").bind_all(row).run();
  db.prepare("DELETE FROM job_batches WHERE row=?1").bind_all(row).run();
  cache_.erase(row);
  --size_;
  changed_ = true;
}

}  // namespace weir::jobs
