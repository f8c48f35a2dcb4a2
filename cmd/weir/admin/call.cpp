// `weir call`: any command of the command API.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/values.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {
namespace {

Result<int> call(const Parsed& parsed, Context& context) {
  const auto payload = parsed.operands().size() > 1 ? text_or_stdin(parsed.operand(1)) : "{}";
  if (!json::check(payload) || !json::View(payload).is_object()) {
    return bad_argument("the payload is not a JSON object", "such as '{\"key\":\"k\"}'");
  }
  json::Writer frame;
  frame.begin_object().member("command", parsed.operand(0)).raw_member("payload", payload);
  if (parsed.has("request-id")) frame.member("request_id", parsed.text("request-id"));
  WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                              .path = "/api/v1/command",
                                              .body = frame.end_object().take(),
                                              .repeat = Repeat::never}));
  const auto inside = answer.find("payload");
  print(pretty(context.json() || inside == answer.end() ? answer : *inside));
  return kOk;
}

}  // namespace

int run_call(Args args) {
  const Usage usage{
      .command = "weir call",
      .synopsis = "COMMAND [PAYLOAD|-]",
      .summary =
          "Runs a command of the command API and prints the payload of its answer; with "
          "--json the whole frame.",
      .options = {{"request-id", "TEXT", "Repeated, a write happens once (2 minutes)"}},
      .examples = {"weir call admin.stats", "weir call kv.set '{\"key\":\"k\",\"value\":[1,2]}'"}};
  return run_with_server(usage, args, call);
}

}  // namespace weir::cli
