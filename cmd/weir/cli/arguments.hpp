// Command lines: what a command accepts, its help text, and the parsed result. The only place that
// knows cxxopts. Plain values; thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::cli {

using Args = std::span<const std::string>;  // without the program and the command name

struct Option {
  std::string name;        // "queue"; a short form before a comma: "q,queue"
  std::string value_name;  // "NAME"; empty = a switch without a value
  std::string help;
  std::string implicit = {};  // value when given bare; the value then needs "=": --x=false
  std::string long_name() const;
};

struct Usage {
  std::string command;  // "weir submit"
  // What is given beside options, one word each: "ROOM TYPE DATA|-", "[KEY]", "[ID...]". Options
  // that are worth naming here may be named too: "NAME --scopes LIST".
  std::string synopsis = {};
  std::string summary;  // one or more sentences
  std::vector<Option> options = {};
  std::vector<std::string> examples;
};

class Parsed {
 public:
  bool has(const std::string& name) const { return values_.contains(name); }
  // The last value given, or `fallback`.
  std::string text(const std::string& name, std::string fallback = {}) const;
  std::vector<std::string> all(const std::string& name) const;  // in order
  // Errors: invalid / bad_argument, naming the option and the range.
  Result<std::int64_t> number(const std::string& name, std::int64_t fallback, std::int64_t min,
                              std::int64_t max) const;
  Result<Millis> duration(const std::string& name, Millis fallback) const;
  const std::vector<std::string>& operands() const { return operands_; }
  std::string operand(std::size_t index) const;  // empty when there are fewer

 private:
  friend Result<Parsed> parse(const Usage& usage, Args args);
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> operands_;
};

// `--help` is accepted by every command: then only has("help") counts, operands are not checked.
// Errors: invalid / bad_argument.
Result<Parsed> parse(const Usage& usage, Args args);
std::string help_text(const Usage& usage);

// What deletes things for good wants --yes. `deletes`: "this deletes ...".
extern const Option kYesOption;
Result<void> confirmed(const Parsed& parsed, const std::string& deletes);

Error bad_argument(std::string message, std::string details = {});

// The candidate nearest to a mistyped word, when one is near.
std::optional<std::string> nearest(const std::string& word, std::span<const std::string> words);

}  // namespace weir::cli
