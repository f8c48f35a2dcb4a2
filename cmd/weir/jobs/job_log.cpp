#include "cmd/weir/jobs/job_log.hpp"

#include <cstdio>

#include "cmd/weir/cli/follow.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_view.hpp"

namespace weir::cli {
namespace {

std::string text_of(const Json& line) {
  std::string level = field(line, "level");
  level.append(level.size() < 5 ? 5 - level.size() : 0, ' ');
  // Data must not drive the terminal.
  return field(line, "at") + "  #" + field(line, "attempt") + "  " + level + "  " +
         printable(line.value("message", "")) + "\n";
}

void show(const Context& context, const Json& line) {
  print(context.json() ? line.dump() + "\n" : text_of(line));
}

std::string path_of(const Parsed& parsed, const std::string& cursor, bool follow) {
  return job_path(parsed.operand(0), "/logs") + query_of({{"attempt", parsed.text("attempt")},
                                                          {"cursor", cursor},
                                                          {"limit", follow ? "" : "1000"},
                                                          {"follow", follow ? "true" : ""}});
}

// Every page.
Result<int> list(const Parsed& parsed, Context& context) {
  std::string cursor;
  std::int64_t dropped = 0;
  do {
    WEIR_ASSIGN(const auto page, context.ask({.path = path_of(parsed, cursor, false)}));
    for (const auto& line : page.value("items", Json::array())) show(context, line);
    const auto next = page.find("next_cursor");
    cursor = next != page.end() && next->is_string() ? next->get<std::string>() : "";
    dropped = page.value("dropped", std::int64_t{0});
  } while (!cursor.empty());
  if (dropped > 0 && !context.json()) {
    std::fputs((human_count(dropped) + " older lines were not kept\n").c_str(), stderr);
  }
  return kOk;
}

}  // namespace

int run_job_logs(Args args) {
  const Usage usage{
      .command = "weir job logs",
      .synopsis = "ID",
      .summary =
          "Shows what workers logged about a job, oldest first: time, attempt, level, "
          "message; with --json one object for each line. With --follow it goes on until "
          "the job ends, and comes back by itself when the connection is lost.",
      .options = {{"f,follow", "", "Go on with new lines until the job has ended"},
                  {"attempt", "N", "Of this attempt only"}},
      .examples = {"weir job logs 019ac3f0-7c1e-7000-8000-000000000001",
                   "weir job logs 019ac3f0-7c1e-7000-8000-000000000001 --follow"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    if (!parsed.has("follow")) return list(parsed, context);
    return follow(context, {.path = path_of(parsed, "", true), .show = [&](const auto& event) {
                              const auto line = Json::parse(event.data, nullptr, false);
                              if (event.type == "log" && line.is_object()) show(context, line);
                              return event.type != "end";
                            }});
  });
}

}  // namespace weir::cli
