// Picker: which ready job of a queue is next, and how many may be leased now.
//
// The order: the highest priority; inside it the keys take turns (jobs without a key are one of
// them); inside a key the order of submission. With aging, a job counts as submitted
// priority * aging_ms earlier and the earliest goes first: that order never changes with time, so
// nothing is rewritten while jobs wait. A queue without keys and aging is one walk of an index.
//
// Every answer depends on the tables and the time of the entry alone. O(log n).
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "jobs/step.hpp"

namespace weir::jobs {

class Picker {
 public:
  Picker(Step& step, Queue& queue) : step_(step), queue_(queue) {}

  // How many jobs may be leased now by the limits of the queue and the limit of all; when a rate
  // says none, the queue is due again when the token comes.
  std::int64_t room() const;
  // The ready jobs can be leased in the order of the index.
  bool plain() const { return !queue_.has_lanes() && queue_.config.aging_ms == 0; }

  // The head of a lane.
  struct Choice {
    std::int64_t priority = 0;
    std::optional<std::string_view> key;  // none: jobs without a key; lives as long as its lane
    std::int64_t row = 0;                 // of the head, when it was looked at
  };
  // Whose job is next; nothing when no job may run. Lease it before the next call.
  std::optional<Choice> next();

 private:
  struct Head {
    std::int64_t turn = -1;  // of its lane
    std::int64_t since = 0;
    std::int64_t row = 0;
  };

  std::optional<Choice> candidate(std::size_t priority, std::int64_t& turn) const;
  std::int64_t since(Choice& choice, std::int64_t turn);

  Step& step_;
  Queue& queue_;
  std::array<Head, kPriorities> heads_{};  // what since() read before
};

}  // namespace weir::jobs
