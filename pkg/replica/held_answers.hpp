// HeldAnswers: answers to operations that stand in the outbox while the log takes entries again.
// Whoever submits as fast as he is answered is so slowed down to what the outbox can hand over: it
// becomes empty although he goes on. An answer is given when the outbox is empty or its time is
// over; it is what the state machine said, or Reply::kept when that is not known.
//
// Not thread-safe; handlers are handed out, not called, so that nobody is called under a lock.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>

#include "pkg/replica/proposer_core.hpp"

namespace weir::replica {

class HeldAnswers {
 public:
  struct Bounds {
    std::size_t answers = 10'000;
    std::size_t bytes = 64U << 20U;  // of the bodies
  };

  explicit HeldAnswers(Bounds bounds) : bounds_(bounds) {}

  // Otherwise it is answered at once.
  bool has_room(const std::string& body) const {
    return held_.size() < bounds_.answers && bytes_ + body.size() <= bounds_.bytes;
  }
  // Operations are counted as they are written into the outbox; `place` grows from call to call,
  // and so does `until`.
  void add(std::uint64_t place, MonoTime until, std::string body, ReplyHandler done);

  // Of the operations from place `first` on, `count` of them: whether anyone waits for one.
  bool awaits(std::uint64_t first, std::uint64_t count) const;
  // They were applied, with these answers.
  void applied(std::uint64_t first, Revision revision, std::span<Result<std::string>> replies);

  std::optional<MonoTime> next_end() const;
  Completions take_over(MonoTime now);  // whose time is over
  Completions take_all();

 private:
  struct Held {
    std::uint64_t place = 0;
    MonoTime until{};
    ReplyHandler done;
    Result<Reply> reply;  // Reply::kept until it is applied
    std::size_t bytes = 0;
  };
  void take_first(Completions& out);

  const Bounds bounds_;
  std::deque<Held> held_;
  std::size_t bytes_ = 0;
};

}  // namespace weir::replica
