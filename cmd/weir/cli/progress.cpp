#include "cmd/weir/cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cmd/weir/cli/output.hpp"

namespace weir::cli {

Progress::Progress(std::string what, std::int64_t total)
    : what_(std::move(what)),
      total_(total),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      next_(start_) {}

void Progress::update(std::int64_t done, std::int64_t count) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + Millis{100};
  const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 0.001);
  const auto text = line(what_, done, total_, count, static_cast<double>(count) / seconds);
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  drawn_ = true;
}

void Progress::finish() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

std::string Progress::line(const std::string& what, std::int64_t done, std::int64_t total,
                           std::int64_t count, double per_second) {
  constexpr std::int64_t kWidth = 30;
  std::string out;
  if (total > 0) {
    const auto part = std::clamp<std::int64_t>(done, 0, total);
    const auto filled = static_cast<std::size_t>(part * kWidth / total);
    const auto percent = std::to_string(part * 100 / total);
    out = "[" + std::string(filled, '#') + std::string(kWidth - filled, ' ') + "] " +
          std::string(3 - percent.size(), ' ') + percent + " %  ";
  }
  return out + human_count(count) + " " + what + "  " +
         human_count(static_cast<std::int64_t>(per_second)) + "/s";
}

}  // namespace weir::cli
