// FixedWindows: counts requests per subject (a key, an address) in windows of fixed length. A
// window begins with the subject's first request in it; when it is over, the next request begins
// another one. So a subject may use up two allowances around the end of a window, never more.
//
// Remembers at most kSubjects; over that, the window that began first is forgotten. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pkg/base/clock.hpp"

namespace weir::ratelimit {

struct Allowance {
  std::int64_t limit = 0;  // requests in each window, at least 1
  Millis window{60'000};

  bool operator==(const Allowance&) const = default;
};

struct Verdict {
  bool allowed = true;
  std::int64_t limit = 0;
  std::int64_t remaining = 0;  // in this window, after this request
  Millis resets_in{0};         // until the window ends, more than 0
};

class FixedWindows {
 public:
  static constexpr std::size_t kSubjects = 65'536;

  // Counts one request, unless the allowance is used up. Another allowance than before for the same
  // subject counts from now on, in the same window.
  Verdict take(std::string_view subject, const Allowance& allowance, MonoTime now);
  std::size_t size() const;

 private:
  struct Window {
    std::string subject;
    MonoTime began;
    std::int64_t used = 0;
  };
  using Windows = std::list<Window>;

  Window& window_of(std::string_view subject, Millis length, MonoTime now);

  mutable std::mutex mutex_;
  Windows windows_;  // under mutex; the one that began first is first
  std::unordered_map<std::string_view, Windows::iterator> by_subject_;  // under mutex
};

}  // namespace weir::ratelimit
