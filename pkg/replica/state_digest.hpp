// StateDigest: a running hash of what applying the log does, cheap enough for every operation. Not
// cryptographic: it tells replicas that disagree by accident, not a forger.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::replica {

class StateDigest {
 public:
  explicit StateDigest(std::uint64_t value = 0) : value_(value) {}

  void mix(std::uint64_t word) {
    value_ = (value_ ^ word) * 0x9e3779b97f4a7c15U;
    value_ ^= value_ >> 29U;
  }
  // With its length: "ab" and "c" are not "a" and "bc".
  void mix(std::string_view text) {
    mix(std::uint64_t{text.size()});
    for (; text.size() >= 8; text.remove_prefix(8)) mix(word_of(text.substr(0, 8)));
    if (!text.empty()) mix(word_of(text));
  }
  std::uint64_t value() const { return value_; }

 private:
  static std::uint64_t word_of(std::string_view bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    return word;
  }

  std::uint64_t value_;
};

}  // namespace weir::replica
