#include "pkg/streams/tails.hpp"

#include <vector>

#include "pkg/streams/message.hpp"
#include "pkg/streams/names.hpp"

namespace weir::streams {
namespace {

constexpr std::chrono::seconds kPeriod{1};
constexpr std::chrono::seconds kIdle{30};

nats::Change change_of(nats::BucketRecord record) {
  nats::StoredMessage message{.sequence = record.revision,
                              .subject = std::move(record.key),
                              .time_ns = record.time_ns,
                              .data = std::move(record.value),
                              .headers = std::move(record.headers)};
  auto json = message_json(message);
  return {.revision = message.sequence,
          .key = std::move(message.subject),
          .id = {},
          .operation = "message",
          .json = std::move(json)};
}

}  // namespace

Result<void> Tails::start() {
  const std::lock_guard lock(mutex_);
  if (running_ || stopped_) return {};
  running_ = true;
  thread_ = std::thread([this] { loop(); });
  return {};
}

void Tails::stop() {
  std::map<std::string, Kept> feeds;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    feeds.swap(feeds_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const auto& [name, kept] : feeds) kept.feed->stop();
}

Result<Tails::Followed> Tails::feed(const std::string& stream) {
  WEIR_TRY(check_stream(stream, Access::read));
  WEIR_ASSIGN(auto info, jetstream_.stream_info(stream));
  const auto made = nats::made_text(info.created);
  std::shared_ptr<nats::Feed> ended;
  std::shared_ptr<nats::Feed> feed;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Error{Code::unavailable, "shutting_down", "The server stops.", ""};
    auto& kept = feeds_[stream];
    if (kept.feed && kept.feed->source().made != made) ended = std::move(kept.feed);
    if (!kept.feed) {
      kept.feed = nats::Feed::open({.bucket = nats::Bucket::over(jetstream_, stream, ""),
                                    .made = made,
                                    .change_of = change_of},
                                   info.last_sequence);
    }
    kept.used = clock_.mono();
    feed = kept.feed;
  }
  if (ended) ended->stop();
  return Followed{std::move(feed), std::move(info)};
}

std::size_t Tails::followers() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [name, kept] : feeds_) count += kept.feed->watchers();
  return count;
}

void Tails::loop() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    wake_.wait_for(lock, kPeriod, [this] { return stopped_; });
    if (stopped_) return;
    lock.unlock();
    tend();
    lock.lock();
  }
}

void Tails::tend() {
  std::vector<std::pair<std::string, std::shared_ptr<nats::Feed>>> all;
  std::vector<std::shared_ptr<nats::Feed>> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.mono();
    for (auto each = feeds_.begin(); each != feeds_.end();) {
      if (each->second.feed->watchers() > 0) each->second.used = now;
      if (now - each->second.used > kIdle) {
        ended.push_back(std::move(each->second.feed));
        each = feeds_.erase(each);
        continue;
      }
      all.emplace_back(each->first, each->second.feed);
      ++each;
    }
  }
  for (const auto& [name, feed] : all) {
    const auto info = jetstream_.stream_info(name);
    const bool gone = info ? nats::made_text(info->created) != feed->source().made
                           : info.error().reason == "stream_not_found";
    if (!gone) continue;
    const std::lock_guard lock(mutex_);
    const auto found = feeds_.find(name);
    if (found == feeds_.end() || found->second.feed != feed) continue;
    feeds_.erase(found);
    ended.push_back(feed);
  }
  for (const auto& feed : ended) feed->stop();
}

}  // namespace weir::streams
