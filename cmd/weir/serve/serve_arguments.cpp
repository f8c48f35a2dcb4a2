#include "cmd/weir/serve/serve_arguments.hpp"

#include <algorithm>

#include "pkg/config/settings.hpp"

namespace weir::cli {
namespace {

std::string value_name(config::Kind kind) {
  switch (kind) {
    case config::Kind::path:
      return "PATH";
    case config::Kind::address:
      return "HOST:PORT";
    case config::Kind::list:
      return "A,B";
    case config::Kind::boolean:
      return "true|false";
    case config::Kind::integer:
      return "N";
    case config::Kind::bytes:
      return "SIZE";
    case config::Kind::duration:
      return "TIME";
    case config::Kind::choice:
    case config::Kind::text:
      break;
  }
  return "TEXT";
}

}  // namespace

std::vector<Option> serve_options() {
  std::vector<Option> out{{"config", "FILE", "JSON file with settings (WEIR_CONFIG)"}};
  for (const auto& setting : config::settings()) {
    const auto name = config::flag_name(setting);
    if (name.empty()) continue;
    const bool choice = setting.kind == config::Kind::choice;
    std::string help(setting.doc);
    if (!setting.fallback.empty()) help.append(" [").append(setting.fallback).append("]");
    out.push_back({name, choice ? std::string(setting.choices) : value_name(setting.kind),
                   std::move(help), setting.kind == config::Kind::boolean ? "true" : ""});
  }
  return out;
}

Result<config::Values> serve_values(const Parsed& parsed) {
  config::Sources sources;
  sources.environment = config::process_environment();
  sources.file_path = parsed.text("config", sources.environment("WEIR_CONFIG").value_or(""));
  if (!sources.file_path.empty()) {
    WEIR_ASSIGN(sources.file_json, config::load_file(sources.file_path));
  }
  for (const auto& setting : config::settings()) {
    const auto name = config::flag_name(setting);
    if (!name.empty() && parsed.has(name)) {
      sources.flags.emplace(setting.key, parsed.text(name));
    }
  }
  return config::resolve(sources);
}

}  // namespace weir::cli
