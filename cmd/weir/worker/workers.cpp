// `weir worker`: who runs jobs.
#include <thread>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"

namespace weir::cli {
namespace {

constexpr Millis kPoll{500};

// "gpu=a100 region=eu.west".
std::string labels_of(const Json& worker) {
  std::string out;
  const auto labels = worker.value("labels", Json::object());
  for (const auto& [key, value] : labels.items()) {
    out.append(out.empty() ? "" : " ").append(key).append("=").append(value.get<std::string>());
  }
  return out.empty() ? "-" : out;
}

std::string queues_of(const Json& worker) {
  std::string out;
  const auto queues = worker.value("queues", Json::array());
  for (const auto& queue : queues) {
    out.append(out.empty() ? "" : ",").append(queue.get<std::string>());
  }
  return out.empty() ? "-" : out;
}

std::string state_of(const Json& worker) {
  if (!worker.value("live", false)) return worker.value("draining", false) ? "drained" : "gone";
  return worker.value("draining", false) ? "draining" : "live";
}

std::string worker_path(const std::string& name, std::string_view rest = {}) {
  return "/v1/workers/" + encode(name) + std::string(rest);
}

int list(Args args) {
  const Usage usage{.command = "weir worker list",
                    .summary = "Lists the workers that asked for jobs lately.",
                    .options = paged({}, {.usual = 100}),
                    .examples = {"weir worker list", "weir worker list --json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/workers" + query}));
    const auto now = SystemClock().wall();
    Table table({"NAME", "STATE", "SEEN", "RUNNING", "QUEUES", "LABELS"}, "No workers.\n");
    for (const auto& item : page.value("items", Json::array())) {
      const auto state = state_of(item);
      table.add({field(item, "name"), state, relative_time(field(item, "last_seen"), now),
                 field(item, "running"), queues_of(item), labels_of(item)},
                state == "live" ? Colour::none : Colour::yellow);
    }
    return print_page(context, page, table.render(context.colours(), 1));
  });
}

// Until it runs nothing, or is not known any more.
Result<void> wait_until_idle(Context& context, const std::string& name) {
  while (true) {
    const auto worker = context.ask({.path = worker_path(name)});
    if (!worker && worker.error().code == Code::not_found) return {};
    if (!worker) return worker.error();
    if (number(*worker, "running") == 0) return {};
    std::this_thread::sleep_for(kPoll);
  }
}

int drain(Args args) {
  const Usage usage{.command = "weir worker drain",
                    .synopsis = "NAME",
                    .summary =
                        "Gives a worker no more jobs; it finishes what it runs. `weir work` "
                        "ends then.",
                    .options = {{"wait", "", "Wait until it runs nothing"}},
                    .examples = {"weir worker drain web-7", "weir worker drain web-7 --wait"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto& name = parsed.operand(0);
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "POST", .path = worker_path(name, "/drain"), .body = "{}"}));
    if (parsed.has("wait")) WEIR_TRY(wait_until_idle(context, name));
    return context.show(answer,
                        "worker " + name + (parsed.has("wait") ? " drained\n" : " draining\n"));
  });
}

int undrain(Args args) {
  const Usage usage{.command = "weir worker undrain",
                    .synopsis = "NAME",
                    .summary = "Gives a draining worker jobs again.",
                    .examples = {"weir worker undrain web-7"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto& name = parsed.operand(0);
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "DELETE", .path = worker_path(name, "/drain")}));
    return context.show(answer, "worker " + name + " gets jobs again\n");
  });
}

}  // namespace

int run_worker(Args args) {
  return run_group("weir worker", "Workers: labels, what each runs, and draining.",
                   {{"list", "Who asked for jobs lately", list},
                    {"drain", "Give a worker no more jobs", drain},
                    {"undrain", "Give it jobs again", undrain}},
                   args);
}

}  // namespace weir::cli
