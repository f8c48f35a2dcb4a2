// `weir pubsub`: publish messages, ask for replies, and follow topics.

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/follow.hpp"
#include "cmd/weir/cli/values.hpp"

namespace weir::cli {
namespace {

// The message and its metadata.
Result<Json> body_of(const Parsed& parsed) {
  Json body{{"message", json_or_text(text_or_stdin(parsed.operand(1)))}};
  if (parsed.has("metadata")) {
    auto metadata = Json::parse(parsed.text("metadata"), nullptr, false);
    if (!metadata.is_object()) return bad_argument("--metadata must be a JSON object");
    body["metadata"] = std::move(metadata);
  }
  return body;
}

int pub(Args args) {
  const Usage usage{
      .command = "weir pubsub pub",
      .synopsis = "TOPIC MESSAGE|-",
      .summary =
          "Publishes a message to whoever is subscribed now. MESSAGE is JSON, or a text; - reads "
          "it from standard input.",
      .options = {{"metadata", "JSON", "An object that travels with the message"}},
      .examples = {"weir pubsub pub orders.eu '{\"id\":7}'", "weir pubsub pub greetings hello"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto body, body_of(parsed));
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = "/v1/pubsub/" + encode(parsed.operand(0)),
                                                .body = compact(body),
                                                .repeat = Repeat::never}));
    return context.show(answer, field(answer, "message_id") + "\n");
  });
}

int request(Args args) {
  const Usage usage{
      .command = "weir pubsub request",
      .synopsis = "TOPIC MESSAGE|-",
      .summary =
          "Publishes a message, waits for the first reply of a NATS client that is subscribed to "
          "weir.pubsub.TOPIC, and prints it. MESSAGE is JSON, or a text; - reads it from standard "
          "input.",
      .options = {{"timeout", "TIME", "How long to wait, up to 60s (default 5s)"},
                  {"metadata", "JSON", "An object that travels with the message"}},
      .examples = {"weir pubsub request prices.eu '{\"sku\":7}' --timeout 2s"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(auto body, body_of(parsed));
    WEIR_ASSIGN(const auto timeout, parsed.duration("timeout", Millis(5'000)));
    body["timeout_ms"] = timeout.count();
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "POST",
                             .path = "/v1/pubsub/" + encode(parsed.operand(0)) + "/request",
                             .body = compact(body),
                             .repeat = Repeat::never,
                             .wait = timeout}));
    return context.show(answer, answer["message"].dump() + "\n");
  });
}

void show(const Context& context, const EventParser::Event& event) {
  const auto parsed = Json::parse(event.data, nullptr, false);
  if (event.type == "lagged") {
    return print_error({Code::conflict, "lagged", "Messages came faster than they were read",
                        field(parsed, "dropped") + " are missing"});
  }
  if (context.json() || !parsed.is_object()) return print(event.data + "\n");
  const auto found = parsed.find("message");
  const auto text = found == parsed.end() ? std::string() : found->dump();
  print(field(parsed, "topic") + "  " + text + "\n");
}

int sub(Args args) {
  const Usage usage{
      .command = "weir pubsub sub",
      .synopsis = "PATTERN",
      .summary =
          "Follows a topic: one line for each message, or with --json the whole of it. In a "
          "pattern `*` is one segment, and `#` at the end any number. Comes back by itself when "
          "the connection is lost; what is published meanwhile is not kept.",
      .examples = {"weir pubsub sub orders.eu", "weir pubsub sub 'orders.#' --json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    // The ids are those of messages: nothing is kept, so that there is no way back to them.
    return follow(context, {.path = "/v1/pubsub/" + encode(parsed.operand(0)),
                            .resumes = false,
                            .show = [&](const auto& event) {
                              show(context, event);
                              return true;
                            }});
  });
}

}  // namespace

int run_pubsub(Args args) {
  return run_group("weir pubsub", "Messages for whoever is subscribed, over core NATS.",
                   {{"pub", "Publish a message", pub},
                    {"request", "Publish a message and wait for a reply", request},
                    {"sub", "Follow a topic", sub}},
                   args);
}

}  // namespace weir::cli
