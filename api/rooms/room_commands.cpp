// /v1/rooms and /admin/rooms: rooms and their events as resources.
#include "api/core/commands.hpp"
#include "api/live/feed_stream.hpp"
#include "api/rooms/room_events.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using json::Writer;

constexpr std::size_t kMaxBodyBytes = 8U << 20U;  // NATS has a limit of its own
constexpr auto kMostOffset = std::numeric_limits<std::int64_t>::max();
constexpr auto kMaxHistory = static_cast<std::int64_t>(rooms::kMaxHistory);

Error wrong(std::string field, std::string why) {
  return {Code::invalid,
          "invalid_payload",
          "A field of the payload is not acceptable.",
          field + " " + why,
          {{field, std::move(why)}}};
}

Result<void> list(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto limit, query_int(call.request(), "limit", 100, 1, 10'000));
  const auto after = call.request().query_value("cursor").value_or("");
  WEIR_ASSIGN(auto body,
              rooms_json(services, call.principal(), after, static_cast<std::size_t>(limit)));
  call.reply(200, std::move(body));
  return {};
}

Result<void> get(Services& services, const Call& call) {
  WEIR_ASSIGN(auto body, room_stats_json(services, call.param("room")));
  call.reply(200, std::move(body));
  return {};
}

Result<void> make(Services& services, const Call& call) {
  WEIR_ASSIGN(const bool created, services.rooms.create(call.param("room")));
  Writer out;
  out.begin_object().member("room", call.param("room")).member("created", created).end_object();
  call.reply(created ? 201 : 200, out.take());
  return {};
}

Result<void> remove(Services& services, const Call& call) {
  WEIR_TRY(services.rooms.remove(call.param("room")));
  call.reply(200, R"({"deleted":true})");
  return {};
}

Result<void> publish(Services& services, const Call& call) {
  const auto type = call.body().find("event_type").as_string();
  if (!type) return wrong("event_type", "must be a text");
  const auto data = call.body().find("data");
  if (data.is_missing()) return wrong("data", "is required");
  WEIR_ASSIGN(auto body,
              publish_event_json(services,
                                 {.room = call.param("room"), .type = *type, .data = data.raw()}));
  call.reply(201, std::move(body));
  return {};
}

Result<void> follow(Services& services, const Call& call) {
  const auto& request = call.request();
  std::uint64_t after = rooms::Rooms::kFromNow;
  if (request.query_value("from_offset")) {
    WEIR_ASSIGN(const auto from,
                query_int(request, "from_offset", 0, -rooms::kKeptEvents, kMostOffset));
    WEIR_ASSIGN(const auto begin, offset_of(services, call.param("room"), from));
    after = begin == 0 ? 0 : begin - 1;
  }
  const auto last = request.header("last-event-id");
  WEIR_ASSIGN(auto watch, services.rooms.open_watch(call.param("room"), after));
  if (!last.empty()) {
    if (!watch.feed->go_on_after(watch.request, last, watch.newest)) {
      return bad_parameter("Last-Event-ID", "an id of an event, or its offset");
    }
  }
  answer_with_feed(call, watch.feed, std::move(watch.request), watch.newest,
                   [](const nats::Change& change) { return !is_ready(change); });
  return {};
}

Result<void> events(Services& services, const Call& call) {
  const auto& request = call.request();
  WEIR_ASSIGN(const bool follows, query_bool(request, "follow"));
  if (follows) return follow(services, call);
  WEIR_ASSIGN(const auto from,
              query_int(request, "from_offset", 0, -rooms::kKeptEvents, kMostOffset));
  WEIR_ASSIGN(const auto to, query_int(request, "to_offset", 0, 0, kMostOffset));
  WEIR_ASSIGN(const auto limit, query_int(request, "limit", 100, 1, kMaxHistory));
  WEIR_ASSIGN(const auto begin, offset_of(services, call.param("room"), from));
  WEIR_ASSIGN(auto body, history_json(services, {.room = call.param("room"),
                                                 .from = begin,
                                                 .to = static_cast<std::uint64_t>(to),
                                                 .limit = static_cast<std::size_t>(limit)}));
  call.reply(200, std::move(body));
  return {};
}

Result<void> consume(Services& services, const Call& call) {
  const auto subscriber = call.body().find("subscriber_id").as_string();
  if (!subscriber) return wrong("subscriber_id", "must be a text");
  const auto given = [&](std::string_view name) { return call.body().find(name); };
  const auto integer = [&](std::string_view name, std::int64_t fallback) {
    return given(name).is_missing() ? std::optional(fallback) : given(name).as_int();
  };
  auto from = integer("from_offset", 0);
  const auto limit = integer("limit", 100);
  if (!from || *from < -rooms::kKeptEvents) return wrong("from_offset", "must be an offset");
  if (!limit || *limit < 1 || *limit > kMaxHistory) return wrong("limit", "must be 1 to 1000");
  if (from == 0 && !given("from_offset").is_missing()) from = 1;  // all that is kept
  WEIR_ASSIGN(const auto begin, offset_of(services, call.param("room"), *from));
  WEIR_ASSIGN(auto body, consume_json(services, {.room = call.param("room"),
                                                 .subscriber = *subscriber,
                                                 .from = begin,
                                                 .limit = static_cast<std::size_t>(*limit)}));
  call.reply(200, std::move(body));
  return {};
}

using Work = Result<void> (*)(Services&, const Call&);

Command room_command(std::string_view name, std::string_view method, std::string_view path,
                     Services& services, Work work) {
  Command command{.name = name, .method = method, .path = path};
  command.tag = "Rooms";
  command.scope = method == "GET" ? Scope::streams_read : Scope::streams_write;
  command.handler = [&services, work](const Call& call) {
    if (const auto done = work(services, call); !done) call.fail(done.error());
  };
  command.errors = {{Code::unavailable, "nats_unavailable"}, {Code::unavailable, "no_responders"}};
  if (path != "/v1/rooms") {
    command.errors.push_back({Code::invalid, "bad_room"});
    command.errors.push_back({Code::not_found, "room_not_found"});
    command.errors.push_back({Code::forbidden, "stream_not_allowed"});
  }
  return command;
}

constexpr std::string_view kRoomPath = "/v1/rooms/{room}";
constexpr std::string_view kEventsPath = "/v1/rooms/{room}/events";
constexpr std::string_view kRoomsSchema = R"({"type":"object","properties":{
  "rooms":{"type":"array","items":{"type":"object","properties":{"room":{"type":"string"},
   "newest_offset":{"type":"integer"},"last_activity":{"type":"string"}}}},
  "total":{"type":"integer"},"next_cursor":{"type":["string","null"]}}})";
