// stream.* of the command API: rooms, ordered streams of events.
#include "api/core/rpc_commands.hpp"
#include "api/live/session_watcher.hpp"
#include "api/live/session_watches.hpp"
#include "api/rooms/room_events.hpp"
#include "api/rpc/payload.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using json::Writer;
using rpc::Field;
using rpc::Payload;
using rpc::Reply;

constexpr std::size_t kMaxRooms = 1000;  // of one socket
constexpr auto kMostOffset = std::numeric_limits<std::int64_t>::max();

constexpr Field kRoom{"room", "any UTF-8 text up to 128 bytes", true};

std::string room_of(Payload& payload) {
  return payload.required_text("room", rooms::kMaxRoomBytes);
}

std::string success(std::string_view name, bool flag) {
  return Writer().begin_object().member("success", true).member(name, flag).end_object().take();
}

// Pushes the events of one room to one socket.
class RoomWatcher final : public SessionWatcher {
 public:
  RoomWatcher(std::weak_ptr<rpc::Session> session, std::string room)
      : SessionWatcher(std::move(session)), room_(std::move(room)) {}

 private:
  std::string frame_of(const nats::Change& change) const override {
    if (is_ready(change)) return {};  // the answer has said so
    if (!change.key.empty()) return event_frame_of(change);
    Writer out;
    const bool lagged = change.operation == "lagged";
    out.begin_object().member("type", lagged ? "lagged" : "stream_reset").member("room", room_);
    if (lagged) out.member("dropped", change.dropped);
    return out.end_object().take();
  }
  std::string end_frame() const override {
    Writer out;
    out.begin_object().member("type", "stream_ended").member("room", room_);
    return out.end_object().take();
  }

  const std::string room_;
};

Result<std::string> publish(Services& services, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto room = room_of(payload);
  auto type = payload.text("event_type", rooms::kMaxTypeBytes);
  if (!type) type = payload.text("event", rooms::kMaxTypeBytes);
  if (!type) payload.complain("event_type", "is required");
  const auto data = payload.raw("data");
  if (data.is_missing()) payload.complain("data", "is required");
  WEIR_TRY(payload.done());
  return publish_event_json(services, {.room = room, .type = *type, .data = data.raw()});
}

Result<std::string> history(Services& services, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto room = room_of(payload);
  const auto from = payload.integer("from_offset", -rooms::kKeptEvents, kMostOffset).value_or(0);
  const auto to = payload.integer("to_offset", 1, kMostOffset).value_or(0);
  const auto limit =
      payload.integer("limit", 1, static_cast<std::int64_t>(rooms::kMaxHistory)).value_or(100);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto begin, offset_of(services, room, from));
  return history_json(services, {.room = room,
                                 .from = begin,
                                 .to = static_cast<std::uint64_t>(to),
                                 .limit = static_cast<std::size_t>(limit)});
}

Result<std::string> consume(Services& services, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto room = room_of(payload);
  const auto subscriber = payload.required_text("subscriber_id", rooms::kMaxRoomBytes);
  auto from = payload.integer("from_offset", -rooms::kKeptEvents, kMostOffset);
  const auto limit =
      payload.integer("limit", 1, static_cast<std::int64_t>(rooms::kMaxHistory)).value_or(100);
  WEIR_TRY(payload.done());
  if (from == 0) from = 1;  // all that is kept
  WEIR_ASSIGN(const auto begin, offset_of(services, room, from.value_or(0)));
  return consume_json(services, {.room = room,
                                 .subscriber = subscriber,
                                 .from = begin,
                                 .limit = static_cast<std::size_t>(limit)});
}

// Where a subscription begins, as the offset before its first event.
Result<std::uint64_t> start_of(Services& services, Payload& payload, const std::string& room) {
  const bool replay = payload.flag("replay", false);
  const auto from = payload.integer("from_offset", -rooms::kKeptEvents, kMostOffset);
  WEIR_TRY(payload.done());
  if (!from) return replay ? 0 : rooms::Rooms::kFromNow;
  if (*from >= 0) return static_cast<std::uint64_t>(std::max<std::int64_t>(*from - 1, 0));
  WEIR_ASSIGN(const auto offset, offset_of(services, room, *from));
  return offset - 1;
}

void subscribe(Services& services, SessionWatches& sockets, const rpc::Call& call,
               const Reply& reply) {
  Payload payload(call.payload());
  const auto room = room_of(payload);
  const auto start = start_of(services, payload, room);
  if (!start) return reply(start.error());
  auto opened = services.rooms.open_watch(room, *start);
  if (!opened) return reply(opened.error());
  const auto& session = call.caller().session;
  const auto watcher = std::make_shared<RoomWatcher>(session, room);
  const auto leave = [feed = opened->feed, watcher] { feed->remove(watcher.get()); };
  if (const auto added = sockets.add(session, room, leave); !added) return reply(added.error());
  Writer out;
  out.begin_object().member("success", true).member("room", room).member("subscribed", true);
  reply(out.member("newest_offset", opened->newest).end_object().take());  // before its first event
  opened->feed->watch(std::move(opened->request), opened->newest, watcher);
  // The socket may have ended meanwhile, and nobody would forget it any more.
  if (!sockets.has(session.get(), room)) leave();
}

