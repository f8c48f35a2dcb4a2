// Feed: who watches one stream by its keys, those of a KV bucket or any others (Bucket::over()).
// One ordered consumer and one reading thread for all of them; a watcher costs memory only.
//
// The feed keeps the newest records. A watcher that has everything up to those joins and then gets
// each change as it is stored; one that is behind gets from the stream, record by record, what is
// still kept there, and joins when it has caught up: no gap and no duplicate between the two. One
// that takes no more (Taken::full) waits for room and is behind then. A stream may keep only so
// many records of a key: what was overwritten before a watcher read it is not told, or only how
// much it was (WatchRequest::tell_dropped).
//
// Lifecycle: construct -> watch() ... -> stop(). Thread-safe. Watchers are called from one thread
// at a time, in the order of revisions, under the feed's lock: they must not block or call it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pkg/nats/bucket.hpp"
#include "pkg/nats/ordered_consumer.hpp"

namespace weir::nats {

// What was stored for a key; or, without a key, what the watcher has to know: "ready", that it has
// all that was stored when it began.
struct Change {
  std::uint64_t revision = 0;
  std::string key;
  std::string id;             // where to go on after it: parse_position()
  std::string operation;      // the source's own word; "ready", "reset", "lagged"
  std::string json;           // an object
  std::uint64_t dropped = 0;  // of "lagged": records that are not kept any more
};

// How the records of a stream are shown.
struct FeedSource {
  Bucket bucket;
  std::string made;  // second part of ids: when the stream was made
  // Fills all but the id. A pure function.
  std::function<Change(BucketRecord)> change_of;
};

struct WatchRequest {
  std::string key = {};       // this one only; empty: those that begin with `prefix`
  std::string name = {};      // of the key in subjects; empty: any
  std::string prefix = {};    // empty: every key
  std::uint64_t after = 0;    // revisions after this one; 0: all that is kept
  bool reset = false;         // `after` was of another bucket: say so first
  bool tell_dropped = false;  // "lagged" when it has caught up after it was behind
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  enum class Taken : std::uint8_t { yes, full, gone };
  virtual Taken take(const Change& change) = 0;
  // After `full`, without the feed's lock: runs `room` once when more can be taken, maybe at once.
  virtual void on_room(std::function<void()> room) = 0;
  // No more comes, without the feed's lock: the bucket is gone or is another one, or the server
  // stops.
  virtual void ended() = 0;
};

class Feed : public std::enable_shared_from_this<Feed> {
 public:
  // Begins with the newest records before `last_revision`.
  static std::shared_ptr<Feed> open(FeedSource source, std::uint64_t last_revision);
  ~Feed() { stop(); }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  // `last_revision` is of the bucket, now: the watcher is ready when it has everything up to it.
  void watch(WatchRequest request, std::uint64_t last_revision, std::shared_ptr<Watcher> watcher);
  // It may be in a call of the watcher still when this returns.
  void remove(const Watcher* watcher);
  // Ends all watchers, and later ones at once. Waits for the threads.
  void stop();

  std::size_t watchers() const;
  std::size_t watchers_of(std::string_view key) const;  // those of all keys too
  std::size_t keys_watched() const;                     // by watchers of one key
  const FeedSource& source() const { return source_; }
  // `request` goes on after the change that has this id (parse_position()). False: it is none.
  bool go_on_after(WatchRequest& request, std::string_view id, std::uint64_t last_revision) const;

 private:
  struct Watching;
  using WatchingPtr = std::shared_ptr<Watching>;
  enum class Joined : std::uint8_t { yes, behind, full, gone };

  Feed(FeedSource source, std::uint64_t from);
  void heard(const OrderedMessage& message);
  Change change_of(BucketRecord record) const;
  // These with the lock held.
  Watcher::Taken give(Watching& watching, const Change& change) const;
  Watcher::Taken tell(const Watching& watching, std::string_view operation,
                      std::uint64_t revision) const;
  Joined join(Watching& watching);
  void read_later(const WatchingPtr& watching);
  void forget(Watching& watching);

  void read_loop();
  // On the reading thread. False: NATS did not answer.
  bool read_on(const WatchingPtr& watching);
  void wait_for_room(const WatchingPtr& watching);

  const FeedSource source_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<WatchingPtr> all_;                      // guarded by mutex_
  std::deque<WatchingPtr> behind_;                    // guarded by mutex_: to be read for
  std::deque<std::shared_ptr<const Change>> recent_;  // guarded by mutex_
  std::size_t recent_bytes_ = 0;                      // guarded by mutex_
  std::uint64_t recent_after_;                        // guarded by mutex_: complete after this
  std::uint64_t heard_to_;                            // guarded by mutex_
  bool stopped_ = false;                              // guarded by mutex_
  std::thread reader_;                                // set once by open()
  std::unique_ptr<OrderedConsumer> consumer_;         // set once by open(); calls heard()
};

// The second part of ids, from StreamInfo::created or BucketInfo::created.
std::string made_text(std::string_view created);

// An id of a change, "17-19a1b2c3d4e", or a plain revision, "17".
struct Position {
  std::uint64_t revision = 0;
  bool other_stream = false;  // the stream was made anew since
};
std::optional<Position> parse_position(std::string_view text, std::string_view made,
                                       std::uint64_t last_revision);

}  // namespace weir::nats
