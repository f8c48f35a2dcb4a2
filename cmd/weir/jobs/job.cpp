// `weir job`: one job, or a list of them.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_filter.hpp"
#include "cmd/weir/jobs/job_log.hpp"
#include "cmd/weir/jobs/job_members.hpp"
#include "cmd/weir/jobs/job_view.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {
namespace {

std::string example(const std::string& verb, const std::string& more = "") {
  return "weir job " + verb + " 019ac3f0-7c1e-7000-8000-000000000001" + more;
}

int get(Args args) {
  const Usage usage{.command = "weir job get",
                    .synopsis = "ID",
                    .summary = "Shows everything about a job.",
                    .examples = {example("get")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto job, context.ask({.path = job_path(parsed.operand(0))}));
    return context.show(job, job_details(job, context.colours()));
  });
}

int wait(Args args) {
  const Usage usage{
      .command = "weir job wait",
      .synopsis = "ID",
      .summary = "Waits until a job ends. Exit code 0 when it completed, 1 when it did not.",
      .options = {{"timeout", "TIME", "Give up after this time (default: never)"}},
      .examples = {example("wait", " --timeout 5m")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto limit, parsed.duration("timeout", Millis{0}));
    WEIR_ASSIGN(const auto job, wait_for_job(context, parsed.operand(0), limit));
    print(context.json() ? pretty(job) : job_details(job, context.colours()));
    return field(job, "status") == "completed" ? kOk : kFailed;
  });
}

int timeline(Args args) {
  const Usage usage{.command = "weir job timeline",
                    .synopsis = "ID",
                    .summary = "Shows what happened to a job, oldest first.",
                    .examples = {example("timeline")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = job_path(parsed.operand(0), "/timeline")}));
    Table table({"AT", "EVENT", "ATTEMPT", "WORKER", "ERROR"});
    for (const auto& item : page.value("items", Json::array())) {
      table.add({field(item, "at"), field(item, "event"), field(item, "attempt"),
                 field(item, "worker"), shorten(error_text(item), 60)});
    }
    return print_page(context, page, table.render(context.colours()));
  });
}

int explain(Args args) {
  const Usage usage{.command = "weir job explain",
                    .synopsis = "ID",
                    .summary = "Says why a job is not running now.",
                    .examples = {example("explain")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.path = job_path(parsed.operand(0), "/explain")}));
    if (context.json()) {
      print(pretty(answer));
      return kOk;
    }
    const auto status = field(answer, "status");
    std::string text = "job " + field(answer, "id") + " of queue " + field(answer, "queue") +
                       " is " + paint(status, status_colour(status), context.colours()) + "\n";
    for (const auto& reason : answer.value("reasons", Json::array())) {
      text += "- " + printable(field(reason, "message")) + "  [" + field(reason, "code") + "]\n";
    }
    if (const auto next = field(answer, "next_at"); next != "-") text += "next: " + next + "\n";
    print(text);
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
  const Usage usage{
      .command = "weir job cancel",
      .synopsis = "ID",
      .summary = "Cancels a job: at once while it waits, by a sign to its worker while it runs.",
      .examples = {example("cancel")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    return act(parsed, context,
               {.method = "POST", .path = job_path(parsed.operand(0), "/cancel"), .body = "{}"});
  });
}

int retry(Args args) {
  const Usage usage{.command = "weir job retry",
                    .synopsis = "ID",
                    .summary = "Makes a finished job ready again, with a fresh set of attempts.",
                    .options = {{"as-new", "", "Submit a copy under a new id instead"}},
                    .examples = {example("retry")}};
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
  const Usage usage{.command = "weir job promote",
                    .synopsis = "ID",
                    .summary = "Runs a scheduled job as soon as possible.",
                    .examples = {example("promote")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    return act(parsed, context,
               {.method = "POST",
                .path = job_path(parsed.operand(0), "/promote"),
                .body = "{}",
                .repeat = Repeat::never});
  });
}

