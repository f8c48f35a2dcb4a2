// `weir stream consumer`: durable pull consumers.
#include "cmd/weir/data/stream_view.hpp"

namespace weir::cli {
namespace {

std::string consumers_path(const Parsed& parsed) {
  return stream_path(parsed.operand(0)) + "/consumers";
}
std::string consumer_path(const Parsed& parsed) {
  return consumers_path(parsed) + "/" + encode(parsed.operand(1));
}

int list(Args args) {
  const Usage usage{.command = "weir stream consumer list",
                    .synopsis = "STREAM",
                    .summary = "The consumers of a stream.",
                    .examples = {"weir stream consumer list orders"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = consumers_path(parsed)}));
    Table table({"CONSUMER", "ACK", "PENDING", "UNACKED", "REDELIVERED", "DELIVERED"},
                "No consumers.\n");
    for (const auto& consumer : page.value("items", Json::array())) {
      const auto delivered = consumer.value("delivered", Json::object());
      table.add(
          {field(consumer, "name"), field(consumer, "ack_policy"),
           human_count(number(consumer, "pending")), human_count(number(consumer, "ack_pending")),
           human_count(number(consumer, "redelivered")), field(delivered, "stream_sequence")});
    }
    return context.show(page, table.render(context.colours()));
  });
}

int info(Args args) {
  const Usage usage{.command = "weir stream consumer info",
                    .synopsis = "STREAM CONSUMER",
                    .summary = "A consumer, as JSON.",
                    .examples = {"weir stream consumer info orders billing"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto consumer, context.ask({.path = consumer_path(parsed)}));
    print(pretty(consumer));
    return kOk;
  });
}

int create(Args args) {
  const Usage usage{
      .command = "weir stream consumer create",
      .synopsis = "STREAM CONSUMER",
      .summary = "Makes a durable pull consumer, or changes it.",
      .options = {{"filter", "LIST", "Subjects, with commas between them (default: all)"},
                  {"deliver", "WORD", "all, last, new or last_per_subject (default: all)"},
                  {"start", "SEQ", "In place of it: from this sequence on"},
                  {"ack", "WORD", "explicit, all or none (default: explicit)"},
                  {"ack-wait", "TIME",
                   "Given again when it is not answered so long (default: 30s)"},
                  {"max-deliver", "N", "Given at most so often (default: for ever)"},
                  {"max-pending", "N", "Unanswered ones at a time (default: 1000)"}},
      .examples = {
          "weir stream consumer create orders billing --filter 'orders.eu.>' --ack-wait 1m"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    Json body = Json::object();
    if (parsed.has("filter")) body["filter_subjects"] = comma_list(parsed.text("filter"));
    for (const std::string name : {"deliver", "ack"}) {
      if (parsed.has(name)) body[name] = parsed.text(name);
    }
    const std::vector<std::pair<std::string, std::string>> numbers{
        {"start", "start_sequence"},
        {"max-deliver", "max_deliver"},
        {"max-pending", "max_ack_pending"}};
    for (const auto& [option, member] : numbers) {
      if (!parsed.has(option)) continue;
      WEIR_ASSIGN(body[member], parsed.number(option, 0, 1, 1'000'000'000));
    }
    if (parsed.has("ack-wait")) {
      WEIR_ASSIGN(const auto wait, parsed.duration("ack-wait", Millis{0}));
      body["ack_wait_ms"] = wait.count();
    }
    WEIR_ASSIGN(const auto consumer,
                context.ask({.method = "PUT", .path = consumer_path(parsed), .body = body.dump()}));
    return context.show(consumer, "consumer " + parsed.operand(1) + " is there, " +
                                      counted(number(consumer, "pending"), "message", "messages") +
                                      " before it\n");
  });
}

int remove(Args args) {
  const Usage usage{.command = "weir stream consumer delete",
                    .synopsis = "STREAM CONSUMER",
                    .summary = "Deletes a consumer.",
                    .examples = {"weir stream consumer delete orders billing"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "DELETE", .path = consumer_path(parsed)}));
    return context.show(answer, "consumer " + parsed.operand(1) + " deleted\n");
  });
}

Result<void> acknowledge(const Parsed& parsed, Context& context, const Json& messages) {
  Json acks = Json::array();
  for (const auto& message : messages) acks.push_back(message.value("ack", ""));
  if (acks.empty()) return {};
  WEIR_TRY(context.ask({.method = "POST",
                        .path = consumer_path(parsed) + "/ack",
                        .body = Json{{"acks", std::move(acks)}}.dump()}));
  return {};
}

int next(Args args) {
  const Usage usage{
      .command = "weir stream consumer next",
      .synopsis = "STREAM CONSUMER",
      .summary =
          "Takes messages and prints them, one line each; acknowledged once they are printed.",
      .options = {{"count", "N", "Up to so many, 1 to 1000 (default: 1)"},
                  {"wait", "TIME", "How long to wait for one, up to 30s (default: 0)"},
                  {"no-ack", "", "Leave them unanswered: they come again"}},
      .examples = {"weir stream consumer next orders billing --count 10 --wait 5s"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto count, parsed.number("count", 1, 1, 1'000));
    WEIR_ASSIGN(const auto wait, parsed.duration("wait", Millis{0}));
    const Json body{{"max", count}, {"wait_ms", wait.count()}};
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = consumer_path(parsed) + "/fetch",
                                                .body = body.dump(),
                                                .repeat = Repeat::never,
                                                .wait = wait}));
    const auto messages = answer.value("messages", Json::array());
    std::string lines;
    for (const auto& message : messages) lines += message_line(message, SystemClock().wall());
    print(context.json() ? pretty(answer) : lines);
    if (!parsed.has("no-ack")) WEIR_TRY(acknowledge(parsed, context, messages));
    return kOk;
  });
}

}  // namespace

int stream_consumer(Args args) {
  return run_group("weir stream consumer", "Durable pull consumers of a stream.",
                   {{"list", "The consumers of a stream", list},
                    {"create", "Make a consumer, or change it", create},
                    {"info", "A consumer and where it stands", info},
                    {"next", "Take messages", next},
                    {"delete", "Delete a consumer", remove}},
                   args);
}

}  // namespace weir::cli
