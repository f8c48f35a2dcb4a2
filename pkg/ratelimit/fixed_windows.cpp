#include "pkg/ratelimit/fixed_windows.hpp"

#include <algorithm>

namespace weir::ratelimit {

FixedWindows::Window& FixedWindows::window_of(std::string_view subject, Millis length,
                                              MonoTime now) {
  if (const auto found = by_subject_.find(subject); found != by_subject_.end()) {
    Window& window = *found->second;
    if (now - window.began >= length) {
      window.began = now;
      window.used = 0;
      windows_.splice(windows_.end(), windows_, found->second);
    }
    return window;
  }
  if (windows_.size() >= kSubjects) {
    by_subject_.erase(windows_.front().subject);
    windows_.pop_front();
  }
  windows_.push_back({.subject = std::string(subject), .began = now});
  by_subject_.emplace(windows_.back().subject, std::prev(windows_.end()));
  return windows_.back();
}

Verdict FixedWindows::take(std::string_view subject, const Allowance& allowance, MonoTime now) {
  const std::lock_guard lock(mutex_);
  Window& window = window_of(subject, allowance.window, now);
  const bool allowed = window.used < allowance.limit;
  if (allowed) ++window.used;
  const auto left = std::chrono::ceil<Millis>(window.began + allowance.window - now);
  return {.allowed = allowed,
          .limit = allowance.limit,
          .remaining = std::max<std::int64_t>(allowance.limit - window.used, 0),
          .resets_in = std::max(left, Millis{1})};
}

std::size_t FixedWindows::size() const {
  const std::lock_guard lock(mutex_);
  return windows_.size();
}

}  // namespace weir::ratelimit
