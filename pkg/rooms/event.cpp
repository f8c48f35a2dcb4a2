#include "pkg/rooms/event.hpp"

#include "pkg/base/base64.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::rooms {
namespace {

constexpr std::string_view kIdHeader = "Nats-Msg-Id";
constexpr std::string_view kDefaultType = "message";
constexpr std::int64_t kNsPerMs = 1'000'000;

std::string as_json(std::string body) {
  if (json::check(body)) return body;
  if (json::is_utf8(body)) return json::quoted(body);
  return json::Writer().begin_object().member("base64", base64_encode(body)).end_object().take();
}

}  // namespace

Result<void> check_room(std::string_view room) {
  if (room.size() <= kMaxRoomBytes && kv::check_key(room)) return {};
  return Error{Code::invalid,
               "bad_room",
               "The name of the room is not acceptable.",
               "1 to 128 bytes of UTF-8",
               {{"room", "1 to 128 bytes of UTF-8"}}};
}

Event to_event(nats::BucketRecord record) {
  Event event;
  event.room = kv::decode_key(record.key);
  event.offset = record.revision;
  event.id = nats::find_header(record.headers, kIdHeader);
  if (event.id.empty()) event.id = "evt_" + std::to_string(record.revision);
  event.type = nats::find_header(record.headers, kTypeHeader);
  if (event.type.empty()) event.type = kDefaultType;
  event.data = as_json(std::move(record.value));
  event.time = from_unix_ms(record.time_ns / kNsPerMs);
  return event;
}

std::string to_json(const Event& event) {
  json::Writer out(event.data.size() + 160);
  out.begin_object().member("offset", event.offset).member("event_id", event.id);
  out.member("event_type", event.type).raw_member("data", event.data);
  return out.member("timestamp", event.time).end_object().take();
}

}  // namespace weir::rooms
