// `weir config`: what `weir serve` would run with.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/serve/serve_arguments.hpp"
#include "pkg/config/render.hpp"
#include "pkg/config/serve_config.hpp"

namespace weir::cli {
namespace {

Usage config_usage() {
  Usage usage{.command = "weir config",
              .summary =
                  "Shows and checks the configuration that `weir serve` would run with, and "
                  "where each value comes from. Secrets are shown as ***.",
              .options = {{"json", "", "Print JSON for programs"},
                          {"markdown", "", "Print the page docs/config.md"}},
              .examples = {"weir config --config weir.json", "WEIR_LOG_LEVEL=debug weir config"}};
  for (auto& option : serve_options()) usage.options.push_back(std::move(option));
  return usage;
}

}  // namespace

int run_config(Args args) {
  return run_local(config_usage(), args, [](const Parsed& parsed) -> Result<int> {
    if (parsed.has("markdown")) {
      print(config::markdown());
      return kOk;
    }
    WEIR_ASSIGN(const auto values, serve_values(parsed));
    WEIR_TRY(config::make_serve_config(values));
    if (parsed.has("json")) {
      print(config::to_json(values) + "\n");
      return kOk;
    }
    Table table({"KEY", "VALUE", "FROM"});
    for (const auto& setting : config::settings()) {
      const auto& value = values.at(setting.key);
      const auto shown = config::masked(setting, value.text);
      const bool given = value.origin != config::Origin::fallback;
      table.add({std::string(setting.key), shown.empty() ? "-" : shown,
                 std::string(config::to_string(value.origin))},
                given ? Colour::bold : Colour::none);
    }
    print(table.render(colours_on()));
    return kOk;
  });
}

}  // namespace weir::cli
