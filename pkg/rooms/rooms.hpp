// Rooms: ordered streams of events, one subject of the JetStream stream ROOMS for each. A room
// exists from its first event (or create()) until it is deleted. Of each room the newest
// kKeptEvents are kept, and none for longer than kKeptFor.
//
// Lifecycle of a Service; calls work before start(), but lists, which wait for the directory.
// Blocks for as long as NATS takes. Thread-safe.
//
// Errors of calls, besides those named: invalid / bad_room; not_found / room_not_found; unavailable
// / nats_unavailable, no_responders; deadline_exceeded / nats_timeout (a write: outcome unknown).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/ids.hpp"
#include "pkg/base/service.hpp"
#include "pkg/nats/feed.hpp"
#include "pkg/rooms/directory.hpp"
#include "pkg/rooms/event.hpp"
#include "pkg/rooms/places.hpp"
#include "pkg/rooms/stream_state.hpp"

namespace weir::rooms {

inline constexpr std::int64_t kKeptEvents = 10'000;
inline constexpr std::size_t kMaxHistory = 1000;  // events of one call
inline constexpr std::string_view kCreatedType = "room.created";

struct NewEvent {
  std::string_view room;
  std::string_view type;
  std::string_view data;  // JSON
};

struct Published {
  std::string id;
  std::uint64_t offset = 0;
  std::size_t subscribers = 0;  // of this coordinator
};

// Offsets from `from` on, up to `to` when that is not 0.
struct HistoryRequest {
  std::string_view room;
  std::uint64_t from = 1;
  std::uint64_t to = 0;
  std::size_t limit = 100;  // at most kMaxHistory
};

struct History {
  std::vector<Event> events;
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
};

struct ConsumeRequest {
  std::string_view room;
  std::string_view subscriber;  // 1 to kMaxRoomBytes bytes
  std::uint64_t from = 0;       // 0: after what this subscriber got last, else from the oldest
  std::size_t limit = 100;
};

struct Consumed {
  std::vector<Event> events;
  std::uint64_t next = 1;  // offset that the next call begins with
};

struct RoomPage {
  std::vector<Room> rooms;
  std::size_t total = 0;
  bool more = false;
};

struct RoomStats {
  std::uint64_t events = 0;
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
  std::size_t subscribers = 0;  // of this coordinator
  Timestamp oldest_at{};
  Timestamp last_activity{};
  bool has_data = false;  // more than its making
};

struct RoomFigures {
  std::size_t rooms = 0;
  std::size_t active = 0;  // that somebody follows
  std::size_t peak = 0;    // the most of these that were seen
  std::size_t subscribers = 0;
};

// feed->watch(request, newest, watcher) begins it, feed->remove(watcher) ends it.
struct RoomWatch {
  std::shared_ptr<nats::Feed> feed;
  nats::WatchRequest request;
  std::uint64_t newest = 0;  // offset in all rooms, now
};

class Rooms final : public weir::Service {
 public:
  struct Options {
    int replicas = nats::kAutomaticReplicas;
    Millis timeout{800};
  };
  Rooms(std::shared_ptr<nats::Connection> connection, const Clock& clock, Random& random,
        Options options);
  ~Rooms() override { stop(); }

  Result<void> start() override;
  void stop() override;

  // Makes the room when it is not there. Errors: invalid / bad_event_type; too_large /
  // message_too_large; out_of_space / stream_full.
  Result<Published> publish(const NewEvent& event);
  // False: it was there.
  Result<bool> create(std::string_view room);
  // Every event goes; its subscribers get a last one of the type kDeletedType. room_not_found.
  Result<void> remove(std::string_view room);

  Result<History> history(const HistoryRequest& request);
  // The next events of a subscriber, whose place moves past them: what was answered counts as read.
  // Calls of one subscriber at once share what there is. Error: conflict / subscriber_busy, when
  // others were always faster.
  Result<Consumed> consume(const ConsumeRequest& request);
  // The offset of the `count`th event from the end; of the oldest when there are fewer.
  Result<std::uint64_t> offset_from_end(std::string_view room, std::size_t count);
  Result<RoomStats> stats(std::string_view room);
  // Of the data of all its events; the server lists them all.
  Result<std::uint64_t> bytes(std::string_view room);
  // By name, after `after`, with every room that was made before the call.
  Result<RoomPage> page(std::string_view after, std::size_t limit);
  // Of this coordinator, without asking NATS. Rooms are known from the first call on.
  RoomFigures figures();

  // For who follows a room: the feed, and what to ask of it. A room that is not there yet may be
  // followed. An offset that was not given yet is of a stream that was deleted since: the follower
  // is told of the reset, and begins with the oldest event.
  static constexpr std::uint64_t kFromNow = UINT64_MAX;
  Result<RoomWatch> open_watch(std::string_view room, std::uint64_t after);

 private:
  struct Parts {
    std::shared_ptr<nats::Feed> feed;
    std::shared_ptr<Directory> directory;
  };
  // Makes the stream when it is not there.
  Result<Parts> open();
  // The stream as it is now, and parts that are of this stream; after it was deleted, new ones.
  Result<std::pair<Parts, nats::StreamInfo>> open_current();
  void forget(const Parts& parts);
  Result<std::optional<Event>> newest(std::string_view room) const;
  Result<Event> get_newest(std::string_view room) const;
  Result<std::uint64_t> write(const NewEvent& event, const std::string& id,
                              const nats::Headers& more) const;
  // Calls `seen` with each event of the room up to the newest, oldest first, without its data.
  Result<void> scan(std::string_view room,
                    const std::function<void(const nats::OrderedMessage&)>& seen) const;

  const nats::Bucket stream_;
  const Places places_;
  StreamState state_;
  const Options options_;
  UuidGenerator ids_;
  mutable std::mutex mutex_;
  Parts parts_;           // guarded by mutex_
  std::size_t peak_ = 0;  // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
};

}  // namespace weir::rooms
