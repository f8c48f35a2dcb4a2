#include "pkg/config/loader.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "pkg/base/time_text.hpp"

namespace weir::config {
namespace {

using nlohmann::json;

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  return std::nullopt;
}

bool is_choice(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    if (choices.substr(0, bar) == text) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

// The text of a JSON value for this setting, or what is wrong with it.
Result<std::string> text_of(const Setting& setting, const json& value) {
  const auto wrong = [&](std::string want) -> Error {
    return {Code::invalid, "bad_config", "want " + std::move(want), ""};
  };
  if (setting.kind == Kind::list) {
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_array()) return wrong("an array of strings");
    std::string joined;
    for (const auto& item : value) {
      if (!item.is_string()) return wrong("an array of strings");
      joined.append(joined.empty() ? "" : ",").append(item.get<std::string>());
    }
    return joined;
  }
  if (setting.kind == Kind::boolean) {
    if (value.is_boolean()) return std::string(value.get<bool>() ? "true" : "false");
    return wrong("true or false");
  }
  const bool numeric = setting.kind == Kind::integer || setting.kind == Kind::bytes;
  if (numeric && value.is_number_integer()) return value.dump();
  if (setting.kind == Kind::integer) return wrong("a whole number");
  if (value.is_string()) return value.get<std::string>();
  return wrong(numeric ? "a number or a string" : "a string");
}

std::string range_text(const Setting& setting) {
  if (setting.kind == Kind::duration) {
    return "from " + format_duration(Millis{setting.min}) + " to " +
           format_duration(Millis{setting.max});
  }
  return "from " + std::to_string(setting.min) + " to " + std::to_string(setting.max);
}

// Empty when `text` is a legal value.
std::string complaint(const Setting& setting, std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "holds a zero byte";
  std::optional<std::int64_t> number;
  switch (setting.kind) {
    case Kind::text:
    case Kind::path:
    case Kind::list:
      return {};
    case Kind::address:
      if (const auto parsed = parse_address(text); !parsed) return parsed.error().message;
      return {};
    case Kind::boolean:
      return parse_boolean(text) ? "" : "want true or false";
    case Kind::choice:
      return is_choice(text, setting.choices) ? "" : "want " + std::string(setting.choices);
    case Kind::integer:
      number = parse_integer(text);
      if (!number) return "want a whole number " + range_text(setting);
      break;
    case Kind::bytes:
      number = parse_bytes(text);
      if (!number) return "want a size such as 1048576, 512KiB or 1MiB";
      break;
    case Kind::duration:
      if (const auto parsed = parse_duration(text)) number = parsed->count();
      if (!number) return "want a duration such as 30s or 1h30m";
      break;
  }
  if (*number < setting.min || *number > setting.max) return "want " + range_text(setting);
  return {};
}

struct Collected {
  Values values;
  std::vector<FieldError> errors;

  void take(const Setting& setting, std::string text, Origin origin, const std::string& place) {
    const std::string problem = text.empty() ? "" : complaint(setting, text);
    if (problem.empty()) {
      values.set(setting.key, {std::move(text), origin});
      return;
    }
    const std::string shown = setting.secret ? "***" : text;
    errors.push_back({place, problem + ", got \"" + shown + "\""});
  }

  void unknown(const std::string& key, const std::string& place) {
    const auto near = nearest_key(key);
    errors.push_back(
        {place + key, near.empty() ? "unknown key"
                                   : "unknown key, did you mean \"" + std::string(near) + "\"?"});
  }
};

void take_file(Collected& out, const Sources& sources) {
  const std::string place = sources.file_path + ": ";
  const auto document = json::parse(sources.file_json, nullptr, false, true);
  if (document.is_discarded() || !document.is_object()) {
    out.errors.push_back({sources.file_path, "want one JSON object with keys and values"});
    return;
  }
  for (const auto& [key, value] : document.items()) {
    const auto* setting = find_setting(key);
    if (setting == nullptr) {
      out.unknown(key, place);
    } else if (auto text = text_of(*setting, value)) {
      out.take(*setting, std::move(*text), Origin::file, place + key);
    } else {
      out.errors.push_back({place + key, text.error().message});
    }
  }
}

}  // namespace

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::fallback:
      return "default";
    case Origin::file:
      return "file";
    case Origin::environment:
      return "environment";
    case Origin::flag:
      return "flag";
  }
  return "default";
}