// The members of a change, as `"priority":9,...`.
Result<std::string> changes_of(const Parsed& parsed) {
  if (parsed.has("delay") && parsed.has("run-at")) {
    return bad_argument("give --delay or --run-at, not both");
  }
  json::Writer out;
  out.begin_object();
  WEIR_TRY(number_members(parsed, out));
  if (parsed.has("delay")) {
    WEIR_ASSIGN(const auto delay, parsed.duration("delay", Millis{0}));
    out.member("delay_ms", static_cast<std::int64_t>(delay.count()));
  }
  if (parsed.has("run-at")) out.member("run_at", parsed.text("run-at"));
  payload_member(parsed, out);
  tags_member(parsed, out);
  return out.end_object().take();
}

int edit(Args args) {
  const Usage usage{.command = "weir job edit",
                    .synopsis = "ID",
                    .summary = "Changes a job that waits. What is not named stays as it is.",
                    .options = {{"p,priority", "N", "0 to 9, 9 first"},
                                {"delay", "TIME", "Run no sooner than this from now; 0s: at once"},
                                {"run-at", "TIME", "Run no sooner than this RFC 3339 time"},
                                {"max-attempts", "N", "Attempts before the job is dead"},
                                {"payload", "TEXT", "Another payload: JSON, or else text"},
                                {"tag", "TAG", "The tags it has from now on; may be repeated"}},
                    .examples = {example("edit", " --priority 9")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(auto body, changes_of(parsed));
    return act(parsed, context,
               {.method = "PATCH", .path = job_path(parsed.operand(0)), .body = std::move(body)});
  });
}

int remove(Args args) {
  const Usage usage{.command = "weir job delete",
                    .synopsis = "ID",
                    .summary = "Deletes a job that does not run.",
                    .examples = {example("delete")}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE",
                                                .path = job_path(parsed.operand(0)),
                                                .repeat = Repeat::never}));
    return context.show(answer, "job " + parsed.operand(0) + " deleted\n");
  });
}

int list(Args args) {
  const Usage usage{
      .command = "weir job list",
      .summary = "Lists jobs, filtered.",
      .options =
          filter_options(FilterStatus::offered,
                         paged({{"sort", "ORDER", "created or -created, instead of by status"}})),
      .examples = {"weir job list --status failed --queue emails",
                   "weir job list --error timeout --finished-after 2026-11-21T00:00:00Z",
                   "weir job list --json --limit 1000"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/jobs" + list_query(parsed)}));
    return print_page(context, page, job_table(page, context.colours()));
  });
}

int cancel_many(Args args) {
  const Usage usage{
      .command = "weir job cancel-many",
      .summary = "Cancels all jobs that have not ended and that the options name.",
      .options = filter_options(FilterStatus::offered,
                                {{"dry-run", "", "Only say which jobs it would be"}, kYesOption}),
      .examples = {"weir job cancel-many --queue emails --type digest --dry-run",
                   "weir job cancel-many --metadata tenant=acme --yes"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    if (!has_filter(parsed)) return bad_argument("say which jobs: --queue, --type, ...");
    if (!parsed.has("yes") && !parsed.has("dry-run")) {
      return bad_argument("this cancels jobs", "add --yes to do it, --dry-run to see which");
    }
    WEIR_ASSIGN(const auto total, change_pages(parsed, context, "/v1/jobs/cancel", Json::object()));
    if (context.json()) {
      print(pretty(total));
    } else if (parsed.has("dry-run")) {
      for (const auto& id : total.value("ids", Json::array())) print(id.get<std::string>() + "\n");
      print(human_count(number(total, "matched")) + " jobs would be cancelled\n");
    } else {
      print(human_count(total.value("cancelled", 0)) + " jobs cancelled, " +
            human_count(total.value("cancel_requested", 0)) + " running ones told to stop\n");
    }
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
                    {"logs", "What workers logged about a job", run_job_logs},
                    {"explain", "Why a job is not running now", explain},
                    {"cancel", "Cancel a job", cancel},
                    {"cancel-many", "Cancel the jobs that a filter names", cancel_many},
                    {"retry", "Make a finished job ready again", retry},
                    {"promote", "Run a scheduled job now", promote},
                    {"edit", "Change a job that waits", edit},
                    {"delete", "Delete a job", remove}},
                   args);
}

}  // namespace weir::cli
