// FeedBook: the feeds of one kind of stream, one for each that is followed, by name. A feed is kept
// for a while after its last watcher, and ends when its stream is gone or was made anew.
//
// Lifecycle: construct -> get() ..., tend() about every second -> stop(); start() takes feeds
// again. Thread-safe; no call of a feed is made under the lock but Feed::open and Feed::watchers.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/nats/feed.hpp"

namespace weir::nats {

class FeedBook {
 public:
  // `idle`: how long a feed without watchers is kept.
  FeedBook(const Clock& clock, Millis idle) : clock_(clock), idle_(idle) {}
  ~FeedBook() { stop(); }
  FeedBook(const FeedBook&) = delete;
  FeedBook& operator=(const FeedBook&) = delete;

  void start();
  void stop();  // ends all feeds; waits for their threads

  // The feed of `name`, opened when there is none for FeedSource::made: one of a stream before it
  // ends. Errors: unavailable / shutting_down after stop().
  Result<std::shared_ptr<Feed>> get(std::string_view name, FeedSource source,
                                    std::uint64_t last_revision);
  void end(std::string_view name);

  // Ends those that were idle for too long, and those whose stream is gone or another one by now;
  // gives the names of the latter. Blocks for as long as NATS takes.
  std::vector<std::string> tend();

  std::size_t watchers() const;

 private:
  struct Kept {
    std::shared_ptr<Feed> feed;
    MonoTime used{};
  };
  using Feeds = std::map<std::string, Kept, std::less<>>;

  Feeds take_idle();
  std::shared_ptr<Feed> take(std::string_view name, const Feed* feed);

  const Clock& clock_;
  const Millis idle_;
  mutable std::mutex mutex_;
  Feeds feeds_;           // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
};

}  // namespace weir::nats
