// `weir replication`: the coordinators of one log.
#include <thread>

#include "cmd/weir/cli/commands.hpp"

namespace weir::cli {
namespace {

constexpr Millis kPatience = std::chrono::minutes(10);  // a large snapshot has to come first
constexpr Millis kLookAgain{1'000};

Result<Json> command(Context& context, const std::string& name, const Json& payload, Millis wait) {
  const Json frame = {{"command", name}, {"payload", payload}};
  WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                              .path = "/api/v1/command",
                                              .body = frame.dump(),
                                              .repeat = Repeat::never,
                                              .wait = wait}));
  return answer.value("payload", Json::object());
}

int status(Args args) {
  const Usage usage{.command = "weir replication status",
                    .summary = "Shows how far each coordinator is with the log, and who leads.",
                    .examples = {"weir replication status", "weir replication status --json"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto body, command(context, "replication.status", Json::object(), Millis{0}));
    Table table({"ID", "STATE", "ROLE", "APPLIED", "BEHIND", "LAG"});
    for (const auto& node : body.value("replicas", Json::array())) {
      table.add({field(node, "id"), field(node, "state"), field(node, "role"),
                 human_count(number(node, "applied")), human_count(number(node, "lag_entries")),
                 std::to_string(number(node, "lag_ms")) + " ms"},
                status_colour(field(node, "state")));
    }
    return context.show(body, table.render(context.colours(), 1));
  });
}

// It is about one coordinator, so nobody else may answer.
Result<void> one_server(Context& context) {
  if (context.client().server_count() == 1) return {};
  return bad_argument("--server names several coordinators", "name the one it is about");
}

int promote(Args args) {
  const Usage usage{
      .command = "weir replication promote",
      .summary =
          "Makes the coordinator that is asked the leader: the one that leads hands over. "
          "With --force it is not asked, because it is dead or cut off.",
      .options = {{"force", "", "Take the lease from a leader that is silent"}},
      .examples = {"weir replication promote --server http://b:7080",
                   "weir replication promote --server http://b:7080 --force"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(one_server(context));
    const Json payload = {{"force", parsed.has("force")}};
    WEIR_ASSIGN(const auto body,
                command(context, "replication.promote", payload, std::chrono::seconds(10)));
    const auto previous = field(body, "previous");
    const auto handed = previous == "-" ? "" : ", handed over by " + previous;
    return context.show(body, field(body, "id") + " leads" + handed + "\n");
  });
}

// The answer of /health needs no key: those are built anew too.
Result<void> wait_until_rebuilt(Context& context, const std::string& component, Millis patience) {
  const SystemClock clock;
  const auto until = clock.mono() + patience;
  while (clock.mono() < until) {
    WEIR_ASSIGN(const auto answer, context.client().once({.path = "/health"}));
    const auto body = Json::parse(answer.body, nullptr, false);
    const auto components = body.is_object() ? body.value("components", Json::object()) : Json();
    if (components.is_object() && field(components, component) == "operational") return {};
    std::this_thread::sleep_for(kLookAgain);
  }
  return Error{Code::deadline_exceeded, "still_resyncing", "The state is not built yet",
               "it goes on; weir replication status tells when it serves"};
}

int resync(Args args) {
  const Usage usage{
      .command = "weir replication resync",
      .summary =
          "Drops the state of the coordinator that is asked and builds it anew from the "
          "newest snapshot and the log. It answers 503 meanwhile; the others serve.",
      .options = {{"log", "jobs|data", "Which of its states (jobs)"},
                  {"timeout", "DURATION", "How long to wait until it serves again (10m)"},
                  {"no-wait", "", "Return as soon as it has begun"}},
      .examples = {"weir replication resync --server http://b:7080",
                   "weir replication resync --server http://b:7080 --no-wait"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(one_server(context));
    WEIR_ASSIGN(const auto patience, parsed.duration("timeout", kPatience));
    const auto log = parsed.text("log", "jobs");
    WEIR_ASSIGN(const auto body, command(context, "replication.resync", {{"log", log}}, kPatience));
    const bool waits = !parsed.has("no-wait");
    if (waits) {
      WEIR_TRY(wait_until_rebuilt(context, log == "data" ? "structures" : "replica", patience));
    }
    const auto done = waits ? " has built its state anew\n" : " builds its state anew\n";
    return context.show(body, field(body, "id") + done);
  });
}

}  // namespace

int run_replication(Args args) {
  return run_group("weir replication", "The coordinators of one log.",
                   {{"status", "How far each is, and who leads", status},
                    {"promote", "Make this one the leader", promote},
                    {"resync", "Build the state of this one anew", resync}},
                   args);
}

}  // namespace weir::cli
