#include "api/rpc/remembered.hpp"

namespace weir::rpc {

std::optional<Reply> Remembered::begin(const std::string& id, Reply reply) {
  std::string known;
  {
    const std::lock_guard lock(mutex_);
    forget_old();
    const auto [found, is_new] = entries_.try_emplace(id);
    if (is_new) {
      return [this, id, reply = std::move(reply)](Result<std::string> answer) {
        finish(id, answer);
        reply(std::move(answer));
      };
    }
    if (!found->second.answer) {
      found->second.waiting.push_back(std::move(reply));
      return std::nullopt;
    }
    known = *found->second.answer;
  }
  reply(std::move(known));
  return std::nullopt;
}

void Remembered::finish(const std::string& id, Result<std::string> answer) {
  std::vector<Reply> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    waiting = std::move(found->second.waiting);
    if (answer) {
      found->second.answer = *answer;
      found->second.waiting.clear();
      by_age_.emplace_back(clock_.mono() + kRememberFor, id);
      bytes_ += 2 * id.size() + answer->size();
    } else {
      entries_.erase(found);
    }
    forget_old();
  }
  for (const auto& reply : waiting) reply(answer);
}

void Remembered::forget_old() {
  const auto now = clock_.mono();
  while (!by_age_.empty() && (by_age_.front().first <= now || by_age_.size() > limits_.entries ||
                              bytes_ > limits_.bytes)) {
    const auto found = entries_.find(by_age_.front().second);
    bytes_ -= 2 * found->first.size() + found->second.answer->size();
    entries_.erase(found);
    by_age_.pop_front();
  }
}

std::size_t Remembered::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t Remembered::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace weir::rpc
