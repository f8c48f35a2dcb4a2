// Pieces that several queries share.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "jobs/job_row.hpp"
#include "jobs/lane_ring.hpp"
#include "jobs/queue_book.hpp"
#include "jobs/queue_config.hpp"
#include "jobs/stats.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// A row of job_queues.
struct QueueRow {
  std::int64_t id = 0;
  std::string name;
  std::optional<std::int64_t> paused_at;
  std::int64_t created_at = 0;
  QueueConfig config;
};
std::optional<QueueRow> find_queue(sqlite::Database& db, std::string_view name);
std::optional<QueueRow> load_queue(sqlite::Database& db, std::int64_t id);

// Counters of one queue, or of all (kAllQueues).
Counts read_counts(sqlite::Database& db, std::int64_t queue);
// Ready jobs of a queue by priority.
using Levels = std::array<std::int64_t, kPriorities>;
Levels read_ready(sqlite::Database& db, std::int64_t queue);
QueueTotals read_totals(sqlite::Database& db, std::int64_t queue);
// Another row of job_counts; 0 without it.
std::int64_t read_count(sqlite::Database& db, std::int64_t queue, std::int64_t kind);
// {"scheduled":0,...}, every status.
void write_counts(json::Writer& out, const Counts& counts);

// Members that are null when there is nothing.
void member_time(json::Writer& out, std::string_view name, std::optional<std::int64_t> ms);
void member_text(json::Writer& out, std::string_view name, std::string_view text);
void member_json(json::Writer& out, std::string_view name, std::string_view json);

// The status as readers are told it: its word, or partial_failure (jobs/fan_out.hpp).
std::string_view shown_status(const Job& job);

// The members that lists and details share, from "id" to "worker".
void write_summary(json::Writer& out, const Job& job, const QueueRow& queue);

}  // namespace weir::jobs
