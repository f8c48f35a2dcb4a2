// LineBuffer: lines of text on their way from a child's standard error to its job's log. Bounded:
// when more comes than can be sent, lines are dropped, counted, and one line says how many.
//
// Thread-safe: one thread adds, another one takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::cli {

class LineBuffer {
 public:
  struct Limits {
    std::size_t lines = 200;         // that wait
    std::size_t bytes = 32 << 10;    // that wait
    std::size_t line_bytes = 4'000;  // longer lines are cut
  };
  explicit LineBuffer(Limits limits) : limits_(limits) {}
  LineBuffer() : LineBuffer(Limits{}) {}

  // Text in whatever pieces it comes. Empty lines are left out.
  void add(std::string_view text, std::int64_t now_ms);
  // No more comes: what stands without a line break is a line too.
  void end(std::int64_t now_ms);

  bool empty() const;
  std::size_t bytes() const;
  // The oldest lines as a JSON array of {"at","message"}, at most `max_lines`; they stay until
  // sent().
  struct Batch {
    std::size_t lines = 0;
    std::string json;
  };
  Batch peek(std::size_t max_lines) const;
  void sent(std::size_t lines);

 private:
  struct Line {
    std::int64_t at_ms;
    std::string text;
  };
  void close_line(std::int64_t now_ms);  // under the lock

  const Limits limits_;
  mutable std::mutex mutex_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  std::string open_;          // the line that has no end yet
  std::int64_t dropped_ = 0;  // since the last line that was kept
};

}  // namespace weir::cli