constexpr std::string_view kHistorySchema = R"({"type":"object","properties":{
  "room":{"type":"string"},"events":{"type":"array","items":{"type":"object","properties":{
   "offset":{"type":"integer"},"event_id":{"type":"string"},"event_type":{"type":"string"},
   "data":{},"timestamp":{"type":"string","format":"date-time"}}}},
  "oldest_offset":{"type":"integer"},"newest_offset":{"type":"integer"}}})";
constexpr std::string_view kConsumeSchema = R"({"type":"object","properties":{
  "room":{"type":"string"},"events":{"type":"array","items":{"type":"object"}},
  "next_offset":{"type":"integer"}}})";
constexpr std::string_view kStatsSchema = R"({"type":"object","properties":{
  "room":{"type":"string"},"message_count":{"type":"integer"},"oldest_offset":{"type":"integer"},
  "newest_offset":{"type":"integer"},"subscribers":{"type":"integer"},"bytes":{"type":"integer"},
  "last_activity":{"type":"string","format":"date-time"}}})";
constexpr std::string_view kCreatedSchema = R"({"type":"object","properties":{
  "room":{"type":"string"},"created":{"type":"boolean"}}})";
constexpr std::string_view kDeletedSchema = R"({"type":"object","properties":{
  "deleted":{"type":"boolean"}}})";

