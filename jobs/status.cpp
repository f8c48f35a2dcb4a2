#include "jobs/status.hpp"

#include <algorithm>

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, kStatusCount> kStatusWords{
    "scheduled", "blocked", "unprocessed", "processing", "completed", "failed", "cancelled", "dlq"};

constexpr std::array<std::string_view, 14> kCauseWords{
    "submit", "due",   "promote", "lease",     "complete", "fail",    "release",
    "cancel", "retry", "remove",  "retention", "edit",     "parents", "expire"};

constexpr std::optional<Status> kNone = std::nullopt;

constexpr std::array kTransitions{
    Transition{kNone, Status::scheduled, Cause::submit},
    Transition{kNone, Status::unprocessed, Cause::submit},
    Transition{kNone, Status::blocked, Cause::submit},
    Transition{Status::blocked, Status::scheduled, Cause::parents},
    Transition{Status::blocked, Status::unprocessed, Cause::parents},
    Transition{Status::blocked, Status::failed, Cause::parents},
    Transition{Status::blocked, Status::completed, Cause::parents},
    Transition{Status::blocked, Status::cancelled, Cause::cancel},
    Transition{Status::blocked, kNone, Cause::remove},
    Transition{Status::scheduled, Status::unprocessed, Cause::due},
    Transition{Status::scheduled, Status::unprocessed, Cause::promote},
    Transition{Status::scheduled, Status::unprocessed, Cause::edit},
    Transition{Status::unprocessed, Status::scheduled, Cause::edit},
    Transition{Status::blocked, Status::failed, Cause::expire},
    Transition{Status::scheduled, Status::failed, Cause::expire},
    Transition{Status::unprocessed, Status::failed, Cause::expire},
    Transition{Status::scheduled, Status::cancelled, Cause::cancel},
    Transition{Status::scheduled, kNone, Cause::remove},
    Transition{Status::unprocessed, Status::processing, Cause::lease},
    Transition{Status::unprocessed, Status::cancelled, Cause::cancel},
    Transition{Status::unprocessed, kNone, Cause::remove},
    Transition{Status::processing, Status::completed, Cause::complete},
    Transition{Status::processing, Status::scheduled, Cause::fail},
    Transition{Status::processing, Status::unprocessed, Cause::fail},
    Transition{Status::processing, Status::failed, Cause::fail},
    Transition{Status::processing, Status::dlq, Cause::fail},
    Transition{Status::processing, Status::unprocessed, Cause::release},
    Transition{Status::processing, Status::scheduled, Cause::release},
    Transition{Status::processing, Status::cancelled, Cause::cancel},
    Transition{Status::failed, Status::unprocessed, Cause::retry},
    Transition{Status::cancelled, Status::unprocessed, Cause::retry},
    Transition{Status::dlq, Status::unprocessed, Cause::retry},
    Transition{Status::failed, Status::blocked, Cause::retry},
    Transition{Status::cancelled, Status::blocked, Cause::retry},
    Transition{Status::dlq, Status::blocked, Cause::retry},
    Transition{Status::completed, kNone, Cause::remove},
    Transition{Status::failed, kNone, Cause::remove},
    Transition{Status::cancelled, kNone, Cause::remove},
    Transition{Status::dlq, kNone, Cause::remove},
    Transition{Status::completed, kNone, Cause::retention},
    Transition{Status::failed, kNone, Cause::retention},
    Transition{Status::cancelled, kNone, Cause::retention},
};

// One bit for each cause of each pair of statuses, so that the check costs one load.
constexpr std::size_t slot(std::optional<Status> status) {
  return status ? index_of(*status) : kStatusCount;
}
using Table = std::array<std::array<std::uint16_t, kStatusCount + 1>, kStatusCount + 1>;
constexpr Table kTable = [] {
  Table table{};
  for (const auto& edge : kTransitions) {
    auto& bits = table[slot(edge.from)][slot(edge.to)];
    bits = static_cast<std::uint16_t>(bits | (1U << static_cast<unsigned>(edge.cause)));
  }
  return table;
}();

}  // namespace

std::string_view to_string(Status status) {
  return kStatusWords[index_of(status)];
}

std::optional<Status> parse_status(std::string_view word) {
  const auto found = std::find(kStatusWords.begin(), kStatusWords.end(), word);
  if (found == kStatusWords.end()) return std::nullopt;
  return static_cast<Status>(found - kStatusWords.begin());
}

std::string_view to_string(Cause cause) {
  return kCauseWords[static_cast<std::size_t>(cause)];
}

std::span<const Transition> transitions() {
  return kTransitions;
}

bool is_transition(std::optional<Status> from, std::optional<Status> to, Cause cause) {
  const unsigned causes = kTable[slot(from)][slot(to)];
  return ((causes >> static_cast<unsigned>(cause)) & 1U) != 0;
}

}  // namespace weir::jobs
