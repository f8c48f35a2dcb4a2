// `weir stream pub|get|tail`: messages of streams.
#include <limits>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/follow.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/data/stream_view.hpp"

namespace weir::cli {
namespace {

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

// "Name:value" each.
Result<Json> headers_of(const std::vector<std::string>& pairs) {
  Json out = Json::object();
  for (const auto& pair : pairs) {
    const auto colon = pair.find(':');
    if (colon == std::string::npos || colon == 0) {
      return bad_argument("--header takes NAME:VALUE", pair);
    }
    out[pair.substr(0, colon)] = pair.substr(colon + 1);
  }
  return out;
}

std::string show_event(const Context& context, const EventParser::Event& event) {
  if (event.type == "reset") {
    print_error({Code::conflict, "stream_made_anew", "The stream is another one by now",
                 "it is read from its beginning"});
  }
  if (event.type != "message") return {};
  if (context.json()) return event.data + "\n";
  const auto message = Json::parse(event.data, nullptr, false);
  return message.is_object() ? message_line(message, SystemClock().wall()) : std::string();
}

}  // namespace

int stream_pub(Args args) {
  const Usage usage{
      .command = "weir stream pub",
      .synopsis = "STREAM MESSAGE|-",
      .summary =
          "Stores a message. What is JSON is stored as JSON, anything else as text; - reads it "
          "from "
          "standard input.",
      .options = {{"subject", "SUBJECT", "One of the stream's (default: its only one)"},
                  {"header", "NAME:VALUE", "A header; may be given more than once"},
                  {"id", "TEXT", "Stored once within the stream's duplicate window"},
                  {"expect", "SEQ", "Only when this is the stream's last sequence"},
                  {"expect-subject", "SEQ",
                   "Only when this is the subject's last sequence; 0: none"}},
      .examples = {"weir stream pub orders '{\"id\":7}' --subject orders.eu",
                   "weir stream pub orders hello --subject orders.eu --id order-7"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    auto body = message_body(parsed.operand(1));
    if (parsed.has("subject")) body["subject"] = parsed.text("subject");
    if (parsed.has("id")) body["id"] = parsed.text("id");
    if (parsed.has("header")) {
      WEIR_ASSIGN(body["headers"], headers_of(parsed.all("header")));
    }
    if (parsed.has("expect")) {
      WEIR_ASSIGN(body["expected_sequence"], parsed.number("expect", 0, 0, kMost));
    }
    if (parsed.has("expect-subject")) {
      WEIR_ASSIGN(body["expected_subject_sequence"], parsed.number("expect-subject", 0, 0, kMost));
    }
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "POST",
                             .path = stream_path(parsed.operand(0)) + "/messages",
                             .body = compact(body),
                             .repeat = parsed.has("id") ? Repeat::safe : Repeat::never}));
    const bool known = answer.value("duplicate", false);
    return context.show(answer, "sequence " + field(answer, "sequence") +
                                    (known ? " (it was there already)\n" : "\n"));
  });
}

int stream_get(Args args) {
  const Usage usage{
      .command = "weir stream get",
      .synopsis = "STREAM [SEQUENCE]",
      .summary = "Prints the data of one message, or a line for each of a page of them.",
      .options = {{"from", "SEQ", "From this sequence on; -10: the last ten (default: the first)"},
                  {"since", "TIME", "In place of it: stored then or later (RFC 3339)"},
                  {"subject", "SUBJECT", "Only what matches; * and > as NATS has them"},
                  {"limit", "N", "1 to 1000 (default: 100)"}},
      .examples = {"weir stream get orders 17",
                   "weir stream get orders --from -10 --subject 'orders.*'"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto path = stream_path(parsed.operand(0)) + "/messages";
    if (!parsed.operand(1).empty()) {
      WEIR_ASSIGN(const auto message,
                  context.ask({.path = path + "/" + encode(parsed.operand(1))}));
      return context.show(message, message_data(message) + "\n");
    }
    const auto query = query_of(parsed, {"from", "since", "subject", "limit"});
    WEIR_ASSIGN(const auto page, context.ask({.path = path + query}));
    if (context.json()) {
      print(pretty(page));
      return kOk;
    }
    const auto now = SystemClock().wall();
    std::string lines;
    for (const auto& message : page.value("items", Json::array())) {
      lines += message_line(message, now);
    }
    const auto next = field(page, "next_from");
    if (next != "-") lines += "(more: --from " + next + ")\n";
    print(lines);
    return kOk;
  });
}

int stream_tail(Args args) {
  const Usage usage{
      .command = "weir stream tail",
      .synopsis = "STREAM",
      .summary =
          "Follows the messages of a stream, one line each, or with --json the message. Goes on "
          "where "
          "it was when the connection is lost.",
      .options = {{"from", "SEQ",
                   "Begin with this sequence; -10: the last ten (default: from now on)"},
                  {"subject", "SUBJECT", "Only what matches; * and > as NATS has them"}},
      .examples = {"weir stream tail orders",
                   "weir stream tail orders --from 1 --subject 'orders.eu.>' --json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto path =
        stream_path(parsed.operand(0)) + "/tail" + query_of(parsed, {"from", "subject"});
    return follow(context, {.path = path, .show = [&](const auto& event) {
                              print(show_event(context, event));
                              return true;
                            }});
  });
}

}  // namespace weir::cli
