#include "cmd/weir/jobs/schedule_times.hpp"

#include "cmd/weir/cli/page.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/cron/timing.hpp"

namespace weir::cli {
namespace {

struct Times {
  std::vector<Timestamp> runs;
  std::string zone = "UTC";
};

Result<Timestamp> time_option(const Parsed& parsed, const std::string& name, Timestamp fallback) {
  if (!parsed.has(name)) return fallback;
  auto time = parse_rfc3339(parsed.text(name));
  if (!time) return bad_argument("--" + name + ": want an RFC 3339 time", parsed.text(name));
  return time;
}

Result<cron::Timing> timing_of(const Parsed& parsed) {
  if (parsed.has("cron") == parsed.has("every")) {
    return bad_argument("give a NAME, or one of --cron and --every");
  }
  if (parsed.has("cron")) {
    return cron::Timing::from_cron(parsed.text("cron"), parsed.text("time-zone", "UTC"), {});
  }
  WEIR_ASSIGN(const auto interval, parsed.duration("every", Millis{0}));
  return cron::Timing::from_interval(interval, {});
}

Result<Times> computed(const Parsed& parsed, std::size_t count) {
  WEIR_ASSIGN(const auto after, time_option(parsed, "after", SystemClock().wall()));
  WEIR_ASSIGN(const auto timing, timing_of(parsed));
  return Times{timing.list(after, Timestamp::max(), count), parsed.text("time-zone", "UTC")};
}

Result<Times> asked(const Parsed& parsed, std::size_t count) {
  for (const char* option : {"cron", "every", "time-zone", "after"}) {
    if (parsed.has(option)) {
      return bad_argument("--" + std::string(option) + " does not go with a NAME");
    }
  }
  if (parsed.operand(0).find(' ') != std::string::npos) {
    return bad_argument("\"" + printable(parsed.operand(0)) + "\" is no NAME",
                        "a cron expression goes with --cron");
  }
  WEIR_ASSIGN(auto context, Context::make(parsed));
  const auto path = "/v1/schedules/" + encode(parsed.operand(0)) +
                    query_of({{"upcoming", std::to_string(count)}});
  WEIR_ASSIGN(const auto schedule, context.ask({.path = path}));
  Times out;
  if (schedule.contains("time_zone")) out.zone = field(schedule, "time_zone");
  for (const auto& run : schedule.value("next_runs", Json::array())) {
    WEIR_ASSIGN(const auto time, parse_rfc3339(run.get<std::string>()));
    out.runs.push_back(time);
  }
  return out;
}

// "2026-03-29 03:00:00"
std::string on_the_wall(Timestamp time, const cron::Zone& zone) {
  const auto local = zone.to_local(std::chrono::floor<std::chrono::seconds>(time));
  auto text = format_rfc3339(Timestamp(local.time_since_epoch())).substr(0, 19);
  text[10] = ' ';
  return text;
}

void print_times(const Times& times, const Parsed& parsed) {
  if (parsed.has("json")) {
    Json all = Json::array();
    for (const auto time : times.runs) all.push_back(format_rfc3339(time));
    return print(pretty(Json{{"time_zone", times.zone}, {"next_runs", all}}));
  }
  if (times.runs.empty()) return print("No more runs.\n");
  const auto zone = cron::Zone::find(times.zone);
  Table table(zone && times.zone != "UTC" ? std::vector<std::string>{"UTC", times.zone}
                                          : std::vector<std::string>{"UTC"});
  for (const auto time : times.runs) {
    std::vector<std::string> row{on_the_wall(time, cron::Zone::utc())};
    if (zone && times.zone != "UTC") row.push_back(on_the_wall(time, *zone));
    table.add(std::move(row));
  }
  print(table.render(false));
}

}  // namespace

int schedule_next(Args args) {
  const Usage usage{
      .command = "weir schedule next",
      .synopsis = "[NAME]",
      .summary =
          "Prints when a schedule runs next. With --cron or --every instead of a NAME it "
          "needs no server.",
      .options = with_common({{"n,count", "N", "How many, 1 to 100 (default 5)"},
                              {"cron", "TEXT", "Of this cron expression"},
                              {"every", "TIME", "Of this interval"},
                              {"time-zone", "ZONE", "IANA time zone of --cron (default UTC)"},
                              {"after", "TIME", "Later than this RFC 3339 time (default: now)"}}),
      .examples = {"weir schedule next nightly -n 3",
                   R"(weir schedule next --cron "30 2 * * *" --time-zone Europe/Berlin)"}};
  return run_local(usage, args, [](const Parsed& parsed) -> Result<int> {
    WEIR_ASSIGN(const auto count, parsed.number("count", 5, 1, 100));
    const auto wanted = static_cast<std::size_t>(count);
    WEIR_ASSIGN(const auto times,
                parsed.operands().empty() ? computed(parsed, wanted) : asked(parsed, wanted));
    print_times(times, parsed);
    return kOk;
  });
}

}  // namespace weir::cli
