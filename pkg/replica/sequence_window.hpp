// SequenceWindow: which sequence numbers of one proposer were applied: the highest, and a bit for
// each of the 64 up to it. What lies further back counts as applied: a proposer has at most a few
// entries in flight, so such an entry was given up long ago. A plain value.
#pragma once

#include <cstdint>

namespace weir::replica {

class SequenceWindow {
 public:
  SequenceWindow() = default;
  SequenceWindow(std::uint64_t high, std::uint64_t bits) : high_(high), bits_(bits) {}

  // True when `sequence` is new; it is then marked as applied.
  bool admit(std::uint64_t sequence) {
    if (sequence > high_) {
      const std::uint64_t ahead = sequence - high_;
      bits_ = ahead >= 64 ? 0 : bits_ << ahead;
      bits_ |= 1U;
      high_ = sequence;
      return true;
    }
    const std::uint64_t behind = high_ - sequence;
    if (behind >= 64) return false;
    const std::uint64_t bit = std::uint64_t{1} << behind;
    if ((bits_ & bit) != 0) return false;
    bits_ |= bit;
    return true;
  }

  std::uint64_t high() const { return high_; }
  std::uint64_t bits() const { return bits_; }  // bit i: high - i was applied

 private:
  std::uint64_t high_ = 0;
  std::uint64_t bits_ = 0;
};

}  // namespace weir::replica
