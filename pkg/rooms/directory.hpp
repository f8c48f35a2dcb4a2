// Directory: the rooms that exist, in memory, with their newest event. It follows the stream by one
// ordered consumer that brings headers only. A room exists from its first event until it is
// deleted; what deletes it is an event too, of the type kDeletedType.
//
// Lifecycle: construct (begins to load) -> use -> destroy. Thread-safe. About 200 bytes and the
// name per room; more than kMaxRooms are not listed.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pkg/nats/ordered_consumer.hpp"
#include "pkg/rooms/event.hpp"

namespace weir::rooms {

inline constexpr std::size_t kMaxRooms = 1'000'000;
inline constexpr std::string_view kDeletedType = "room.deleted";

struct Room {
  std::string name;
  std::uint64_t newest = 0;  // offset
  Timestamp last_activity{};
};

class Directory {
 public:
  explicit Directory(const nats::JetStream& jetstream);
  ~Directory() { consumer_.reset(); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Waits until everything up to `sequence` is in it; false when that takes longer.
  bool wait_for(std::uint64_t sequence, Millis limit);
  // By name, those after `after`.
  std::vector<Room> page(std::string_view after, std::size_t limit) const;
  std::size_t size() const;

 private:
  struct Slot {
    std::uint64_t newest = 0;
    Timestamp time{};
  };
  void heard(const nats::OrderedMessage& message);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Slot, std::less<>> rooms_;   // guarded by mutex_
  std::uint64_t seen_ = 0;                           // guarded by mutex_
  std::unique_ptr<nats::OrderedConsumer> consumer_;  // last: calls heard()
};

}  // namespace weir::rooms