std::function<std::optional<std::string>(const std::string& name)> process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<std::string> load_file(const std::string& path) {
  constexpr std::size_t kMaxBytes = 1 << 20;
  const auto unreadable = [&](std::string why) -> Error {
    return {Code::invalid, "unreadable_file", "cannot read " + path, std::move(why)};
  };
  std::ifstream in(path, std::ios::binary);
  if (!in) return unreadable("does it exist, and may this user read it?");
  std::string content(kMaxBytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return unreadable("is it a regular file?");
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > kMaxBytes) return unreadable("it is larger than 1 MiB");
  return content;
}

const Values::Value& Values::at(std::string_view key) const {
  const auto found = values_.find(key);
  WEIR_ASSERT(found != values_.end());
  return found->second;
}

bool Values::boolean(std::string_view key) const {
  return parse_boolean(at(key).text).value_or(false);
}

std::int64_t Values::integer(std::string_view key) const {
  return parse_bytes(at(key).text).value_or(0);
}

Millis Values::duration(std::string_view key) const {
  const auto parsed = parse_duration(at(key).text);
  return parsed ? *parsed : Millis{0};
}

std::vector<std::string> Values::list(std::string_view key) const {
  std::vector<std::string> out;
  std::string_view rest = at(key).text;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    auto item = rest.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) out.emplace_back(item);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return out;
}

void Values::set(std::string_view key, Value value) {
  values_.insert_or_assign(std::string(key), std::move(value));
}

Result<Values> resolve(const Sources& sources) {
  Collected out;
  for (const auto& setting : settings()) {
    out.values.set(setting.key, {std::string(setting.fallback), Origin::fallback});
  }
  if (!sources.file_path.empty()) take_file(out, sources);
  for (const auto& setting : settings()) {
    const auto name = environment_name(setting);
    if (!sources.environment) break;
    if (auto value = sources.environment(name)) {
      out.take(setting, std::move(*value), Origin::environment, name);
    }
  }
  for (const auto& [key, value] : sources.flags) {
    const auto* setting = find_setting(key);
    if (setting == nullptr || setting->secret) {
      out.unknown(key, "--");
    } else {
      out.take(*setting, value, Origin::flag, "--" + flag_name(*setting));
    }
  }
  if (!out.errors.empty()) {
    return Error{Code::invalid, "bad_config", "the configuration has errors",
                 "docs/config.md lists every key", std::move(out.errors)};
  }
  return std::move(out.values);
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t factor = 0;
  if (unit.empty() || unit == "B") factor = 1;
  if (unit == "KiB") factor = 1 << 10;
  if (unit == "MiB") factor = 1 << 20;
  if (unit == "GiB") factor = 1 << 30;
  if (factor == 0 || __builtin_mul_overflow(number, factor, &number)) return std::nullopt;
  return number;
}

Result<Address> parse_address(std::string_view text) {
  const Error bad{Code::invalid, "bad_address", "want HOST:PORT, for example 127.0.0.1:7080",
                  "got \"" + std::string(text) + "\""};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad;
  auto host = text.substr(0, colon);
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return bad;
  if (host.front() == '[') {
    if (host.size() < 3 || host.back() != ']') return bad;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad;
  }
  if (host.find_first_of("[]/ @") != std::string_view::npos) return bad;
  return Address{std::string(host), static_cast<std::uint16_t>(*port)};
}

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  const std::string name(host);
  in_addr v4{};
  if (::inet_pton(AF_INET, name.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace weir::config
