// Recent: what was written here lately, by key: a guess at what stands in the bucket now, so that a
// write can say what it replaced without reading first. A guess is never believed: the write that
// uses it names the revision that it guesses, and the bucket refuses it when that is not the
// newest.
//
// Bounded in entries; long values are not kept. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir::kv {

class Recent {
 public:
  static constexpr std::size_t kMostEntries = 4096;
  static constexpr std::size_t kLongestValue = 2048;

  struct Written {
    std::string key;
    std::string value;  // JSON
    std::uint64_t revision = 0;
  };

  std::optional<Written> find(std::string_view key);
  // Keeps the newest revision of a key.
  void remember(std::string_view key, std::string_view value, std::uint64_t revision);
  void forget(std::string_view key);

 private:
  using Entries = std::list<Written>;

  void drop(Entries::iterator entry);

  std::mutex mutex_;
  Entries entries_;  // under mutex; the one used last is last
  std::unordered_map<std::string_view, Entries::iterator> by_key_;  // under mutex
};

}  // namespace weir::kv
