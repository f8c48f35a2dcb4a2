// A progress line on standard error, drawn only on a terminal and at most ten times a second. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "pkg/base/clock.hpp"

namespace weir::cli {

class Progress {
 public:
  // `total` is what `done` counts up to; 0 = unknown: no bar, only the count.
  Progress(std::string what, std::int64_t total);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::int64_t done, std::int64_t count);  // `count` is shown with its rate
  void finish();                                       // removes the line; idempotent

  // "[####    ]  50 %  1,000 jobs  2,000/s"
  static std::string line(const std::string& what, std::int64_t done, std::int64_t total,
                          std::int64_t count, double per_second);

 private:
  std::string what_;
  std::int64_t total_;
  bool terminal_;
  bool drawn_ = false;
  MonoTime start_;
  MonoTime next_;
};

}  // namespace weir::cli
