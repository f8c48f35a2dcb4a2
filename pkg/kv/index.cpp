#include "pkg/kv/index.hpp"

#include <algorithm>

#include "pkg/base/base64.hpp"
#include "pkg/kv/glob.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::kv {
namespace {

// The newest messages of a bucket may be gone (ended, removed): then none is coming.
constexpr Millis kAskAfter{50};

}  // namespace

Index::Index(Store store, const Clock& clock) : store_(std::move(store)), clock_(clock) {
  nats::OrderedOptions options;
  options.headers_only = true;
  options.last_per_subject = true;
  consumer_ = nats::OrderedConsumer::start(
      store_.bucket().jetstream().shared_connection(), store_.bucket().stream(), std::move(options),
      [this](const nats::OrderedMessage& message) { heard(message); });
}

Index::~Index() {
  consumer_.reset();
}

void Index::heard(const nats::OrderedMessage& message) {
  const auto prefix = store_.bucket().subject("").size();
  auto key = decode_key(std::string_view(message.subject).substr(prefix));
  const auto mark = nats::mark_of(message.headers);
  const auto expires = expiry_of(message.headers, message.time_ns, store_.info().config);
  const std::lock_guard lock(mutex_);
  seen_ = std::max(seen_, message.sequence);
  const auto found = slots_.find(key);
  if (found != slots_.end()) drop(found);
  if (mark == nats::Mark::value) {
    if (slots_.size() < kMaxIndexedKeys) {
      if (expires) endings_.emplace(*expires, key);
      slots_.emplace(std::move(key), Slot{message.sequence, expires});
    } else {
      too_many_ = true;
    }
  }
  changed_.notify_all();
}

void Index::drop(Slots::iterator slot) {
  if (slot->second.expires_at) endings_.erase({*slot->second.expires_at, slot->first});
  slots_.erase(slot);
}

Result<void> Index::sync(Millis wait) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  WEIR_ASSIGN(const auto info, store_.bucket().info());
  if (info.created != store_.info().created) {
    return Error{Code::not_found, "stream_not_found", "The stream does not exist",
                 "the bucket was made anew"};
  }
  std::unique_lock lock(mutex_);
  const auto is_there = [&] { return seen_ >= info.last_revision; };
  while (!changed_.wait_until(
      lock, std::min(deadline, std::chrono::steady_clock::now() + kAskAfter), is_there)) {
    const auto from = seen_ + 1;
    lock.unlock();
    WEIR_ASSIGN(const auto next, store_.bucket().next(">", from));
    lock.lock();
    if (!next) {
      seen_ = std::max(seen_, info.last_revision);
    } else if (std::chrono::steady_clock::now() >= deadline) {
      return Error{Code::unavailable, "index_behind",
                   "The keys of the bucket are still being read.",
                   "bucket: " + info.name + "; read to revision " + std::to_string(seen_) + " of " +
                       std::to_string(info.last_revision)};
    }
  }
  if (!too_many_) return {};
  return Error{Code::out_of_space, "too_many_keys_in_bucket",
               "The bucket holds more keys than can be listed.",
               "at most " + std::to_string(kMaxIndexedKeys)};
}

Page Index::page(std::string_view prefix, std::string_view after, std::size_t limit,
                 std::string_view pattern) const {
  const auto now = clock_.wall();
  const std::lock_guard lock(mutex_);
  Page page;
  auto slot =
      after >= prefix && !after.empty() ? slots_.upper_bound(after) : slots_.lower_bound(prefix);
  for (; slot != slots_.end() && slot->first.starts_with(prefix); ++slot) {
    if (!lists(slot->second, now)) continue;
    if (!pattern.empty() && !matches_glob(pattern, slot->first)) continue;
    if (page.keys.size() == limit) {
      page.more = true;
      break;
    }
    page.keys.push_back(slot->first);
  }
  return page;
}

std::size_t Index::live() const {
  const auto now = clock_.wall();
  const std::lock_guard lock(mutex_);
  auto ended = endings_.begin();
  std::size_t count = 0;
  for (; ended != endings_.end() && ended->first <= now; ++ended) ++count;
  return slots_.size() - count;
}

std::vector<Index::Ended> Index::take_ended(std::size_t limit) {
  const auto now = clock_.wall();
  const std::lock_guard lock(mutex_);
  std::vector<Ended> ended;
  while (ended.size() < limit && !endings_.empty() && endings_.begin()->first <= now) {
    const auto slot = slots_.find(endings_.begin()->second);
    ended.push_back({slot->first, slot->second.revision});
    drop(slot);
  }
  return ended;
}

bool Index::has_endings() const {
  const std::lock_guard lock(mutex_);
  return !endings_.empty();
}

std::string cursor_of(std::string_view key) {
  return base64_encode(key);
}

std::optional<std::string> cursor_key(std::string_view cursor) {
  return base64_decode(cursor);
}

}  // namespace weir::kv
