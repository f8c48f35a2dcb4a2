#include "pkg/replica/held_answers.hpp"

#include <algorithm>

namespace weir::replica {

void HeldAnswers::add(std::uint64_t place, MonoTime until, std::string body, ReplyHandler done) {
  const std::size_t bytes = body.size();
  bytes_ += bytes;
  held_.push_back({place, until, std::move(done),
                   Reply{.json = std::move(body), .revision = 0, .kept = true}, bytes});
}

bool HeldAnswers::awaits(std::uint64_t first, std::uint64_t count) const {
  const auto at = std::ranges::lower_bound(held_, first, {}, &Held::place);
  return at != held_.end() && at->place < first + count;
}

void HeldAnswers::applied(std::uint64_t first, Revision revision,
                          std::span<Result<std::string>> replies) {
  auto at = std::ranges::lower_bound(held_, first, {}, &Held::place);
  for (; at != held_.end() && at->place < first + replies.size(); ++at) {
    auto& reply = replies[at->place - first];
    at->reply = reply ? Result<Reply>(Reply{std::move(*reply), revision})
                      : Result<Reply>(std::move(reply).error());
  }
}

std::optional<MonoTime> HeldAnswers::next_end() const {
  if (held_.empty()) return std::nullopt;
  return held_.front().until;
}

Completions HeldAnswers::take_over(MonoTime now) {
  Completions out;
  while (!held_.empty() && held_.front().until <= now) take_first(out);
  return out;
}

Completions HeldAnswers::take_all() {
  Completions out;
  while (!held_.empty()) take_first(out);
  return out;
}

void HeldAnswers::take_first(Completions& out) {
  auto& first = held_.front();
  bytes_ -= first.bytes;
  out.push_back({std::move(first.done), std::move(first.reply)});
  held_.pop_front();
}

}  // namespace weir::replica
