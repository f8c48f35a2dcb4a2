// `weir clock`: the time of a server that runs with --test-clock.
#include "cmd/weir/cli/commands.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

constexpr Millis kPatience = std::chrono::minutes(6);  // the server gives up before

std::string sentence(const Json& clock) {
  const auto ahead = Millis{clock.value("ahead_ms", std::int64_t{0})};
  std::string out = field(clock, "now");
  out += ahead.count() < 0 ? ", " + format_duration(-ahead) + " behind real time"
                           : ", " + format_duration(ahead) + " ahead of real time";
  out += clock.value("frozen", false) ? ", frozen" : ", running";
  if (clock.contains("steps")) out += ", " + field(clock, "steps") + " steps";
  return out + "\n";
}

Result<int> ask_and_show(Context& context, Call call) {
  call.path = "/v1/test/clock";
  const auto clock = context.ask(call);
  if (clock) return context.show(*clock, sentence(*clock));
  if (clock.error().code != Code::not_found) return clock.error();
  return Error{Code::not_found, clock.error().reason, "this server has no test clock",
               "`weir serve --test-clock` starts one that has"};
}

Result<int> set(Context& context, const Json& change) {
  return ask_and_show(context, {.method = "POST",
                                .path = {},
                                .body = change.dump(),
                                .repeat = Repeat::never,
                                .wait = kPatience});
}

int show(Args args) {
  const Usage usage{.command = "weir clock show",
                    .summary = "Shows the time of a server that runs with --test-clock.",
                    .examples = {"weir clock show"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    return ask_and_show(context, {.path = {}});
  });
}

int advance(Args args) {
  const Usage usage{
      .command = "weir clock advance",
      .synopsis = "DURATION",
      .summary = "Moves the time forward and returns when everything that became due is done.",
      .options = {Option{"jump", "", "In one step, as if nothing had run in between"}},
      .examples = {"weir clock advance 1h30m", "weir clock advance 7d --jump"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto by = parse_duration(parsed.operand(0));
    if (!by) return bad_argument("\"" + parsed.operand(0) + "\" is no duration", "want 1h30m");
    return set(context, {{"advance", by->count()}, {"jump", parsed.has("jump")}});
  });
}

int set_frozen(Args args, const Usage& usage, bool frozen) {
  return run_with_server(usage, args, [frozen](const Parsed&, Context& context) -> Result<int> {
    return set(context, {{"freeze", frozen}});
  });
}

int freeze(Args args) {
  return set_frozen(args,
                    {.command = "weir clock freeze",
                     .summary = "Makes the time stand still, except for advances.",
                     .examples = {"weir clock freeze"}},
                    true);
}

int run(Args args) {
  return set_frozen(args,
                    {.command = "weir clock run",
                     .summary = "Lets the time run on from where it stands.",
                     .examples = {"weir clock run"}},
                    false);
}

}  // namespace

int run_clock(Args args) {
  return run_group("weir clock", "The time of a server that runs with --test-clock.",
                   {{"show", "What it says", show},
                    {"advance", "Move it forward", advance},
                    {"freeze", "Make it stand still", freeze},
                    {"run", "Let it run on", run}},
                   args);
}

}  // namespace weir::cli
