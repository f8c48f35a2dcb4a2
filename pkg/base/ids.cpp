#include "pkg/base/ids.hpp"

#include <sys/random.h>

#include <array>

#include "pkg/base/assert.hpp"

namespace weir {
namespace {

constexpr char kHex[] = "0123456789abcdef";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

std::uint64_t SystemRandom::next() {
  thread_local std::array<std::uint64_t, 32> buffer;
  thread_local std::size_t left = 0;
  if (left == 0) {
    WEIR_ASSERT(::getrandom(buffer.data(), sizeof buffer, 0) ==
                static_cast<ssize_t>(sizeof buffer));
    left = buffer.size();
  }
  return buffer[--left];
}

std::uint64_t mix64(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t out = mix64(state_);
  state_ += 0x9e3779b97f4a7c15ULL;
  return out;
}

std::string UuidGenerator::next() {
  const auto now_ms = static_cast<std::uint64_t>(to_unix_ms(clock_.wall()));
  std::uint64_t seen = last_.load();
  std::uint64_t mine = 0;
  do {
    const std::uint64_t fresh = now_ms << 12;
    mine = fresh > seen ? fresh : seen + 1;
  } while (!last_.compare_exchange_weak(seen, mine));

  const std::uint64_t high = ((mine >> 12) << 16) | 0x7000U | (mine & 0xfffU);
  const std::uint64_t low = (random_.next() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
  std::string out(36, '-');
  std::size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (at == 8 || at == 13 || at == 18 || at == 23) ++at;
    const std::uint64_t word = nibble < 16 ? high : low;
    out[at++] = kHex[(word >> (60 - 4 * (nibble % 16))) & 0xfU];
  }
  return out;
}

std::string random_hex(Random& random, std::size_t digits) {
  std::string out;
  out.reserve(digits);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (i % 16 == 0) word = random.next();
    out += kHex[word & 0xfU];
    word >>= 4;
  }
  return out;
}

bool is_valid_id(std::string_view text) {
  if (text.empty() || text.size() > 128) return false;
  for (const char c : text) {
    if (!is_word(c) && c != '.' && c != ':') return false;
  }
  return true;
}

bool is_valid_name(std::string_view text) {
  if (text.empty() || text.size() > 128 || text.front() == '.' || text.back() == '.') return false;
  char before = 0;
  for (const char c : text) {
    if (!is_word(c) && c != '.') return false;
    if (c == '.' && before == '.') return false;
    before = c;
  }
  return true;
}

}  // namespace weir
