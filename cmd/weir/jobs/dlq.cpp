// `weir dlq`: dead letters, the jobs that used up their attempts.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_filter.hpp"
#include "cmd/weir/jobs/job_view.hpp"
#include "cmd/weir/jobs/redrive.hpp"

namespace weir::cli {
namespace {

int list(Args args) {
  const Usage usage{
      .command = "weir dlq list",
      .summary = "Lists dead letters, newest first.",
      .options = filter_options(FilterStatus::fixed,
                                paged({{"sort", "ORDER", "created or -created, by submission"}})),
      .examples = {"weir dlq list --queue emails"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/dlq" + list_query(parsed)}));
    return print_page(context, page, job_table(page, context.colours(), "No dead letters.\n"));
  });
}

int get(Args args) {
  const Usage usage{.command = "weir dlq get",
                    .synopsis = "ID",
                    .summary = "Shows a dead letter with its attempts and errors.",
                    .examples = {"weir dlq get 019ac3f0-7c1e-7000-8000-000000000001"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto job, context.ask({.path = "/v1/dlq/" + encode(parsed.operand(0))}));
    return context.show(job, job_details(job, context.colours()));
  });
}

std::string body_of(Json filter) {
  return compact({{"filter", std::move(filter)}});
}

int purge(Args args) {
  const Usage usage{.command = "weir dlq purge",
                    .synopsis = "[ID...] [--queue NAME]",
                    .summary = "Deletes dead letters.",
                    .options = {{"q,queue", "NAME", "All dead letters of this queue"}, kYesOption},
                    .examples = {"weir dlq purge --queue emails --yes",
                                 "weir dlq purge 019ac3f0-7c1e-7000-8000-000000000001 --yes"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    Json filter = Json::object();
    if (!parsed.operands().empty()) filter["ids"] = parsed.operands();
    if (parsed.has("queue")) filter["queue"] = parsed.text("queue");
    if (filter.size() != 1) return bad_argument("give either ids or --queue NAME");
    WEIR_TRY(confirmed(parsed, "this deletes dead letters for good"));
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = "/v1/dlq/purge",
                                                .body = body_of(std::move(filter))}));
    return context.show(answer, human_count(number(answer, "purged")) + " dead letters purged\n");
  });
}

}  // namespace

int run_dlq(Args args) {
  return run_group("weir dlq", "Dead letters: jobs that used up their attempts.",
                   {{"list", "Dead letters, newest first", list},
                    {"get", "One dead letter", get},
                    {"redrive", "Make them ready again", run_redrive},
                    {"redrives", "Redrives that go on by themselves", run_redrives},
                    {"stop", "Stop a redrive", run_stop_redrive},
                    {"purge", "Delete them", purge}},
                   args);
}

}  // namespace weir::cli
