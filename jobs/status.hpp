// The life of a job: its statuses, what moves it from one to the next, and the one table of
// transitions that exist (docs/state-machine.md). Pure values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir::jobs {

// The numbers are stored in SQLite: never change them.
enum class Status : std::uint8_t {
  scheduled = 0,    // run_at in the future, or waiting for a retry
  blocked = 1,      // waits for other jobs
  unprocessed = 2,  // ready
  processing = 3,   // leased
  completed = 4,
  failed = 5,     // ended without success and without a dead letter
  cancelled = 6,  // ended by its owner
  dlq = 7,        // dead letter
};
inline constexpr std::size_t kStatusCount = 8;
inline constexpr std::array<Status, kStatusCount> kStatuses{
    Status::scheduled, Status::blocked, Status::unprocessed, Status::processing,
    Status::completed, Status::failed,  Status::cancelled,   Status::dlq};

// "unprocessed": the public word.
std::string_view to_string(Status status);
std::optional<Status> parse_status(std::string_view word);
constexpr std::size_t index_of(Status status) {
  return static_cast<std::size_t>(status);
}
// completed, failed, cancelled and dlq.
constexpr bool is_finished(Status status) {
  return status >= Status::completed;
}

// Why a job changes its status.
enum class Cause : std::uint8_t {
  submit,     // a new job
  due,        // run_at or the end of a backoff is reached
  promote,    // an operator runs it now
  lease,      // a worker takes it
  complete,   // the worker succeeded
  fail,       // the worker failed, or the lease expired
  release,    // the worker gives it back, the attempt is not counted
  cancel,     // an owner ends it
  retry,      // an operator runs a finished job again, or redrives a dead letter
  remove,     // deleted by an operator or purged
  retention,  // kept long enough
  edit,       // its owner changes when it runs
  parents,    // the jobs it depends on ended
  expire,     // it had not begun by its expires_at
};
std::string_view to_string(Cause cause);

// An edge of the diagram. No `from`: the job comes into being; no `to`: it is forgotten.
struct Transition {
  std::optional<Status> from;
  std::optional<Status> to;
  Cause cause;
};

// Every transition there is.
std::span<const Transition> transitions();
bool is_transition(std::optional<Status> from, std::optional<Status> to, Cause cause);

}  // namespace weir::jobs
