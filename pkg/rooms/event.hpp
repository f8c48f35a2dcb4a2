// Events of rooms as they stand in the stream ROOMS: the subject weir.rooms.<room> (the room's name
// written as keys of buckets are), the body any JSON, and headers Weir-Event-Type and Nats-Msg-Id
// (the event's id). What another client publishes there needs neither: its type is "message", its
// id is made of its offset, and a body that is not JSON reads as a text. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/nats/bucket.hpp"

namespace weir::rooms {

inline constexpr std::string_view kStream = "ROOMS";
inline constexpr std::string_view kSubjectPrefix = "weir.rooms.";
inline constexpr std::string_view kTypeHeader = "Weir-Event-Type";
inline constexpr std::size_t kMaxRoomBytes = 128;
inline constexpr std::size_t kMaxTypeBytes = 128;
inline constexpr Millis kKeptFor = std::chrono::hours(24 * 30);

struct Event {
  std::string room;
  std::uint64_t offset = 0;  // sequence in the stream: grows within a room, with gaps
  std::string id;
  std::string type;
  std::string data;  // JSON
  Timestamp time{};
};

// Error: invalid / bad_room (empty, over kMaxRoomBytes, not UTF-8, or with NUL).
Result<void> check_room(std::string_view room);

Event to_event(nats::BucketRecord record);
// {"offset","event_id","event_type","data","timestamp"}.
std::string to_json(const Event& event);

}  // namespace weir::rooms
