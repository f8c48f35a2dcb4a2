// `weir schedule`: jobs that come by themselves.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_view.hpp"
#include "cmd/weir/jobs/schedule_spec.hpp"
#include "cmd/weir/jobs/schedule_times.hpp"

namespace weir::cli {
namespace {

std::string schedule_path(const std::string& name, std::string_view rest = {}) {
  return "/v1/schedules/" + encode(name) + std::string(rest);
}

std::string rule_of(const Json& schedule) {
  if (!schedule.contains("cron")) return "every " + field(schedule, "every");
  const auto zone = field(schedule, "time_zone");
  return field(schedule, "cron") + (zone == "UTC" ? "" : "  " + zone);
}

int list(Args args) {
  const Usage usage{.command = "weir schedule list",
                    .summary = "Lists the schedules with their next and last runs.",
                    .options = paged({}, {.usual = 100}),
                    .examples = {"weir schedule list"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/schedules" + query}));
    const auto now = SystemClock().wall();
    Table table({"NAME", "STATE", "WHEN", "QUEUE", "NEXT", "LAST", "RUNS", "MISSED", "SKIPPED"},
                "No schedules.\n");
    for (const auto& item : page.value("items", Json::array())) {
      const bool paused = item.value("paused", false);
      table.add(
          {field(item, "name"), paused ? "paused" : "active", rule_of(item),
           field(item.value("job", Json::object()), "queue"),
           relative_time(field(item, "next_at"), now), relative_time(field(item, "last_at"), now),
           field(item, "runs"), field(item, "missed"), field(item, "skipped")},
          paused ? Colour::yellow : Colour::none);
    }
    return print_page(context, page, table.render(context.colours(), 1));
  });
}

std::string runs_table(const Json& runs, bool colours) {
  Table table({"DUE", "WHY", "STATUS", "JOB"});
  for (const auto& run : runs.value("items", Json::array())) {
    const auto status = field(run, "status");
    table.add({field(run, "at"), field(run, "kind"), status, field(run, "id")},
              status_colour(status));
  }
  return table.empty() ? std::string() : "\n" + table.render(colours, 2);
}

int get(Args args) {
  const Usage usage{.command = "weir schedule get",
                    .synopsis = "NAME",
                    .summary = "Shows a schedule and its newest runs.",
                    .options = {{"runs", "N", "Runs to show, 0 to 1000 (default 10)"}},
                    .examples = {"weir schedule get nightly", "weir schedule get nightly --json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto count, parsed.number("runs", 10, 0, 1000));
    WEIR_ASSIGN(auto schedule, context.ask({.path = schedule_path(parsed.operand(0))}));
    std::string table;
    if (count > 0) {
      const auto path =
          schedule_path(parsed.operand(0), "/runs") + query_of({{"limit", std::to_string(count)}});
      WEIR_ASSIGN(const auto runs, context.ask({.path = path}));
      table = runs_table(runs, context.colours());
      schedule["newest_runs"] = runs.value("items", Json::array());
    }
    if (context.json()) {
      print(pretty(schedule));
    } else {
      schedule.erase("newest_runs");
      print(job_details(schedule, context.colours()) + table);
    }
    return kOk;
  });
}

int set(Args args) {
  const Usage usage{
      .command = "weir schedule set",
      .synopsis = "NAME",
      .summary = "Makes a schedule, or replaces it; counters and earlier runs stay.",
      .options = spec_options(),
      .examples = {
          R"(weir schedule set nightly --cron "30 2 * * *" --time-zone Asia/Tokyo --queue reports)",
          R"(weir schedule set poll --every 30s --overlap skip --queue sync --payload '{"n":1}')",
          "weir schedule set billing --spec-file billing.json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(auto body, spec_body(parsed));
    WEIR_ASSIGN(const auto schedule, context.ask({.method = "PUT",
                                                  .path = schedule_path(parsed.operand(0)),
                                                  .body = std::move(body)}));
    return context.show(schedule, job_details(schedule, context.colours()));
  });
}

int remove(Args args) {
  const Usage usage{.command = "weir schedule delete",
                    .synopsis = "NAME",
                    .summary = "Deletes a schedule. Its jobs stay.",
                    .examples = {"weir schedule delete nightly"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE",
                                                .path = schedule_path(parsed.operand(0)),
                                                .repeat = Repeat::never}));
    return context.show(answer, "schedule " + parsed.operand(0) + " deleted\n");
  });
}

int pause(Args args) {
  const Usage usage{.command = "weir schedule pause",
                    .synopsis = "NAME",
                    .summary = "Starts no more runs; what runs goes on.",
                    .examples = {"weir schedule pause nightly"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = schedule_path(parsed.operand(0), "/pause"),
                                                .body = "{}"}));
    return context.show(answer, "schedule " + parsed.operand(0) + " paused\n");
  });
}

int resume(Args args) {
  const Usage usage{.command = "weir schedule resume",
                    .synopsis = "NAME",
                    .summary = "Goes on with the next run; what was due meanwhile is not made up.",
                    .examples = {"weir schedule resume nightly"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = schedule_path(parsed.operand(0), "/resume"),
                                                .body = "{}"}));
    return context.show(answer, "schedule " + parsed.operand(0) + " resumed, next run " +
                                    field(answer, "next_at") + "\n");
  });
}

int trigger(Args args) {
  const Usage usage{
      .command = "weir schedule trigger",
      .synopsis = "NAME",
      .summary = "Runs a schedule once now, paused or not, whatever runs. Prints the job's id.",
      .examples = {"weir schedule trigger nightly"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "POST",
                             .path = schedule_path(parsed.operand(0), "/trigger"),
                             .body = "{}",
                             .repeat = Repeat::never}));
    return context.show(answer, field(answer, "id") + "\n");
  });
}

int backfill(Args args) {
  const Usage usage{
      .command = "weir schedule backfill",
      .synopsis = "NAME",
      .summary =
          "Makes the runs of a time that is over, at most 1,000. A run whose job is kept is not "
          "made "
          "again, so repeating it is safe.",
      .options = {{"from", "TIME", "From this RFC 3339 time on"},
                  {"to", "TIME", "Up to this RFC 3339 time"}},
      .examples = {
          "weir schedule backfill nightly --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    if (!parsed.has("from") || !parsed.has("to")) return bad_argument("give --from and --to");
    const Json body{{"from", parsed.text("from")}, {"to", parsed.text("to")}};
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "POST",
                             .path = schedule_path(parsed.operand(0), "/backfill"),
                             .body = body.dump()}));
    print(context.json() ? pretty(answer)
                         : human_count(number(answer, "submitted")) + " runs submitted, " +
                               human_count(number(answer, "known")) + " were there\n");
    return answer.contains("problem") ? kFailed : kOk;
  });
}

}  // namespace

int run_schedule(Args args) {
  return run_group(
      "weir schedule", "Schedules: jobs that come by themselves.",
      {{"list", "All schedules with their next and last runs", list},
       {"get", "One schedule with its newest runs", get},
       {"set", "Make or replace a schedule", set},
       {"delete", "Delete a schedule", remove},
       {"pause", "Start no more runs", pause},
       {"resume", "Go on with the next run", resume},
       {"trigger", "Run it once now", trigger},
       {"backfill", "Make the runs of a time that is over", backfill},
       {"next", "The next runs of a schedule, or of a cron expression", schedule_next}},
      args);
}

}  // namespace weir::cli
