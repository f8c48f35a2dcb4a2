// `weir room`: ordered streams of events.

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/follow.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/cli/values.hpp"

namespace weir::cli {
namespace {

std::string path_of(const Parsed& parsed, const std::string& more = "") {
  return "/v1/rooms/" + encode(parsed.operand(0)) + more;
}

std::string line_of(const Json& event) {
  const auto data = event.find("data");
  std::string line = field(event, "offset") + "  " + printable(field(event, "event_type"));
  if (data != event.end()) {
    line += "  " + printable(compact(*data));
  }
  return line + "\n";
}

int publish(Args args) {
  const Usage usage{
      .command = "weir room publish",
      .synopsis = "ROOM TYPE DATA|-",
      .summary =
          "Appends an event to a room, which is made when it is not there. DATA is JSON, or a "
          "text; - reads it from standard input.",
      .examples = {"weir room publish lobby message '{\"text\":\"hello\"}'"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const Json body{{"event_type", parsed.operand(1)},
                    {"data", json_or_text(text_or_stdin(parsed.operand(2)))}};
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = path_of(parsed, "/events"),
                                                .body = compact(body),
                                                .repeat = Repeat::never}));
    return context.show(answer, "offset " + field(answer, "offset") + "\n");
  });
}

int history(Args args) {
  const Usage usage{.command = "weir room history",
                    .synopsis = "ROOM",
                    .summary = "Events that are kept, oldest first.",
                    .options = {{"from", "OFFSET", "The first; -N: so many of the newest"},
                                {"to", "OFFSET", "The last"},
                                {"limit", "N", "1 to 1000 (default: 100)"}},
                    .examples = {"weir room history lobby --limit 20"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of({{"from_offset", parsed.text("from")},
                                 {"to_offset", parsed.text("to")},
                                 {"limit", parsed.text("limit")}});
    WEIR_ASSIGN(const auto answer, context.ask({.path = path_of(parsed, "/events") + query}));
    if (context.json()) {
      print(pretty(answer));
      return kOk;
    }
    for (const auto& event : answer.value("events", Json::array())) print(line_of(event));
    return kOk;
  });
}

int tail(Args args) {
  const Usage usage{
      .command = "weir room tail",
      .synopsis = "ROOM",
      .summary =
          "Follows a room: one line for each event, or with --json the event. Goes on where "
          "it was when "
          "the connection is lost.",
      .options = {{"from", "OFFSET",
                   "Begin with this event; 0: the oldest; -N: so many of the newest (default: "
                   "with new ones)"}},
      .examples = {"weir room tail lobby", "weir room tail lobby --from 0 --json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto path = path_of(parsed, "/events") +
                      query_of({{"follow", "true"}, {"from_offset", parsed.text("from")}});
    return follow(context, {.path = path, .show = [&](const auto& event) {
                              const auto parsed_event = Json::parse(event.data, nullptr, false);
                              print(context.json() || !parsed_event.is_object()
                                        ? event.data + "\n"
                                        : line_of(parsed_event));
                              return true;
                            }});
  });
}

int list(Args args) {
  const Usage usage{.command = "weir room list",
                    .summary = "Lists rooms by name.",
                    .options = paged({}, {.usual = 100, .most = 10000}),
                    .examples = {"weir room list"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/rooms" + query}));
    const auto now = SystemClock().wall();
    Table table({"ROOM", "NEWEST", "ACTIVE"}, "No rooms.\n");
    for (const auto& room : page.value("rooms", Json::array())) {
      table.add({printable(field(room, "room")), field(room, "newest_offset"),
                 relative_time(field(room, "last_activity"), now)});
    }
    return print_page(context, page, table.render(context.colours()));
  });
}

int stats(Args args) {
  const Usage usage{.command = "weir room stats",
                    .synopsis = "ROOM",
                    .summary = "Figures of a room.",
                    .examples = {"weir room stats lobby"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.path = path_of(parsed)}));
    print(pretty(answer));
    return kOk;
  });
}

int create(Args args) {
  const Usage usage{.command = "weir room create",
                    .synopsis = "ROOM",
                    .summary = "Makes a room.",
                    .examples = {"weir room create lobby"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "PUT", .path = path_of(parsed)}));
    return context.show(answer, "room " + parsed.operand(0) + " is there\n");
  });
}

int remove(Args args) {
  const Usage usage{.command = "weir room delete",
                    .synopsis = "ROOM",
                    .summary = "Deletes a room and its events.",
                    .options = {kYesOption},
                    .examples = {"weir room delete lobby --yes"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(confirmed(parsed, "this deletes the room and its events"));
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE", .path = path_of(parsed)}));
    return context.show(answer, "room " + parsed.operand(0) + " deleted\n");
  });
}

}  // namespace

int run_room(Args args) {
  return run_group("weir room", "Rooms: ordered streams of events.",
                   {{"create", "Make a room", create},
                    {"list", "List rooms", list},
                    {"publish", "Append an event", publish},
                    {"history", "Events that are kept", history},
                    {"tail", "Follow a room", tail},
                    {"stats", "Figures of a room", stats},
                    {"delete", "Delete a room and its events", remove}},
                   args);
}

}  // namespace weir::cli
