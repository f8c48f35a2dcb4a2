#include "pkg/nats/feed.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"

namespace weir::nats {
namespace {

constexpr std::size_t kRecentChanges = 4096;
constexpr std::size_t kRecentBytes = 4U << 20U;
constexpr std::uint64_t kBeginBefore = 1024;  // revisions before the newest that a feed begins with
constexpr std::size_t kPageRecords = 256;     // read for one watcher before the next has its turn
constexpr Millis kPause{500};                 // when NATS does not answer

std::size_t bytes_of(const Change& change) {
  return sizeof(Change) + change.key.size() + change.id.size() + change.json.size();
}

bool wants(const WatchRequest& request, std::string_view key) {
  return request.key.empty() ? key.starts_with(request.prefix) : key == request.key;
}

std::string id_of(std::uint64_t revision, const std::string& made) {
  return std::to_string(revision) + "-" + made;
}

}  // namespace

struct Feed::Watching {
  WatchRequest request;
  std::uint64_t ready_at = 0;
  std::shared_ptr<Watcher> watcher;
  // Guarded by the feed's mutex. A watcher that is live gets what is heard.
  bool live = false;
  bool gone = false;
  bool told_reset = false;
  bool told_ready = false;
  std::uint64_t position = 0;  // has everything up to here
  std::uint64_t unread = 0;    // heard for it since it was live
};

std::string made_text(std::string_view created) {
  const auto time = parse_rfc3339(created);
  std::array<char, 17> digits{};
  const auto ms = time ? static_cast<std::uint64_t>(to_unix_ms(*time)) : 0;
  const auto [end, problem] = std::to_chars(digits.data(), digits.data() + digits.size(), ms, 16);
  return {digits.data(), problem == std::errc{} ? end : digits.data()};
}

std::optional<Position> parse_position(std::string_view text, std::string_view made,
                                       std::uint64_t last_revision) {
  Position out;
  const auto* last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data(), last, out.revision);
  if (problem != std::errc{}) return std::nullopt;
  if (end == last) {
    out.other_stream = out.revision > last_revision;
    return out;
  }
  if (*end != '-') return std::nullopt;
  out.other_stream = std::string_view(end + 1, static_cast<std::size_t>(last - end - 1)) != made;
  return out;
}

std::shared_ptr<Feed> Feed::open(FeedSource source, std::uint64_t last_revision) {
  const auto from = last_revision > kBeginBefore ? last_revision - kBeginBefore + 1 : 1;
  const std::shared_ptr<Feed> feed(new Feed(std::move(source), from));
  const auto& bucket = feed->source_.bucket;
  feed->consumer_ = OrderedConsumer::start(
      bucket.jetstream().shared_connection(), bucket.stream(), OrderedOptions{.from = from},
      [self = feed.get()](const OrderedMessage& message) { self->heard(message); });
  feed->reader_ = std::thread([self = feed.get()] { self->read_loop(); });
  return feed;
}

Feed::Feed(FeedSource source, std::uint64_t from)
    : source_(std::move(source)), recent_after_(from - 1), heard_to_(from - 1) {}

Change Feed::change_of(BucketRecord record) const {
  auto change = source_.change_of(std::move(record));
  change.id = id_of(change.revision, source_.made);
  return change;
}

Watcher::Taken Feed::tell(const Watching& watching, std::string_view operation,
                          std::uint64_t revision) const {
  const auto dropped = operation == "lagged" ? watching.unread : 0;
  json::Writer out;
  out.begin_object().member("revision", revision).member("operation", operation);
  if (dropped > 0) out.member("dropped", dropped);
  return watching.watcher->take({.revision = revision,
                                 .key = {},
                                 .id = id_of(revision, source_.made),
                                 .operation = std::string(operation),
                                 .json = out.end_object().take(),
                                 .dropped = dropped});
}

// --- live ----------------------------------------------------------------------------------------

