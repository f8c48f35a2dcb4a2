// `weir queue`: queues and their configuration.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_view.hpp"
#include "pkg/config/loader.hpp"

namespace weir::cli {
namespace {

std::string queue_path(const std::string& name, std::string_view rest = {}) {
  return "/v1/queues/" + encode(name) + std::string(rest);
}

int list(Args args) {
  const Usage usage{.command = "weir queue list",
                    .summary = "Lists the queues with the number of jobs in each status.",
                    .options = paged({}, {.usual = 100}),
                    .examples = {"weir queue list"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/queues" + query}));
    Table table(
        {"QUEUE", "STATE", "READY", "SCHEDULED", "PROCESSING", "COMPLETED", "FAILED", "DLQ"},
        "No queues.\n");
    for (const auto& queue : page.value("items", Json::array())) {
      const auto counts = queue.value("counts", Json::object());
      const bool paused = queue.value("paused", false);
      table.add({field(queue, "name"), paused ? "paused" : "active", field(counts, "unprocessed"),
                 field(counts, "scheduled"), field(counts, "processing"),
                 field(counts, "completed"), field(counts, "failed"), field(counts, "dlq")},
                paused ? Colour::yellow : Colour::none);
    }
    return print_page(context, page, table.render(context.colours(), 1));
  });
}

int get(Args args) {
  const Usage usage{.command = "weir queue get",
                    .synopsis = "QUEUE",
                    .summary = "Shows a queue: its configuration and counts.",
                    .examples = {"weir queue get emails"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto queue, context.ask({.path = queue_path(parsed.operand(0))}));
    return context.show(queue, job_details(queue, context.colours()));
  });
}

int set(Args args) {
  const Usage usage{
      .command = "weir queue set",
      .synopsis = "QUEUE",
      .summary = "Replaces the configuration of a queue; makes the queue when it is new.",
      .options = {{"config", "JSON", "The configuration"},
                  {"config-file", "FILE", "File that holds it"}},
      .examples = {R"(weir queue set emails --config '{"max_attempts":5,"concurrency":10}')",
                   R"(weir queue set imports --config '{"rate":{"limit":100,"per_ms":1000}}')"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    std::string body = parsed.text("config");
    if (parsed.has("config") == parsed.has("config-file")) {
      return bad_argument("give one of --config and --config-file");
    }
    if (parsed.has("config-file")) {
      WEIR_ASSIGN(body, config::load_file(parsed.text("config-file")));
    }
    WEIR_ASSIGN(const auto queue, context.ask({.method = "PUT",
                                               .path = queue_path(parsed.operand(0)),
                                               .body = std::move(body)}));
    return context.show(queue, job_details(queue, context.colours()));
  });
}

// POST /v1/queues/QUEUE/VERB, then one line for people.
int simple(Args args, const std::string& verb, std::string summary, std::string done) {
  const Usage usage{.command = "weir queue " + verb,
                    .synopsis = "QUEUE",
                    .summary = std::move(summary),
                    .examples = {"weir queue " + verb + " emails"}};
  return run_with_server(usage, args, [&](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = queue_path(parsed.operand(0), "/" + verb),
                                                .body = "{}"}));
    return context.show(answer, "queue " + parsed.operand(0) + " " + done + "\n");
  });
}

int pause(Args args) {
  return simple(args, "pause", "Stops leasing from a queue; running jobs go on.", "paused");
}

int resume(Args args) {
  return simple(args, "resume", "Leases from a paused queue again.", "resumed");
}

int purge(Args args) {
  const Usage usage{.command = "weir queue purge",
                    .synopsis = "QUEUE",
                    .summary = "Deletes every waiting job of a queue.",
                    .options = {kYesOption},
                    .examples = {"weir queue purge emails --yes"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(confirmed(parsed, "this deletes every waiting job of " + parsed.operand(0)));
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = queue_path(parsed.operand(0), "/purge"),
                                                .body = "{}"}));
    return context.show(answer, human_count(number(answer, "purged")) + " jobs deleted\n");
  });
}

int remove(Args args) {
  const Usage usage{.command = "weir queue delete",
                    .synopsis = "QUEUE",
                    .summary = "Deletes a queue without jobs.",
                    .examples = {"weir queue delete emails"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE",
                                                .path = queue_path(parsed.operand(0)),
                                                .repeat = Repeat::never}));
    return context.show(answer, "queue " + parsed.operand(0) + " deleted\n");
  });
}

}  // namespace

int run_queue(Args args) {
  return run_group("weir queue", "Queues: counts, configuration, pause and purge.",
                   {{"list", "All queues with their counts", list},
                    {"get", "One queue with its configuration", get},
                    {"set", "Configure a queue", set},
                    {"pause", "Stop leasing from a queue", pause},
                    {"resume", "Lease from a paused queue again", resume},
                    {"purge", "Delete every waiting job", purge},
                    {"delete", "Delete an empty queue", remove}},
                   args);
}

}  // namespace weir::cli