Result<std::string> list(Services& services, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto after = payload.text("cursor", rooms::kMaxRoomBytes).value_or("");
  const auto limit = payload.integer("limit", 1, 10'000).value_or(1000);
  WEIR_TRY(payload.done());
  return rooms_json(services, call.principal(), after, static_cast<std::size_t>(limit));
}

Result<std::string> create(Services& services, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto room = room_of(payload);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const bool created, services.rooms.create(room));
  return success("created", created);
}

Result<std::string> remove(Services& services, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto room = room_of(payload);
  WEIR_TRY(payload.done());
  WEIR_TRY(services.rooms.remove(room));
  return success("deleted", true);
}

Result<std::string> stats(Services& services, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto room = room_of(payload);
  WEIR_TRY(payload.done());
  return room_stats_json(services, room);
}

struct Row {
  std::string_view name;
  Scope scope;
  std::string_view summary;
  std::vector<Field> payload;
  std::string_view answer;
  Result<std::string> (*run)(Services&, const rpc::Call&);
};

// The room of a payload, as far as it names one: the command itself complains when it does not.
Result<void> check_room(const rpc::Call& call) {
  const auto room = call.payload().find("room").as_string();
  return room ? check_stream_name(call.principal(), *room) : Result<void>();
}

std::vector<Row> rows() {
  constexpr Field limit{"limit", "1 to 1000; 100 when not given"};
  constexpr Field from{"from_offset", "the first; negative: so many of the newest"};
  constexpr Field cursor{"cursor", "next_cursor of the page before"};
  const std::vector<Field> paging{cursor, {"limit", "1 to 10000; 1000 when not given"}};
  constexpr std::string_view kRoomsAnswer =
      "rooms[{room, newest_offset, last_activity}], total, "
      "next_cursor";
  return {
      {"stream.publish",
       Scope::streams_write,
       "Append an event to a room",
       {kRoom,
        {"event_type", "text without white space"},
        {"event", "alias of event_type"},
        {"data", "any JSON", true}},
       "event_id, offset, subscribers_notified",
       publish},
      {"stream.history",
       Scope::streams_read,
       "Events of a room that are kept",
       {kRoom, from, {"to_offset", "the last"}, limit},
       "events[], oldest_offset, newest_offset",
       history},
      {"stream.consume",
       Scope::streams_read,
       "Events that a subscriber has not had yet",
       {kRoom,
        {"subscriber_id", "whose place is kept", true},
        {"from_offset", "begin there instead; negative: so many of the newest"},
        limit},
       "events[], next_offset",
       consume},
      {"stream.rooms", Scope::streams_read, "List rooms", paging, kRoomsAnswer, list},
      {"stream.list", Scope::streams_read, "Alias of stream.rooms", paging, kRoomsAnswer, list},
      {"stream.create", Scope::streams_write, "Make a room", {kRoom}, "success, created", create},
      {"stream.delete",
       Scope::streams_write,
       "Delete a room and its events",
       {kRoom},
       "success, deleted",
       remove},
      {"stream.stats",
       Scope::streams_read,
       "Figures of a room",
       {kRoom},
       "room, message_count, oldest_offset, newest_offset, subscribers, bytes, last_activity",
       stats}};
}

void add_subscriptions(rpc::CommandTable& table, Services& services) {
  const auto sockets = std::make_shared<SessionWatches>(kMaxRooms);
  table.push_back({.name = "stream.subscribe",
                   .scope = Scope::streams_read,
                   .summary = "Push the events of a room to this socket",
                   .payload = {kRoom,
                               {"from_offset",
                                "null: new ones; 0: all that is kept; negative: so "
                                "many of the newest first"},
                               {"replay", "without from_offset: all that is kept first"}},
                   .answer = "success, room, subscribed, newest_offset; then frames of type event",
                   .needs_session = true,
                   .handler = [&services, sockets](const rpc::Call& call, const Reply& reply) {
                     if (const auto fine = check_room(call); !fine) return reply(fine.error());
                     subscribe(services, *sockets, call, reply);
                   }});
  table.push_back({.name = "stream.unsubscribe",
                   .scope = Scope::streams_read,
                   .summary = "End the subscription of this socket to a room",
                   .payload = {kRoom},
                   .answer = "success, unsubscribed",
                   .needs_session = true,
                   .handler = [sockets](const rpc::Call& call, const Reply& reply) {
                     Payload payload(call.payload());
                     const auto room = room_of(payload);
                     if (const auto done = payload.done(); !done) return reply(done.error());
                     const bool had = sockets->remove(call.caller().session.get(), room);
                     reply(success("unsubscribed", had));
                   }});
}

}  // namespace

void add_room_rpc(rpc::CommandTable& table, Services& services) {
  for (auto& row : rows()) {
    table.push_back(
        {.name = row.name,
         .scope = row.scope,
         .summary = row.summary,
         .payload = std::move(row.payload),
         .answer = row.answer,
         .once_per_request_id = row.name == "stream.publish",
         .handler = [&services, run = row.run](const rpc::Call& call, const Reply& reply) {
           if (const auto fine = check_room(call); !fine) return reply(fine.error());
           reply(run(services, call));
         }});
  }
  add_subscriptions(table, services);
  services.figures.push_back([&services](ServiceFigures& figures) {
    const auto rooms = services.rooms.figures();
    figures.rooms = rooms.rooms;
    figures.room_subscribers = rooms.subscribers;
  });
}

}  // namespace weir::api
