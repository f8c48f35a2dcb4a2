#include "cmd/weir/worker/line_buffer.hpp"

#include <algorithm>

#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {

void LineBuffer::add(std::string_view text, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto room = limits_.line_bytes - std::min(limits_.line_bytes, open_.size());
    open_.append(text.substr(0, std::min(end, room)));
    if (end == text.size()) return;
    close_line(now_ms);
    text.remove_prefix(end + 1);
  }
}

void LineBuffer::end(std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  close_line(now_ms);
  if (dropped_ == 0) return;
  lines_.push_back({now_ms, std::to_string(dropped_) + " lines were dropped"});
  bytes_ += lines_.back().text.size();
  dropped_ = 0;
}

void LineBuffer::close_line(std::int64_t now_ms) {
  while (open_.ends_with('\r')) open_.pop_back();
  std::string line;
  line.swap(open_);
  if (line.empty()) return;
  if (lines_.size() >= limits_.lines || bytes_ + line.size() > limits_.bytes) {
    ++dropped_;
    return;
  }
  if (dropped_ > 0) line = "(" + std::to_string(dropped_) + " lines were dropped) " + line;
  dropped_ = 0;
  bytes_ += line.size();
  lines_.push_back({now_ms, std::move(line)});
}

bool LineBuffer::empty() const {
  const std::lock_guard lock(mutex_);
  return lines_.empty();
}

std::size_t LineBuffer::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

LineBuffer::Batch LineBuffer::peek(std::size_t max_lines) const {
  const std::lock_guard lock(mutex_);
  Batch batch;
  json::Writer out(bytes_ + 64 * lines_.size());
  out.begin_array();
  for (const auto& line : lines_) {
    if (batch.lines == max_lines) break;
    ++batch.lines;
    out.begin_object()
        .member("at", from_unix_ms(line.at_ms))
        .member("message", line.text)
        .end_object();
  }
  batch.json = out.end_array().take();
  return batch;
}

void LineBuffer::sent(std::size_t lines) {
  const std::lock_guard lock(mutex_);
  for (; lines > 0 && !lines_.empty(); --lines) {
    bytes_ -= lines_.front().text.size();
    lines_.pop_front();
  }
}

}  // namespace weir::cli