Watcher::Taken Feed::give(Watching& watching, const Change& change) const {
  if (watching.gone) return Watcher::Taken::gone;
  auto taken = Watcher::Taken::yes;
  if (wants(watching.request, change.key)) taken = watching.watcher->take(change);
  if (taken == Watcher::Taken::yes) {
    watching.position = change.revision;
    // Read before it was heard, it is not counted then.
    const bool counted = watching.unread > 0 && change.revision <= heard_to_;
    if (counted && wants(watching.request, change.key)) --watching.unread;
  }
  if (taken == Watcher::Taken::gone) watching.gone = true;
  return taken;
}

void Feed::heard(const OrderedMessage& message) {
  BucketRecord record;
  record.key =
      message.subject.substr(std::min(source_.bucket.subject("").size(), message.subject.size()));
  record.value = message.data;
  record.headers = message.headers;
  record.mark = mark_of(message.headers);
  record.revision = message.sequence;
  record.time_ns = message.time_ns;
  const auto change = std::make_shared<const Change>(change_of(std::move(record)));
  std::vector<WatchingPtr> full;
  {
    const std::lock_guard lock(mutex_);
    heard_to_ = change->revision;
    recent_bytes_ += bytes_of(*change);
    recent_.push_back(change);
    while (recent_.size() > kRecentChanges || recent_bytes_ > kRecentBytes) {
      recent_after_ = recent_.front()->revision;
      recent_bytes_ -= bytes_of(*recent_.front());
      recent_.pop_front();
    }
    for (const auto& watching : all_) {
      if (change->revision <= watching->position) continue;
      if (!watching->live) {
        if (watching->told_ready && wants(watching->request, change->key)) ++watching->unread;
        continue;
      }
      const auto taken = give(*watching, *change);
      watching->live = taken == Watcher::Taken::yes;
      watching->unread = watching->live ? 0 : 1;
      if (taken == Watcher::Taken::full) full.push_back(watching);
    }
    std::erase_if(all_, [](const auto& watching) { return watching->gone; });
  }
  for (const auto& watching : full) wait_for_room(watching);
}

void Feed::wait_for_room(const WatchingPtr& watching) {
  watching->watcher->on_room([weak = weak_from_this(), watching] {
    const auto self = weak.lock();
    if (!self) return;
    const std::lock_guard lock(self->mutex_);
    self->read_later(watching);
  });
}

// --- behind --------------------------------------------------------------------------------------

void Feed::read_later(const WatchingPtr& watching) {
  behind_.push_back(watching);
  wake_.notify_all();
}

// Live from here on, if it has everything up to what the feed keeps.
Feed::Joined Feed::join(Watching& watching) {
  const bool complete = std::max(watching.position, heard_to_) >= watching.ready_at;
  if (watching.position < recent_after_ || !complete) return Joined::behind;
  const auto next = std::ranges::upper_bound(recent_, watching.position, {},
                                             [](const auto& change) { return change->revision; });
  auto taken = Watcher::Taken::yes;
  for (auto each = next; each != recent_.end() && taken == Watcher::Taken::yes; ++each) {
    taken = give(watching, **each);
  }
  if (taken == Watcher::Taken::yes && !watching.told_ready) {
    const auto revision = std::max(watching.position, watching.ready_at);
    taken = tell(watching, "ready", revision);
    watching.told_ready = taken == Watcher::Taken::yes;
  }
  if (taken == Watcher::Taken::yes && watching.unread > 0 && watching.request.tell_dropped) {
    taken = tell(watching, "lagged", watching.position);
  }
  if (taken == Watcher::Taken::full) return Joined::full;
  if (taken == Watcher::Taken::gone) return Joined::gone;
  watching.unread = 0;
  watching.live = true;
  return Joined::yes;
}