void add_events(CommandTable& table, Services& services) {
  auto publishing = room_command("rooms.publish", "POST", kEventsPath, services, publish);
  publishing.summary = "Append an event";
  publishing.description = "A room that does not exist is made.";
  publishing.body = Body::required_json;
  publishing.max_body_bytes = kMaxBodyBytes;
  publishing.request_schema = R"({"type":"object","required":["event_type","data"],"properties":{
    "event_type":{"type":"string"},"data":{}}})";
  publishing.answers = {{201, "It is stored.", R"({"type":"object","properties":{
    "event_id":{"type":"string"},"offset":{"type":"integer"},
    "subscribers_notified":{"type":"integer"}}})"}};
  publishing.errors.insert(publishing.errors.end(), {{Code::invalid, "invalid_payload"},
                                                     {Code::invalid, "bad_event_type"},
                                                     {Code::too_large, "message_too_large"},
                                                     {Code::deadline_exceeded, "nats_timeout"}});
  table.push_back(std::move(publishing));

  auto reading = room_command("rooms.events", "GET", kEventsPath, services, events);
  reading.summary = "Events that are kept, or those that come";
  reading.description =
      "With `follow=true` Server-Sent Events of the event's type, beginning with new ones unless "
      "`from_offset` or `Last-Event-ID` says where.";
  reading.query = {{"from_offset", "the first offset; negative: so many of the newest"},
                   {"to_offset", "the last offset"},
                   {"limit", "events, 1 to 1000"},
                   {"follow", "go on with new events", R"({"type":"boolean"})"}};
  reading.answers = {{200, "In the order of their offsets.", kHistorySchema}};
  reading.errors.push_back({Code::bad_request, "bad_parameter"});
  table.push_back(std::move(reading));

  auto taking =
      room_command("rooms.consume", "POST", "/v1/rooms/{room}/consume", services, consume);
  taking.summary = "Events that a subscriber has not had yet";
  taking.description = "Its place is kept on the server: what was answered counts as read.";
  taking.scope = Scope::streams_read;
  taking.body = Body::required_json;
  taking.request_schema = R"({"type":"object","required":["subscriber_id"],"properties":{
    "subscriber_id":{"type":"string","minLength":1,"maxLength":128},
    "from_offset":{"type":"integer"},
    "limit":{"type":"integer","minimum":1,"maximum":1000}}})";
  taking.answers = {{200, "In the order of their offsets.", kConsumeSchema}};
  taking.errors.insert(taking.errors.end(),
                       {{Code::invalid, "invalid_payload"}, {Code::conflict, "subscriber_busy"}});
  table.push_back(std::move(taking));
}

}  // namespace

void add_room_commands(CommandTable& table, Services& services) {
  auto all = room_command("rooms.list", "GET", "/v1/rooms", services, list);
  all.summary = "Rooms by name";
  all.query = {{"limit", "1 to 10000"}, {"cursor", "next_cursor of the page before"}};
  all.answers = {{200, "A page.", kRoomsSchema}};
  all.errors.push_back({Code::bad_request, "bad_parameter"});
  table.push_back(std::move(all));
  auto one = room_command("rooms.get", "GET", kRoomPath, services, get);
  one.summary = "Figures of a room";
  one.answers = {{200, "The room.", kStatsSchema}};
  table.push_back(std::move(one));
  auto made = room_command("rooms.create", "PUT", kRoomPath, services, make);
  made.summary = "Make a room";
  made.answers = {{200, "It was there.", kCreatedSchema}, {201, "It is there.", kCreatedSchema}};
  table.push_back(std::move(made));
  auto gone = room_command("rooms.delete", "DELETE", kRoomPath, services, remove);
  gone.summary = "Delete a room and its events";
  gone.answers = {{200, "Gone.", kDeletedSchema}};
  table.push_back(std::move(gone));
  add_events(table, services);
}

}  // namespace weir::api
