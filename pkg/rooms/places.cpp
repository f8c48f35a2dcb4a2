#include "pkg/rooms/places.hpp"

#include <charconv>

#include "pkg/kv/key_name.hpp"
#include "pkg/rooms/event.hpp"

namespace weir::rooms {
namespace {

// No name holds NUL.
std::string name_of(const PlaceKey& key) {
  return kv::encode_key(std::string(key.room).append(1, '\0').append(key.subscriber));
}

}  // namespace

Places::Places(nats::JetStream jetstream, int replicas)
    : bucket_(std::move(jetstream), std::string(kPlacesBucket)), replicas_(replicas) {}

Result<Place> Places::get(const PlaceKey& key) const {
  const auto record = bucket_.last(name_of(key), nats::Bucket::Read::leader);
  if (!record && record.error().reason == "stream_not_found") return Place{};
  if (!record) return record.error();
  Place place;
  if (!*record) return place;
  place.revision = (*record)->revision;
  const auto& text = (*record)->value;
  std::from_chars(text.data(), text.data() + text.size(), place.next);
  return place;
}

Result<bool> Places::move(const PlaceKey& key, const Place& place) const {
  const nats::BucketWrite write{
      .key = name_of(key),
      .value = std::to_string(place.next),
      .headers = {{std::string(nats::kExpectedHeader), std::to_string(place.revision)}}};
  auto written = bucket_.write(write);
  // Nobody listens on the subjects of a bucket that is not there.
  if (!written && written.error().reason == "no_responders") {
    const auto made = bucket_.create({.ttl = kKeptFor, .replicas = replicas_});
    // Two that need it at once make it at once.
    if (!made && made.error().code != Code::conflict) return made.error();
    written = bucket_.write(write);
  }
  if (written) return true;
  if (written.error().reason == "wrong_last_sequence") return false;
  return written.error();
}

}  // namespace weir::rooms
