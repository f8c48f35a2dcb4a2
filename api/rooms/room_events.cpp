#include "api/rooms/room_events.hpp"

#include "pkg/json/writer.hpp"

namespace weir::api {

using json::Writer;

Result<std::uint64_t> offset_of(Services& services, std::string_view room, std::int64_t from) {
  if (from >= 0) return static_cast<std::uint64_t>(from);
  return services.rooms.offset_from_end(room, static_cast<std::size_t>(-from));
}

Result<std::string> publish_event_json(Services& services, const rooms::NewEvent& event) {
  WEIR_ASSIGN(const auto published, services.rooms.publish(event));
  Writer out;
  out.begin_object().member("event_id", published.id).member("offset", published.offset);
  out.member("subscribers_notified", static_cast<std::uint64_t>(published.subscribers));
  return out.end_object().take();
}

Result<std::string> history_json(Services& services, const rooms::HistoryRequest& request) {
  WEIR_ASSIGN(const auto history, services.rooms.history(request));
  Writer out;
  out.begin_object().member("room", request.room).key("events").begin_array();
  for (const auto& event : history.events) out.raw(to_json(event));
  out.end_array().member("oldest_offset", history.oldest);
  return out.member("newest_offset", history.newest).end_object().take();
}

Result<std::string> consume_json(Services& services, const rooms::ConsumeRequest& request) {
  WEIR_ASSIGN(const auto consumed, services.rooms.consume(request));
  Writer out;
  out.begin_object().member("room", request.room).key("events").begin_array();
  for (const auto& event : consumed.events) out.raw(to_json(event));
  return out.end_array().member("next_offset", consumed.next).end_object().take();
}

Result<std::string> rooms_json(Services& services, const auth::Principal& principal,
                               std::string_view after, std::size_t limit) {
  WEIR_ASSIGN(const auto page, services.rooms.page(after, limit));
  Writer out;
  out.begin_object().key("rooms").begin_array();
  for (const auto& room : page.rooms) {
    if (!principal.allows_stream(room.name)) continue;
    out.begin_object().member("room", room.name).member("newest_offset", room.newest);
    out.member("last_activity", room.last_activity).end_object();
  }
  out.end_array().member("total", static_cast<std::uint64_t>(page.total)).key("next_cursor");
  page.more ? out.value(page.rooms.back().name) : out.null();
  return out.end_object().take();
}

Result<std::string> room_stats_json(Services& services, std::string_view room) {
  WEIR_ASSIGN(const auto stats, services.rooms.stats(room));
  WEIR_ASSIGN(const auto bytes, services.rooms.bytes(room));
  Writer out;
  out.begin_object().member("room", room).member("message_count", stats.events);
  out.member("oldest_offset", stats.oldest).member("newest_offset", stats.newest);
  out.member("subscribers", static_cast<std::uint64_t>(stats.subscribers));
  out.member("bytes", bytes);
  return out.member("last_activity", stats.last_activity).end_object().take();
}

bool is_ready(const nats::Change& change) {
  return change.key.empty() && change.operation == "ready";
}

std::string event_frame_of(const nats::Change& event) {
  Writer out;
  out.begin_object().member("type", "event").member("room", event.key).end_object();
  std::string frame = out.take();
  frame.back() = ',';  // the event's own members follow
  return frame.append(event.json, 1);
}

}  // namespace weir::api
