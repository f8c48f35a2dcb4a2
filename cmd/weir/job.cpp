// `weir job`: one job, or a list of them.
#include "cmd/weir/commands.hpp"
#include "cmd/weir/job_view.hpp"

namespace weir::cli {
namespace {

Usage usage_of(const std::string& verb, std::string summary, std::vector<Option> options,
               std::string example) {
  return {.command = "weir job " + verb,
          .synopsis = "ID [options]",
          .summary = std::move(summary),
          .options = with_common(std::move(options)),
          .examples = {std::move(example)},
          .min_operands = 1,
          .max_operands = 1};
}

constexpr const char* kId = "019ac3f0-7c1e-7000-8000-000000000001";

std::string example(const std::string& rest) {
  return "weir job " + rest;
}

int get(Args args) {
  const auto usage =
      usage_of("get", "Shows everything about a job.", {}, example(std::string("get ") + kId));
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto job, context.ask({.path = job_path(parsed.operand(0))}));
    print(context.json() ? pretty(job) : job_details(job, context.colours()));
    return kOk;
  });
}

int wait(Args args) {
  const auto usage =
      usage_of("wait", "Waits until a job ends. Exit code 0 when it completed, 1 when it did not.",
               {{"timeout", "TIME", "Give up after this time (default: never)"}},
               example(std::string("wait ") + kId + " --timeout 5m"));
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto limit, parsed.duration("timeout", Millis{0}));
    WEIR_ASSIGN(const auto job, wait_for_job(context, parsed.operand(0), limit));
    print(context.json() ? pretty(job) : job_details(job, context.colours()));
    return field(job, "status") == "completed" ? kOk : kFailed;
  });
}

int timeline(Args args) {
  const auto usage = usage_of("timeline", "Shows what happened to a job, oldest first.", {},
                              example(std::string("timeline ") + kId));
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = job_path(parsed.operand(0), "/timeline")}));
    Table table({"AT", "EVENT", "ATTEMPT", "WORKER", "ERROR"});
    if (const auto items = page.find("items"); items != page.end()) {
      for (const auto& item : *items) {
        table.add({field(item, "at"), field(item, "event"), field(item, "attempt"),
                   field(item, "worker"), shorten(error_text(item), 60)});
      }
    }
    print_page(context, page, table.render(context.colours()));
    return kOk;
  });
}

// Posts to a job and shows what became of it.
Result<int> act(const Parsed& parsed, Context& context, Call call) {
  WEIR_ASSIGN(const auto job, context.ask(call));
  if (context.json()) {
    print(pretty(job));
  } else {
    const auto status = field(job, "status");
    print("job " + (field(job, "id") == "-" ? parsed.operand(0) : field(job, "id")) + " is " +
          paint(status, status_colour(status), context.colours()) + "\n");
  }
  return kOk;
}

int cancel(Args args) {
  const auto usage = usage_of(
      "cancel", "Cancels a job: at once while it waits, by a sign to its worker while it runs.", {},
      example(std::string("cancel ") + kId));
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    return act(parsed, context,
               {.method = "POST", .path = job_path(parsed.operand(0), "/cancel"), .body = "{}"});
  });
}

int retry(Args args) {
  const auto usage =
      usage_of("retry", "Makes a finished job ready again, with a fresh set of attempts.",
               {{"as-new", "", "Submit a copy under a new id instead"}},
               example(std::string("retry ") + kId));
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const bool as_new = parsed.has("as-new");
    return act(parsed, context,
               {.method = "POST",
                .path = job_path(parsed.operand(0), "/retry"),
                .body = as_new ? R"({"as_new":true})" : "{}",
                .repeat = Repeat::never});
  });
}

int promote(Args args) {
  const auto usage = usage_of("promote", "Runs a scheduled job as soon as possible.", {},
                              example(std::string("promote ") + kId));
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    return act(parsed, context,
               {.method = "POST",
                .path = job_path(parsed.operand(0), "/promote"),
                .body = "{}",
                .repeat = Repeat::never});
  });
}

int remove(Args args) {
  const auto usage = usage_of("delete", "Deletes a job that does not run.", {},
                              example(std::string("delete ") + kId));
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE",
                                                .path = job_path(parsed.operand(0)),
                                                .repeat = Repeat::never}));
    print(context.json() ? pretty(answer) : "job " + parsed.operand(0) + " deleted\n");
    return kOk;
  });
}

int list(Args args) {
  const Usage usage{
      .command = "weir job list",
      .synopsis = "[options]",
      .summary = "Lists jobs, filtered.",
      .options = with_common({{"status", "WORD",
                               "scheduled, blocked, unprocessed, processing, completed, failed, "
                               "cancelled or dlq"},
                              {"q,queue", "NAME", "Only this queue"},
                              {"type", "NAME", "Only this type"},
                              {"tag", "TAG", "Only jobs with this tag"},
                              {"key", "KEY", "Only this key"},
                              {"worker", "NAME", "Only jobs of this worker"},
                              {"limit", "N", "Jobs per page, 1 to 1000 (default 50)"},
                              {"cursor", "TEXT", "Go on where a page ended"}}),
      .examples = {"weir job list --status failed --queue emails",
                   "weir job list --json --limit 1000"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(parsed.number("limit", 50, 1, 1000));
    const auto query = query_of({{"status", parsed.text("status")},
                                 {"queue", parsed.text("queue")},
                                 {"type", parsed.text("type")},
                                 {"tag", parsed.text("tag")},
                                 {"key", parsed.text("key")},
                                 {"worker", parsed.text("worker")},
                                 {"limit", parsed.text("limit")},
                                 {"cursor", parsed.text("cursor")}});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/jobs" + query}));
    print_page(context, page, job_table(page, context.colours()));
    return kOk;
  });
}

}  // namespace

int run_job(Args args) {
  return run_group("weir job", "Jobs: look at them, wait for them, change their course.",
                   {{"get", "Everything about one job", get},
                    {"list", "Jobs, filtered", list},
                    {"wait", "Wait until a job ends", wait},
                    {"timeline", "What happened to a job", timeline},
                    {"cancel", "Cancel a job", cancel},
                    {"retry", "Make a finished job ready again", retry},
                    {"promote", "Run a scheduled job now", promote},
                    {"delete", "Delete a job", remove}},
                   args);
}

}  // namespace weir::cli
