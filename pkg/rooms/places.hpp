// Places: up to where each subscriber of stream.consume has read its rooms, in the KV bucket
// weir-rooms: the same on every coordinator, kept for as long as events are. Blocks for as
// long as NATS takes. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/nats/bucket.hpp"

namespace weir::rooms {

inline constexpr std::string_view kPlacesBucket = "weir-rooms";

// Of whom, in which room.
struct PlaceKey {
  std::string_view room;
  std::string_view subscriber;
};

struct Place {
  std::uint64_t next = 1;      // offset to read from
  std::uint64_t revision = 0;  // 0: none is kept
};

class Places {
 public:
  Places(nats::JetStream jetstream, int replicas);

  Result<Place> get(const PlaceKey& key) const;
  // False: somebody else moved it since `place.revision`. Makes the bucket when it is not there.
  Result<bool> move(const PlaceKey& key, const Place& place) const;

 private:
  const nats::Bucket bucket_;
  const int replicas_;
};

}  // namespace weir::rooms
