#include "cmd/weir/jobs/redrive.hpp"

#include <thread>

#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_filter.hpp"
#include "cmd/weir/jobs/job_view.hpp"
#include "pkg/json/view.hpp"

namespace weir::cli {
namespace {

constexpr Millis kLookEvery{500};
constexpr const char* kPath = "/v1/dlq/redrive";

std::string text_of(const Json& body) {
  return compact(body);
}

std::string progress_of(const Json& redrive) {
  return human_count(number(redrive, "redriven")) + " redriven, " +
         human_count(number(redrive, "skipped")) + " skipped, " +
         human_count(number(redrive, "failed")) + " failed";
}

std::string line_of(const Json& redrive) {
  return "redrive " + field(redrive, "id") + " is " + field(redrive, "state") + ": " +
         progress_of(redrive) + "\n";
}

// Until it has ended, with its progress on standard error.
Result<Json> wait_for_redrive(Context& context, const std::string& id) {
  while (true) {
    WEIR_ASSIGN(auto redrive, context.ask({.path = "/v1/dlq/redrives/" + encode(id)}));
    if (field(redrive, "state") != "running") return redrive;
    std::fprintf(stderr, "%s so far\n", progress_of(redrive).c_str());
    std::this_thread::sleep_for(kLookEvery);
  }
}

// One that goes on by itself.
Result<int> start(const Parsed& parsed, Context& context) {
  Json body = Json::object();
  if (parsed.operands().empty()) {
    body["filter"] = filter_of(parsed);
  } else {
    body["ids"] = parsed.operands();
  }
  if (parsed.has("rate")) {
    WEIR_ASSIGN(body["rate_per_s"], parsed.number("rate", 1, 1, 1'000'000));
  }
  if (parsed.has("patch")) {
    const auto patch = parsed.text("patch");
    if (!json::check(patch)) return bad_argument("--patch wants JSON", "not " + patch);
    body["patch"] = Json::parse(patch);
  }
  WEIR_ASSIGN(
      auto redrive,
      context.ask(
          {.method = "POST", .path = kPath, .body = text_of(body), .repeat = Repeat::never}));
  const auto id = field(redrive, "id");
  if (parsed.has("wait")) {
    WEIR_ASSIGN(redrive, wait_for_redrive(context, id));
  }
  if (context.json()) {
    print(pretty(redrive));
  } else if (parsed.has("wait")) {
    print(line_of(redrive));
  } else {
    print("redrive " + id + " goes on: weir dlq redrives " + id + "\n");
  }
  return kOk;
}

Result<int> redrive(const Parsed& parsed, Context& context) {
  const bool dry_run = parsed.has("dry-run");
  const bool timed = parsed.has("rate") || parsed.has("patch");
  if (parsed.operands().empty() != has_filter(parsed)) {
    return bad_argument("give either ids or which dead letters: --queue, --error, ...");
  }
  if (dry_run && !parsed.operands().empty()) {
    return bad_argument("--dry-run does not go with ids");
  }
  if (timed && !dry_run) return start(parsed, context);
  Json total;
  if (parsed.operands().empty()) {
    WEIR_ASSIGN(total, change_pages(parsed, context, kPath, Json::object()));
  } else {
    const Json body{{"filter", {{"ids", parsed.operands()}}}};
    WEIR_ASSIGN(total, context.ask({.method = "POST", .path = kPath, .body = text_of(body)}));
  }
  if (context.json()) {
    print(pretty(total));
  } else if (dry_run) {
    for (const auto& id : total.value("ids", Json::array())) print(id.get<std::string>() + "\n");
    print(counted(number(total, "matched"), "dead letter", "dead letters") +
          " would be redriven\n");
  } else {
    print(counted(total.value("redriven", 0), "dead letter", "dead letters") + " redriven\n");
  }
  return kOk;
}

}  // namespace

int run_redrive(Args args) {
  const Usage usage{
      .command = "weir dlq redrive",
      .synopsis = "[ID...]",
      .summary =
          "Makes dead letters ready again, with fresh attempts: those named, or all that the "
          "options name. With --rate or --patch the server goes on by itself.",
      .options = filter_options(FilterStatus::fixed,
                                {{"rate", "N", "So many per second (default: all now)"},
                                 {"patch", "JSON", "Merge this into each payload (RFC 7386)"},
                                 {"wait", "", "With --rate or --patch: until all are redriven"},
                                 {"dry-run", "", "Only say which they would be"}}),
      .examples = {"weir dlq redrive --queue emails",
                   "weir dlq redrive --error timeout --rate 50 --wait",
                   "weir dlq redrive --queue emails --patch '{\"relay\":\"mx2\"}'",
                   "weir dlq redrive 019ac3f0-7c1e-7000-8000-000000000001"}};
  return run_with_server(usage, args, redrive);
}

int run_redrives(Args args) {
  const Usage usage{
      .command = "weir dlq redrives",
      .synopsis = "[ID]",
      .summary = "Shows how far redrives with a rate or a patch are, newest first.",
      .options = paged({}),
      .examples = {"weir dlq redrives", "weir dlq redrives 019ac3f0-7c1e-7000-8000-000000000001"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    if (!parsed.operands().empty()) {
      const auto path = "/v1/dlq/redrives/" + encode(parsed.operand(0));
      WEIR_ASSIGN(const auto one, context.ask({.path = path}));
      return context.show(one, line_of(one));
    }
    const auto query = query_of(parsed, {"limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/dlq/redrives" + query}));
    Table table({"ID", "STATE", "QUEUE", "RATE", "REDRIVEN", "SKIPPED", "FAILED", "BEGAN"},
                "No redrives.\n");
    for (const auto& item : page.value("items", Json::array())) {
      table.add({field(item, "id"), field(item, "state"), field(item, "queue"),
                 field(item, "rate_per_s"), field(item, "redriven"), field(item, "skipped"),
                 field(item, "failed"), field(item, "created_at")});
    }
    return print_page(context, page, table.render(context.colours()));
  });
}

int run_stop_redrive(Args args) {
  const Usage usage{.command = "weir dlq stop",
                    .synopsis = "ID",
                    .summary = "Stops a redrive; what it has redriven stays so.",
                    .examples = {"weir dlq stop 019ac3f0-7c1e-7000-8000-000000000001"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto path = "/v1/dlq/redrives/" + encode(parsed.operand(0)) + "/cancel";
    WEIR_ASSIGN(const auto redrive, context.ask({.method = "POST", .path = path, .body = "{}"}));
    return context.show(redrive, line_of(redrive));
  });
}

}  // namespace weir::cli
