// Reading redrives (jobs/redrives.hpp). On any database, read snapshot or not; any thread.
// sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/base/result.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// The numbers are stored.
enum class RedriveState : std::uint8_t { running = 0, completed = 1, cancelled = 2 };

// The row of a redrive.
std::optional<std::int64_t> find_redrive(sqlite::Database& db, std::string_view id);
// {"id","state","queue","filter","rate_per_s","patch","matched","redriven","skipped","failed",
// "created_at","ended_at"}. `matched` is how many there are in all, when ids say so, else null.
// Errors: not_found / redrive_not_found.
Result<std::string> get_redrive(sqlite::Database& db, std::string_view id);
// The queue that its filter names; empty: none. Errors: as get_redrive().
Result<std::string> redrive_queue(sqlite::Database& db, std::string_view id);
// {"items":[...],"next_cursor"}, newest first. Errors: invalid / invalid_request (cursor).
Result<std::string> list_redrives(sqlite::Database& db, std::int64_t limit,
                                  std::string_view cursor);
Error redrive_not_found(std::string_view id);

}  // namespace weir::jobs
