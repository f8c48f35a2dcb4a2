#include "tests/support/history.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>

namespace weir::test {

const char* name_of(Act act) {
  switch (act) {
    case Act::submit:
      return "submit";
    case Act::lease:
      return "lease";
    case Act::complete:
      return "complete";
    case Act::fail:
      return "fail";
    case Act::release:
      return "release";
    case Act::heartbeat:
      return "heartbeat";
    case Act::read:
      return "read";
  }
  return "";
}

std::int64_t fence_of(const std::string& token) {
  const auto dot = token.find('.');
  std::int64_t fence = -1;
  if (dot == std::string::npos) return fence;
  std::from_chars(token.data() + dot + 1, token.data() + token.size(), fence, 36);
  return fence;
}

void History::add(Event event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

void History::add(std::vector<Event> events) {
  const std::lock_guard lock(mutex_);
  events_.insert(events_.end(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
}

std::vector<Event> History::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

std::size_t History::count(Act act, Told told) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(events_.begin(), events_.end(),
                    [&](const Event& event) { return event.act == act && event.told == told; }));
}

std::int64_t History::now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace weir::test
