// Remembered: the answers of commands by request id, so that a repeated request does nothing again.
// A request that comes while the first one still runs waits for that one's answer. Errors are not
// remembered: whoever repeats after one means it. Bounded in entries and bytes, the oldest go
// first. Of this coordinator only. Thread-safe; replies run outside of its lock.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/rpc/command.hpp"
#include "pkg/base/clock.hpp"

namespace weir::rpc {

inline constexpr std::chrono::minutes kRememberFor{2};

class Remembered {
 public:
  struct Limits {
    std::size_t entries = 100'000;
    std::size_t bytes = 64U << 20U;
  };
  explicit Remembered(const Clock& clock) : Remembered(clock, Limits{}) {}
  Remembered(const Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

  // Empty: the answer was or will be given to `reply`. Otherwise the caller runs the command and
  // gives its answer to the returned Reply, which remembers it and passes it on.
  std::optional<Reply> begin(const std::string& id, Reply reply);

  std::size_t entries() const;
  std::size_t bytes() const;

 private:
  struct Entry {
    std::optional<std::string> answer;  // empty while it runs
    std::vector<Reply> waiting;
    MonoTime until{};  // of an answer
  };
  void finish(const std::string& id, Result<std::string> answer);
  void forget_old();  // with the lock held

  const Clock& clock_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;       // guarded by mutex_
  std::deque<std::pair<MonoTime, std::string>> by_age_;  // guarded by mutex_: answered ones
  std::size_t bytes_ = 0;                                // guarded by mutex_
};

}  // namespace weir::rpc
