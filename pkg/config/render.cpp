#include "pkg/config/render.hpp"

#include <nlohmann/json.hpp>

#include "pkg/base/time_text.hpp"

namespace weir::config {
namespace {

std::string mask_urls(const std::string& text) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = std::min(text.find(',', at), text.size());
    const std::string item = text.substr(at, end - at);
    const auto start = item.find("://");
    const auto sign = item.rfind('@');
    if (start != std::string::npos && sign != std::string::npos && sign > start) {
      out.append(item, 0, start + 3).append("***").append(item, sign);
    } else {
      out += item;
    }
    if (end < text.size()) out += ',';
    at = end + 1;
  }
  return out;
}

std::string range(const Setting& setting) {
  switch (setting.kind) {
    case Kind::integer:
    case Kind::bytes:
      return std::to_string(setting.min) + " to " + std::to_string(setting.max);
    case Kind::duration:
      return format_duration(Millis{setting.min}) + " to " + format_duration(Millis{setting.max});
    case Kind::choice: {
      std::string text(setting.choices);
      for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
        text.replace(at, 1, ", ");
      }
      return text;
    }
    case Kind::boolean:
      return "true, false";
    default:
      return "";
  }
}

std::string code(std::string_view text) {
  return text.empty() ? "" : "`" + std::string(text) + "`";
}

}  // namespace

std::string masked(const Setting& setting, const std::string& text) {
  if (setting.secret) return text.empty() ? "" : "***";
  return setting.kind == Kind::list ? mask_urls(text) : text;
}

std::string markdown() {
  std::string out =
      "# Configuration\n\n"
      "This page is made by `weir config --markdown` from the table in "
      "`pkg/config/settings.cpp`.\n\n"
      "A value comes from the first of: the flag, the environment, the file named by `--config`\n"
      "(or `WEIR_CONFIG`), the default. The file is one JSON object whose keys are those below;\n"
      "comments (`//`, `/* */`) are allowed. An unknown key is an error, and all errors are told "
      "at\n"
      "once. Durations are written as `30s` or `1h30m`, sizes as `1048576` or `1MiB`, lists in "
      "flags\n"
      "and in the environment with commas.\n\n"
      "Secrets have no flag, because the list of processes shows flags to everybody: use the\n"
      "environment or the `*_file` key. `weir config` prints them as `***`, with where each value\n"
      "came from.\n\n"
      "| key | type | default | range | flag | environment | meaning |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const auto& setting : settings()) {
    const auto flag = flag_name(setting);
    out.append("| ").append(code(setting.key));
    out.append(" | ").append(setting.secret ? "secret" : kind_name(setting.kind));
    out.append(" | ").append(code(setting.fallback));
    out.append(" | ").append(range(setting));
    out.append(" | ").append(flag.empty() ? "" : code("--" + flag));
    out.append(" | ").append(code(environment_name(setting)));
    out.append(" | ").append(setting.doc).append(" |\n");
  }
  return out;
}

std::string to_json(const Values& values) {
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& setting : settings()) {
    const auto& value = values.at(setting.key);
    out[std::string(setting.key)] = {{"value", masked(setting, value.text)},
                                     {"origin", std::string(to_string(value.origin))}};
  }
  return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace weir::config
