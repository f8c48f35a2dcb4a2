// `weir webhook`: deliveries of webhooks.
#include <thread>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_view.hpp"

namespace weir::cli {
namespace {

constexpr std::string_view kDeliveries = "/v1/webhooks/deliveries";
constexpr Millis kLookAgain{100};

Colour colour_of(const std::string& status) {
  if (status == "dead") return Colour::red;
  return status == "delivered" ? Colour::green : Colour::yellow;
}

std::string time_field(const Json& delivery, std::string_view name) {
  return relative_time(field(delivery, name), SystemClock().wall());
}

int list(Args args) {
  const Usage usage{
      .command = "weir webhook list",
      .summary = "Lists deliveries of webhooks, newest first.",
      .options = paged(
          {{"status", "WORD", "pending, delivered or dead"}, {"q,queue", "NAME", "Of this queue"}}),
      .examples = {"weir webhook list --status dead", "weir webhook list --queue emails"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"status", "queue", "limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = std::string(kDeliveries) + query}));
    Table table({"ID", "STATUS", "EVENT", "SUBJECT", "ATTEMPTS", "NEXT", "ERROR"},
                "No deliveries.\n");
    for (const auto& each : page.value("items", Json::array())) {
      table.add({field(each, "id"), field(each, "status"), field(each, "event"),
                 shorten(field(each, "subject"), 40), field(each, "attempts"),
                 time_field(each, "next_attempt_at"), shorten(field(each, "error"), 60)},
                colour_of(field(each, "status")));
    }
    return print_page(context, page, table.render(context.colours(), 1));
  });
}

Result<Json> ask_delivery(Context& context, const std::string& id) {
  return context.ask({.path = std::string(kDeliveries) + "/" + encode(id)});
}

int show(Args args) {
  const Usage usage{.command = "weir webhook show",
                    .synopsis = "ID",
                    .summary = "Shows a delivery: where it goes, what came of it, and its body.",
                    .examples = {"weir webhook show msg_0k2f9d1h8c7b-812-1"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto delivery, ask_delivery(context, parsed.operand(0)));
    return context.show(delivery, job_details(delivery, context.colours()));
  });
}

// Dead deliveries: those named, or all of a queue.
Result<Json> change(const Parsed& parsed, Context& context, const std::string& verb) {
  if (parsed.operands().empty() != parsed.has("queue")) {
    return bad_argument("give either ids or --queue NAME");
  }
  Json body = Json::object();
  if (parsed.has("queue")) {
    body["queue"] = parsed.text("queue");
  } else {
    body["ids"] = parsed.operands();
  }
  return context.ask(
      {.method = "POST", .path = std::string(kDeliveries) + "/" + verb, .body = compact(body)});
}

int redrive(Args args) {
  const Usage usage{.command = "weir webhook redrive",
                    .synopsis = "[ID...] [--queue NAME]",
                    .summary = "Tries dead deliveries again, with fresh attempts.",
                    .options = {{"q,queue", "NAME", "All dead deliveries of this queue"}},
                    .examples = {"weir webhook redrive --queue emails",
                                 "weir webhook redrive msg_0k2f9d1h8c7b-812-1"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, change(parsed, context, "redrive"));
    return context.show(
        answer, counted(number(answer, "redriven"), "delivery", "deliveries") + " redriven\n");
  });
}

int purge(Args args) {
  const Usage usage{
      .command = "weir webhook purge",
      .synopsis = "[ID...] [--queue NAME]",
      .summary = "Deletes dead deliveries.",
      .options = {{"q,queue", "NAME", "All dead deliveries of this queue"}, kYesOption},
      .examples = {"weir webhook purge --queue emails --yes"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(confirmed(parsed, "this deletes dead deliveries for good"));
    WEIR_ASSIGN(const auto answer, change(parsed, context, "purge"));
    return context.show(answer,
                        counted(number(answer, "purged"), "delivery", "deliveries") + " purged\n");
  });
}

// Until the first attempt was made.
Result<Json> first_attempt(Context& context, const std::string& id, MonoTime until) {
  while (true) {
    WEIR_ASSIGN(auto delivery, ask_delivery(context, id));
    const bool tried = number(delivery, "attempts") > 0;
    if (tried || SystemClock().mono() >= until) return delivery;
    std::this_thread::sleep_for(kLookAgain);
  }
}

int test(Args args) {
  const Usage usage{.command = "weir webhook test",
                    .synopsis = "QUEUE",
                    .summary = "Sends a test to the webhook of a queue, and says what came of it.",
                    .options = {{"wait", "TIME", "How long to wait (default 30s)"}},
                    .examples = {"weir webhook test emails"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto wait, parsed.duration("wait", std::chrono::seconds(30)));
    WEIR_ASSIGN(const auto made,
                context.ask({.method = "POST",
                             .path = "/v1/queues/" + encode(parsed.operand(0)) + "/webhook/test",
                             .body = "{}"}));
    WEIR_ASSIGN(const auto delivery,
                first_attempt(context, field(made, "id"), SystemClock().mono() + wait));
    const auto status = field(delivery, "status");
    if (context.json()) {
      print(pretty(delivery));
    } else if (status == "delivered") {
      print("delivered, the receiver answered " + field(delivery, "response_status") + "\n");
    } else {
      print(status + " after " + field(delivery, "attempts") +
            " attempts, error: " + printable(field(delivery, "error")) + "\n");
    }
    return status == "delivered" ? kOk : kFailed;
  });
}

}  // namespace

int run_webhook(Args args) {
  return run_group("weir webhook", "Deliveries of webhooks.",
                   {{"list", "Deliveries, newest first", list},
                    {"show", "One delivery with its body", show},
                    {"redrive", "Try dead ones again", redrive},
                    {"purge", "Delete dead ones", purge},
                    {"test", "Send a test", test}},
                   args);
}

}  // namespace weir::cli
