#include "cmd/weir/cli/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cxxopts.hpp>
#include <sstream>

#include "pkg/base/time_text.hpp"
#include "pkg/config/settings.hpp"

namespace weir::cli {
namespace {

constexpr std::size_t kMostRepeated = 10'000;  // of an operand such as [ID...]

cxxopts::Options declare(const Usage& usage) {
  cxxopts::Options options(usage.command);
  auto add = options.add_options();
  for (const auto& option : usage.options) {
    if (option.value_name.empty()) {
      add(option.name, option.help);
    } else if (!option.implicit.empty()) {
      add(option.name, option.help, cxxopts::value<std::string>()->implicit_value(option.implicit));
    } else {
      add(option.name, option.help, cxxopts::value<std::string>());
    }
  }
  add("h,help", "Show this help");
  return options;
}

// With the nearest option when the message is about an unknown one.
Error explain(const Usage& usage, const std::string& message, Args args) {
  std::vector<std::string> names{"help"};
  for (const auto& option : usage.options) names.push_back(option.long_name());
  std::string details = "try `" + usage.command + " --help`";
  for (const auto& arg : args) {
    if (!arg.starts_with("--")) continue;
    const auto word =
        arg.substr(2, arg.find('=') == std::string::npos ? arg.npos : arg.find('=') - 2);
    if (word.empty() || std::ranges::find(names, word) != names.end()) continue;
    if (const auto near = nearest(word, names)) details = "did you mean --" + *near + "?";
    return bad_argument("unknown option --" + word, std::move(details));
  }
  return bad_argument(message, std::move(details));
}

struct Operands {
  std::vector<std::string> least;  // those that must be there
  std::size_t most = 0;
};

// What a synopsis asks for. An option in it is no operand, nor is the word for its value.
Operands operands_of(const std::string& synopsis) {
  Operands out;
  std::istringstream words(synopsis);
  for (std::string word; words >> word;) {
    if (word.starts_with("--") || word.starts_with("[--")) {
      words >> word;
      continue;
    }
    if (!word.starts_with("[")) out.least.push_back(word.substr(0, word.find('|')));
    out.most += word.find("...") == std::string::npos ? 1 : kMostRepeated;
  }
  return out;
}

std::string usage_line(const Usage& usage) {
  return usage.command + " " + usage.synopsis + (usage.synopsis.empty() ? "" : " ") + "[options]";
}

}  // namespace

std::string Option::long_name() const {
  const auto comma = name.find(',');
  return comma == std::string::npos ? name : name.substr(comma + 1);
}

std::string Parsed::text(const std::string& name, std::string fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::move(fallback) : found->second.back();
}

std::vector<std::string> Parsed::all(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Result<std::int64_t> Parsed::number(const std::string& name, std::int64_t fallback,
                                    std::int64_t min, std::int64_t max) const {
  if (!has(name)) return fallback;
  const auto word = text(name);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  const bool whole = error == std::errc{} && end == word.data() + word.size();
  if (!whole || number < min || number > max) {
    return bad_argument("--" + name + " wants a whole number from " + std::to_string(min) + " to " +
                        std::to_string(max) + ", got \"" + word + "\"");
  }
  return number;
}

Result<Millis> Parsed::duration(const std::string& name, Millis fallback) const {
  if (!has(name)) return fallback;
  auto parsed = parse_duration(text(name));
  if (parsed) return *parsed;
  return bad_argument("--" + name + " wants a duration such as 30s or 1h30m, got \"" + text(name) +
                      "\"");
}

std::string Parsed::operand(std::size_t index) const {
  return index < operands_.size() ? operands_[index] : std::string{};
}

Result<Parsed> parse(const Usage& usage, Args args) {
  std::vector<const char*> argv{usage.command.c_str()};
  for (const auto& arg : args) argv.push_back(arg.c_str());
  Parsed out;
  try {
    auto options = declare(usage);
    const auto result = options.parse(static_cast<int>(argv.size()), argv.data());
    for (const auto& given : result.arguments()) out.values_[given.key()].push_back(given.value());
    out.operands_ = result.unmatched();
  } catch (const std::exception& failure) {
    return explain(usage, failure.what(), args);
  }
  if (out.has("help")) return out;
  const auto wanted = operands_of(usage.synopsis);
  if (out.operands_.size() > wanted.most) {
    return bad_argument("unexpected argument \"" + out.operands_[wanted.most] + "\"",
                        "usage: " + usage_line(usage));
  }
  if (out.operands_.size() < wanted.least.size()) {
    return bad_argument(wanted.least[out.operands_.size()] + " is missing",
                        "usage: " + usage_line(usage));
  }
  return out;
}

std::string help_text(const Usage& usage) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& option : usage.options) {
    const auto comma = option.name.find(',');
    std::string left = comma == std::string::npos ? "    --" + option.name
                                                  : "-" + option.name.substr(0, comma) + ", --" +
                                                        option.name.substr(comma + 1);
    if (!option.implicit.empty()) {
      left += "[=" + option.value_name + "]";
    } else if (!option.value_name.empty()) {
      left += " " + option.value_name;
    }
    rows.emplace_back(std::move(left), option.help);
  }
  rows.emplace_back("-h, --help", "Show this help");
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.first.size());
  std::string out = usage.summary + "\n\nUsage: " + usage_line(usage) + "\n";
  out += "\nOptions:\n";
  for (const auto& [left, right] : rows) {
    out.append("  ").append(left).append(width + 2 - left.size(), ' ').append(right).append("\n");
  }
  out += usage.examples.size() == 1 ? "\nExample:\n" : "\nExamples:\n";
  for (const auto& example : usage.examples) out.append("  ").append(example).append("\n");
  return out;
}

const Option kYesOption{"yes", "", "Really do it"};

Result<void> confirmed(const Parsed& parsed, const std::string& deletes) {
  if (parsed.has("yes")) return {};
  return bad_argument(deletes, "add --yes to do it");
}

Error bad_argument(std::string message, std::string details) {
  return {Code::invalid, "bad_argument", std::move(message), std::move(details)};
}

std::optional<std::string> nearest(const std::string& word, std::span<const std::string> words) {
  std::optional<std::string> best;
  std::size_t best_distance =
      std::max<std::size_t>(1, std::min(word.size(), std::size_t{32}) / 3) + 1;
  for (const auto& candidate : words) {
    const auto distance = config::edit_distance(word.substr(0, 64), candidate);
    const bool prefix = word.size() >= 2 && candidate.starts_with(word);
    if (distance < best_distance || (prefix && !best)) {
      best = candidate;
      best_distance = std::min(best_distance, distance);
    }
  }
  return best;
}

}  // namespace weir::cli
