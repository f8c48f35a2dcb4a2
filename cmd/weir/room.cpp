// `weir room`: ordered streams of events.

#include "cmd/weir/commands.hpp"
#include "cmd/weir/follow.hpp"
#include "cmd/weir/job_view.hpp"

namespace weir::cli {
namespace {

Usage usage_of(const std::string& verb, std::string synopsis, std::string summary,
               std::vector<Option> options, std::vector<std::string> examples,
               std::size_t min_operands, std::size_t max_operands) {
  return {.command = "weir room " + verb,
          .synopsis = std::move(synopsis),
          .summary = std::move(summary),
          .options = with_common(std::move(options)),
          .examples = std::move(examples),
          .min_operands = min_operands,
          .max_operands = max_operands};
}

std::string path_of(const Parsed& parsed, const std::string& more = "") {
  return "/v1/rooms/" + encode(parsed.operand(0)) + more;
}

// What is JSON stays so; anything else is a text.
Json data_of(const std::string& text) {
  auto parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json(text) : parsed;
}

std::string line_of(const Json& event) {
  const auto data = event.find("data");
  std::string line = field(event, "offset") + "  " + printable(field(event, "event_type"));
  if (data != event.end()) {
    line += "  " + printable(data->dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return line + "\n";
}

int publish(Args args) {
  const auto usage =
      usage_of("publish", "ROOM TYPE DATA [options]",
               "Appends an event to a room, which is made when it is not there. DATA is JSON, or a "
               "text.",
               {}, {"weir room publish lobby message '{\"text\":\"hello\"}'"}, 3, 3);
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const Json body{{"event_type", parsed.operand(1)}, {"data", data_of(parsed.operand(2))}};
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "POST",
                             .path = path_of(parsed, "/events"),
                             .body = body.dump(-1, ' ', false, Json::error_handler_t::replace),
                             .repeat = Repeat::never}));
    print(context.json() ? pretty(answer) : "offset " + field(answer, "offset") + "\n");
    return kOk;
  });
}

int history(Args args) {
  const auto usage = usage_of("history", "ROOM [options]", "Events that are kept, oldest first.",
                              {{"from", "OFFSET", "The first; -N: so many of the newest"},
                               {"to", "OFFSET", "The last"},
                               {"limit", "N", "1 to 1000 (default: 100)"}},
                              {"weir room history lobby --limit 20"}, 1, 1);
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
  const auto usage =
      usage_of("tail", "ROOM [options]",
               "Follows a room: one line for each event, or with --json the event. Goes on where "
               "it was when "
               "the connection is lost.",
               {{"from", "OFFSET",
                 "Begin with this event; 0: the oldest; -N: so many of the newest (default: "
                 "with new ones)"}},
               {"weir room tail lobby", "weir room tail lobby --from 0 --json"}, 1, 1);
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
  const auto usage = usage_of("list", "[options]", "Lists rooms by name.",
                              {{"limit", "N", "Per page, 1 to 10000 (default: 100)"},
                               {"cursor", "TEXT", "Go on where a page ended"}},
                              {"weir room list"}, 0, 0);
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query =
        query_of({{"limit", parsed.text("limit")}, {"cursor", parsed.text("cursor")}});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/rooms" + query}));
    const auto now = SystemClock().wall();
    Table table({"ROOM", "NEWEST", "ACTIVE"});
    for (const auto& room : page.value("rooms", Json::array())) {
      table.add({printable(field(room, "room")), field(room, "newest_offset"),
                 relative_time(field(room, "last_activity"), now)});
    }
    print_page(context, page, table.empty() ? "No rooms.\n" : table.render(context.colours()));
    return kOk;
  });
}

int stats(Args args) {
  const auto usage = usage_of("stats", "ROOM [options]", "Figures of a room.", {},
                              {"weir room stats lobby"}, 1, 1);
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.path = path_of(parsed)}));
    print(pretty(answer));
    return kOk;
  });
}

int create(Args args) {
  const auto usage =
      usage_of("create", "ROOM [options]", "Makes a room.", {}, {"weir room create lobby"}, 1, 1);
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "PUT", .path = path_of(parsed)}));
    print(context.json() ? pretty(answer) : "room " + parsed.operand(0) + " is there\n");
    return kOk;
  });
}

int remove(Args args) {
  const auto usage = usage_of("delete", "ROOM [options]", "Deletes a room and its events.", {},
                              {"weir room delete lobby"}, 1, 1);
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE", .path = path_of(parsed)}));
    print(context.json() ? pretty(answer) : "room " + parsed.operand(0) + " deleted\n");
    return kOk;
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
