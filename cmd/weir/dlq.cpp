// `weir dlq`: dead letters, the jobs that used up their attempts.
#include "cmd/weir/commands.hpp"
#include "cmd/weir/job_view.hpp"

namespace weir::cli {
namespace {

int list(Args args) {
  const Usage usage{.command = "weir dlq list",
                    .synopsis = "[options]",
                    .summary = "Lists dead letters, newest first.",
                    .options = with_common({{"q,queue", "NAME", "Only this queue"},
                                            {"limit", "N", "Per page, 1 to 1000 (default 50)"},
                                            {"cursor", "TEXT", "Go on where a page ended"}}),
                    .examples = {"weir dlq list --queue emails"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(parsed.number("limit", 50, 1, 1000));
    const auto query = query_of({{"queue", parsed.text("queue")},
                                 {"limit", parsed.text("limit")},
                                 {"cursor", parsed.text("cursor")}});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/dlq" + query}));
    print_page(context, page, job_table(page, context.colours()));
    return kOk;
  });
}

int get(Args args) {
  const Usage usage{.command = "weir dlq get",
                    .synopsis = "ID [options]",
                    .summary = "Shows a dead letter with its attempts and errors.",
                    .options = with_common({}),
                    .examples = {"weir dlq get 019ac3f0-7c1e-7000-8000-000000000001"},
                    .min_operands = 1,
                    .max_operands = 1};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto job, context.ask({.path = "/v1/dlq/" + encode(parsed.operand(0))}));
    print(context.json() ? pretty(job) : job_details(job, context.colours()));
    return kOk;
  });
}

// The body of redrive and purge: the ids given, or a queue.
Result<std::string> selection(const Parsed& parsed) {
  Json filter = Json::object();
  if (!parsed.operands().empty()) filter["ids"] = parsed.operands();
  if (parsed.has("queue")) filter["queue"] = parsed.text("queue");
  if (filter.size() != 1) return bad_argument("give either ids or --queue NAME");
  return Json{{"filter", filter}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

struct Bulk {
  const char* verb;
  const char* summary;
  const char* member;  // of the answer: how many
  bool asks;           // destructive: wants --yes
};

int bulk(Args args, const Bulk& what) {
  std::vector<Option> options{{"q,queue", "NAME", "All dead letters of this queue"}};
  if (what.asks) options.push_back({"yes", "", "Really do it"});
  const std::string command = std::string("weir dlq ") + what.verb;
  const std::string yes = what.asks ? " --yes" : "";
  const Usage usage{.command = command,
                    .synopsis = "[ID...] [--queue NAME] [options]",
                    .summary = what.summary,
                    .options = with_common(std::move(options)),
                    .examples = {command + " --queue emails" + yes,
                                 command + " 019ac3f0-7c1e-7000-8000-000000000001" + yes},
                    .max_operands = 10'000};
  return run_with_server(usage, args, [&](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(auto body, selection(parsed));
    if (what.asks && !parsed.has("yes")) {
      return bad_argument("this deletes dead letters for good", "add --yes to do it");
    }
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = std::string("/v1/dlq/") + what.verb,
                                                .body = std::move(body)}));
    print(context.json()
              ? pretty(answer)
              : human_count(number(answer, what.member)) + " dead letters " + what.member + "\n");
    return kOk;
  });
}

int redrive(Args args) {
  return bulk(
      args, {"redrive", "Makes dead letters ready again, with fresh attempts.", "redriven", false});
}

int purge(Args args) {
  return bulk(args, {"purge", "Deletes dead letters.", "purged", true});
}

}  // namespace

int run_dlq(Args args) {
  return run_group("weir dlq", "Dead letters: jobs that used up their attempts.",
                   {{"list", "Dead letters, newest first", list},
                    {"get", "One dead letter", get},
                    {"redrive", "Make them ready again", redrive},
                    {"purge", "Delete them", purge}},
                   args);
}

}  // namespace weir::cli
