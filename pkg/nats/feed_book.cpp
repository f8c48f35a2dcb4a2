#include "pkg/nats/feed_book.hpp"

namespace weir::nats {

void FeedBook::start() {
  const std::lock_guard lock(mutex_);
  stopped_ = false;
}

void FeedBook::stop() {
  Feeds ended;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    ended.swap(feeds_);
  }
  for (const auto& [name, kept] : ended) kept.feed->stop();
}

Result<std::shared_ptr<Feed>> FeedBook::get(std::string_view name, FeedSource source,
                                            std::uint64_t last_revision) {
  std::shared_ptr<Feed> before;
  std::shared_ptr<Feed> feed;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Error{Code::unavailable, "shutting_down", "The server stops.", ""};
    auto& kept = feeds_[std::string(name)];
    if (kept.feed && kept.feed->source().made != source.made) before = std::move(kept.feed);
    if (!kept.feed) kept.feed = Feed::open(std::move(source), last_revision);
    kept.used = clock_.mono();
    feed = kept.feed;
  }
  if (before) before->stop();
  return feed;
}

// The feed of this name, out of the book; `feed`: only when it is that one.
std::shared_ptr<Feed> FeedBook::take(std::string_view name, const Feed* feed) {
  const std::lock_guard lock(mutex_);
  const auto found = feeds_.find(name);
  if (found == feeds_.end() || (feed != nullptr && found->second.feed.get() != feed)) return {};
  auto taken = std::move(found->second.feed);
  feeds_.erase(found);
  return taken;
}

void FeedBook::end(std::string_view name) {
  if (const auto feed = take(name, nullptr)) feed->stop();
}

FeedBook::Feeds FeedBook::take_idle() {
  Feeds idle;
  const std::lock_guard lock(mutex_);
  const auto now = clock_.mono();
  for (auto each = feeds_.begin(); each != feeds_.end();) {
    const auto next = std::next(each);
    if (each->second.feed->watchers() > 0) each->second.used = now;
    if (now - each->second.used > idle_) idle.insert(feeds_.extract(each));
    each = next;
  }
  return idle;
}

std::vector<std::string> FeedBook::tend() {
  for (const auto& [name, kept] : take_idle()) kept.feed->stop();
  Feeds all;
  {
    const std::lock_guard lock(mutex_);
    all = feeds_;
  }
  std::vector<std::string> gone;
  for (const auto& [name, kept] : all) {
    const auto& source = kept.feed->source();
    const auto info = source.bucket.jetstream().stream_info(source.bucket.stream());
    const bool is_gone =
        info ? made_text(info->created) != source.made : info.error().reason == "stream_not_found";
    if (!is_gone) continue;
    gone.push_back(name);
    if (const auto feed = take(name, kept.feed.get())) feed->stop();
  }
  return gone;
}

std::size_t FeedBook::watchers() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [name, kept] : feeds_) count += kept.feed->watchers();
  return count;
}

}  // namespace weir::nats