bool Feed::read_on(const WatchingPtr& watching) {
  const auto& name = watching->request.name;
  const std::string filter = name.empty() ? ">" : name;
  for (std::size_t records = 0; records < kPageRecords; ++records) {
    std::uint64_t from = 0;
    std::uint64_t nothing_to = 0;
    {
      const std::lock_guard lock(mutex_);
      if (watching->gone || stopped_) return true;
      auto joined = Joined::behind;
      if (watching->request.reset && !watching->told_reset) {
        const auto taken = tell(*watching, "reset", 0);
        if (taken == Watcher::Taken::full) joined = Joined::full;
        watching->told_reset = taken == Watcher::Taken::yes;
      }
      if (joined == Joined::behind) joined = join(*watching);
      if (joined == Joined::gone) forget(*watching);
      if (joined == Joined::yes || joined == Joined::gone) return true;
      from = joined == Joined::full ? 0 : watching->position + 1;
      nothing_to = std::max(recent_after_, watching->ready_at);
    }
    if (from == 0) {
      wait_for_room(watching);
      return true;
    }
    auto record = source_.bucket.next(filter, from);
    if (!record) {
      if (record.error().reason != "stream_not_found") return false;
      {
        const std::lock_guard lock(mutex_);
        if (watching->gone) return true;
        forget(*watching);
      }
      watching->watcher->ended();
      return true;
    }
    auto taken = Watcher::Taken::yes;
    {
      const std::lock_guard lock(mutex_);
      if (*record) {
        taken = give(*watching, change_of(std::move(**record)));
      } else {
        watching->position = std::max(watching->position, nothing_to);
      }
      if (taken == Watcher::Taken::gone) forget(*watching);
    }
    if (taken == Watcher::Taken::gone) return true;
    if (taken == Watcher::Taken::full) {
      wait_for_room(watching);
      return true;
    }
  }
  const std::lock_guard lock(mutex_);
  read_later(watching);
  return true;
}

void Feed::read_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopped_ || !behind_.empty(); });
    if (stopped_) return;
    const auto watching = std::move(behind_.front());
    behind_.pop_front();
    lock.unlock();
    const bool answered = read_on(watching);
    lock.lock();
    if (answered) continue;
    behind_.push_front(watching);
    wake_.wait_for(lock, kPause, [this] { return stopped_; });
  }
}

// --- who watches ---------------------------------------------------------------------------------

void Feed::watch(WatchRequest request, std::uint64_t last_revision,
                 std::shared_ptr<Watcher> watcher) {
  auto watching = std::make_shared<Watching>();
  watching->position = request.after;
  watching->request = std::move(request);
  watching->ready_at = last_revision;
  watching->watcher = std::move(watcher);
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) {
      all_.push_back(watching);
      read_later(watching);
      return;
    }
  }
  watching->watcher->ended();
}

// With the lock held.
void Feed::forget(Watching& watching) {
  watching.gone = true;
  watching.live = false;
  std::erase_if(all_, [&](const auto& each) { return each.get() == &watching; });
}

void Feed::remove(const Watcher* watcher) {
  WatchingPtr gone;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  const auto found =
      std::ranges::find_if(all_, [&](const auto& each) { return each->watcher.get() == watcher; });
  if (found == all_.end()) return;
  gone = *found;
  forget(*gone);
}

bool Feed::go_on_after(WatchRequest& request, std::string_view id,
                       std::uint64_t last_revision) const {
  const auto position = parse_position(id, source_.made, last_revision);
  if (!position) return false;
  request.reset = position->other_stream;
  request.after = position->other_stream ? 0 : position->revision;
  return true;
}

void Feed::stop() {
  std::vector<WatchingPtr> ended;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    ended.swap(all_);
    for (const auto& watching : ended) watching->gone = true;
    behind_.clear();
  }
  wake_.notify_all();
  for (const auto& watching : ended) watching->watcher->ended();
  consumer_.reset();
  if (reader_.joinable()) reader_.join();
}

std::size_t Feed::watchers_of(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      all_, [&](const auto& watching) { return wants(watching->request, key); }));
}

std::size_t Feed::keys_watched() const {
  const std::lock_guard lock(mutex_);
  std::unordered_set<std::string_view> keys;
  for (const auto& watching : all_) keys.insert(watching->request.key);
  keys.erase("");
  return keys.size();
}

std::size_t Feed::watchers() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

}  // namespace weir::nats
