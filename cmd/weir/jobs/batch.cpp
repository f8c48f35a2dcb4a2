// `weir batch`: jobs that belong together.
#include <fstream>
#include <iostream>
#include <sstream>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_view.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {
namespace {

std::string batch_path(const std::string& id, std::string_view rest = {}) {
  return "/v1/batches/" + encode(id) + std::string(rest);
}

Result<void> callback_member(const Parsed& parsed, const std::string& option,
                             const std::string& member, json::Writer& out) {
  if (!parsed.has(option)) return {};
  const auto text = parsed.text(option);
  if (!json::check(text) || !json::View(text).is_object()) {
    return bad_argument("--" + option + " is not a JSON object",
                        R"(want a job such as '{"queue":"reports","type":"done"}')");
  }
  out.raw_member(member, text);
  return {};
}

// A JSON array of jobs, or one job on each line.
Result<std::string> read_jobs(const std::string& path) {
  std::stringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return bad_argument("cannot read " + path, "does it exist?");
    text << file.rdbuf();
  }
  const auto all = text.str();
  if (json::check(all) && json::View(all).is_array()) return all;
  std::string out;
  std::size_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (!json::check(line) || !json::View(line).is_object()) {
      return bad_argument(path + ": line " + std::to_string(number) + " is not a JSON object",
                          "want a JSON array of jobs, or one job on each line");
    }
    out.append(out.empty() ? "" : ",").append(line);
  }
  return "[" + out + "]";
}

Result<std::string> new_batch(const Parsed& parsed) {
  SystemClock clock;
  SystemRandom random;
  json::Writer out;
  out.begin_object().member("id", parsed.text("id", UuidGenerator(clock, random).next()));
  if (parsed.has("name")) out.member("name", parsed.text("name"));
  if (parsed.has("seal-after")) {
    WEIR_ASSIGN(const auto after, parsed.duration("seal-after", Millis{0}));
    out.member("seal_after_ms", static_cast<std::int64_t>(after.count()));
  }
  WEIR_TRY(callback_member(parsed, "on-success", "on_success", out));
  WEIR_TRY(callback_member(parsed, "on-complete", "on_complete", out));
  if (parsed.has("jobs")) {
    WEIR_ASSIGN(const auto jobs, read_jobs(parsed.text("jobs")));
    out.raw_member("jobs", jobs).member("seal", !parsed.has("open"));
  } else if (parsed.has("open")) {
    return bad_argument("--open belongs to --jobs", "a batch without jobs is open");
  }
  return out.end_object().take();
}

int create(Args args) {
  const Usage usage{
      .command = "weir batch create",
      .summary =
          "Makes a batch and prints its id. Without --jobs it is open: `weir submit --batch ID` "
          "adds jobs until `weir batch seal ID`.",
      .options = {{"id", "ID", "Id of the batch; making it again changes nothing"},
                  {"name", "TEXT", "What people call it"},
                  {"on-success", "JSON", "Job to submit when all jobs have completed"},
                  {"on-complete", "JSON", "Job to submit when all jobs have ended, however"},
                  {"jobs", "FILE",
                   "Its jobs, all or none: a JSON array, or one a line; - is stdin"},
                  {"open", "", "Take more jobs after those of --jobs"},
                  {"seal-after", "TIME",
                   "An open batch is sealed by itself after this (default 24h)"}},
      .examples = {R"(weir batch create --on-complete '{"queue":"reports","type":"imported"}')",
                   R"(weir batch create --name album --jobs jobs.json)"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(auto body, new_batch(parsed));
    WEIR_ASSIGN(const auto batch,
                context.ask({.method = "POST", .path = "/v1/batches", .body = std::move(body)}));
    return context.show(batch, field(batch, "id") + "\n");
  });
}

void show_one(const Context& context, const Json& batch) {
  print(context.json() ? pretty(batch) : job_details(batch, context.colours()));
}

