#include "api/core/live_keys.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace weir::api {
namespace {

constexpr Millis kPeriod{1'000};
constexpr std::string_view kNoHash = "revoked";  // of a key that ended on the way here

const http::SubscriberQueue::Frame& last_event() {
  static const auto frame = std::make_shared<const std::string>(http::event_frame(
      {.type = "unauthorized",
       .data = R"({"reason":"bad_api_key","message":"the API key is no longer valid"})"}));
  return frame;
}

}  // namespace

void LiveKeys::add(const auth::Principal& principal, std::weak_ptr<void> who,
                   std::function<void()> end) {
  if (principal.key_id.empty()) return;
  auto hash = parts_.keys.live_hash(principal.key_id, parts_.clock.wall());
  const std::lock_guard lock(mutex_);
  connected_.push_back({principal.key_id, std::move(hash).value_or(std::string(kNoHash)),
                        std::move(who), std::move(end)});
}

void LiveKeys::add(const auth::Principal& principal, const http::EventStream& stream) {
  const std::weak_ptr<http::SubscriberQueue> queue = stream.queue();
  add(principal, queue, [queue] {
    const auto open = queue.lock();
    if (open == nullptr) return;
    open->push(last_event());
    open->finish();
  });
}

std::vector<LiveKeys::Connected> LiveKeys::take_ended() {
  const auto now = parts_.clock.wall();
  std::unordered_map<std::string, std::optional<std::string>> hashes;  // by key, as of now
  const std::lock_guard lock(mutex_);
  const auto lives_on = [&](const Connected& one) {
    auto [at, fresh] = hashes.try_emplace(one.key_id);
    if (fresh) at->second = parts_.keys.live_hash(one.key_id, now);
    return at->second == one.hash;
  };
  std::erase_if(connected_, [](const Connected& one) { return one.who.expired(); });
  const auto ended = std::partition(connected_.begin(), connected_.end(), lives_on);
  std::vector<Connected> out(std::make_move_iterator(ended),
                             std::make_move_iterator(connected_.end()));
  connected_.erase(ended, connected_.end());
  return out;
}

void LiveKeys::look() {
  // While the state is built anew, so are the keys.
  if (!parts_.instance.resyncing()) {
    for (const auto& one : take_ended()) one.end();
  }
  parts_.timers.set(parts_.clock.mono() + kPeriod, [this] { look(); });
}

}  // namespace weir::api
