// KeyAttempts: how many wrong API keys came from where lately, so that nobody can go on guessing.
//
// An address (of IPv6: its /64) may be wrong kBurst times, and then once every kRefill. Over that,
// keys from there are not looked at, but those whose ids were right from there since the first
// wrong one: behind one proxy a worker with an old key does not lock the others out. A wrong secret
// for such an id ends its privilege.
//
// Thread-safe. Costs one atomic read while nobody is wrong; remembers at most kAddresses.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pkg/base/clock.hpp"

namespace weir::api {

class KeyAttempts {
 public:
  static constexpr int kBurst = 10;
  static constexpr Millis kRefill{6'000};
  static constexpr std::size_t kAddresses = 4096;
  static constexpr std::size_t kGoodIds = 8;  // for each address

  // How long to wait before a key with this id is looked at; nothing when it may be now.
  std::optional<Millis> wait(std::string_view address, std::string_view key_id, MonoTime now);
  // What looking at it told. True when the address has just used up what it may.
  bool was_wrong(std::string_view address, std::string_view key_id, MonoTime now);
  void was_right(std::string_view address, std::string_view key_id);

  std::size_t addresses() const { return count_; }

 private:
  struct Entry {
    std::string address;
    MonoTime full_at;  // when nothing is held against it any more
    std::array<std::string, kGoodIds> good_ids = {};
    std::size_t next_good = 0;
  };
  using Entries = std::list<Entry>;

  Entry* find(std::string_view address);
  Entry& find_or_make(std::string_view address, MonoTime now);

  std::mutex mutex_;
  Entries entries_;  // under mutex; the one that was wrong last is last
  std::unordered_map<std::string, Entries::iterator> by_address_;  // under mutex
  std::atomic<std::size_t> count_{0};
};

}  // namespace weir::api