int show(Args args) {
  const Usage usage{.command = "weir batch show",
                    .synopsis = "ID",
                    .summary = "Shows a batch: its counters, callbacks and times.",
                    .examples = {"weir batch show album-7"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto batch, context.ask({.path = batch_path(parsed.operand(0))}));
    show_one(context, batch);
    return kOk;
  });
}

int wait(Args args) {
  const Usage usage{
      .command = "weir batch wait",
      .synopsis = "ID",
      .summary = "Waits until a batch ends. Exit code 0 when it succeeded, 1 when it did not.",
      .options = {{"timeout", "TIME", "Give up after this time (default: never)"}},
      .examples = {"weir batch wait album-7 --timeout 1h"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto limit, parsed.duration("timeout", Millis{0}));
    const auto& id = parsed.operand(0);
    WEIR_ASSIGN(const auto batch,
                wait_for_end(context, {.what = "batch " + id, .path = batch_path(id)}, limit));
    show_one(context, batch);
    return field(batch, "status") == "succeeded" ? kOk : kFailed;
  });
}

int change(Args args, const std::string& verb, const std::string& summary) {
  const Usage usage{.command = "weir batch " + verb,
                    .synopsis = "ID",
                    .summary = summary,
                    .examples = {"weir batch " + verb + " album-7"}};
  return run_with_server(usage, args, [&](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto batch, context.ask({.method = "POST",
                                               .path = batch_path(parsed.operand(0), "/" + verb),
                                               .body = "{}"}));
    if (context.json()) {
      print(pretty(batch));
      return kOk;
    }
    const auto status = field(batch, "status");
    print("batch " + field(batch, "id") + " is " +
          paint(status, status_colour(status), context.colours()) + ", " +
          human_count(number(batch, "pending")) + " of " + human_count(number(batch, "total")) +
          " jobs pending\n");
    return kOk;
  });
}

int seal(Args args) {
  return change(args, "seal", "Takes no more jobs into a batch: it ends with its last job.");
}

int cancel(Args args) {
  return change(args, "cancel",
                "Cancels all jobs of a batch: waiting ones at once, running ones by a sign to "
                "their workers.");
}

int list(Args args) {
  const Usage usage{
      .command = "weir batch list",
      .summary = "Lists batches, newest first.",
      .options = paged({{"status", "WORD", "open, sealed, succeeded, failed or cancelled"}}),
      .examples = {"weir batch list --status failed"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"status", "limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/batches" + query}));
    Table table({"ID", "STATUS", "JOBS", "PENDING", "COMPLETED", "DLQ", "NAME"}, "No batches.\n");
    for (const auto& batch : page.value("items", Json::array())) {
      const auto counts = batch.value("counts", Json::object());
      const auto status = field(batch, "status");
      table.add(
          {field(batch, "id"), status, field(batch, "total"), field(batch, "pending"),
           field(counts, "completed"), field(counts, "dlq"), shorten(field(batch, "name"), 60)},
          status_colour(status));
    }
    return print_page(context, page, table.render(context.colours(), 1));
  });
}

int jobs(Args args) {
  const Usage usage{.command = "weir batch jobs",
                    .synopsis = "ID",
                    .summary = "Lists the jobs of a batch, in the order of submitting.",
                    .options = paged({{"status", "WORD", "Only this status"}}),
                    .examples = {"weir batch jobs album-7 --status dlq"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"status", "limit", "cursor"});
    WEIR_ASSIGN(const auto page,
                context.ask({.path = batch_path(parsed.operand(0), "/jobs" + query)}));
    return print_page(context, page, job_table(page, context.colours()));
  });
}

}  // namespace

int run_batch(Args args) {
  return run_group("weir batch", "Batches: jobs that belong together, and what follows them.",
                   {{"create", "Make a batch", create},
                    {"list", "Batches, newest first", list},
                    {"show", "Everything about one batch", show},
                    {"jobs", "The jobs of a batch", jobs},
                    {"wait", "Wait until a batch ends", wait},
                    {"seal", "Take no more jobs", seal},
                    {"cancel", "Cancel all its jobs", cancel}},
                   args);
}

}  // namespace weir::cli
