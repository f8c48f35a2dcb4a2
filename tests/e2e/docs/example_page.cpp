#include "tests/e2e/docs/example_page.hpp"

#include <fstream>
#include <regex>

namespace weir::test {
namespace {

constexpr std::string_view kIndent = "    ";

const std::regex& id_pattern() {
  static const std::regex pattern("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}");
  return pattern;
}

std::vector<std::string> ids_in(const std::string& text) {
  std::vector<std::string> ids;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), id_pattern());
       at != std::sregex_iterator(); ++at) {
    ids.push_back(at->str());
  }
  return ids;
}

// Reads a page line by line; knows whether the lines are those of a code block.
class Reader {
 public:
  void take(int number, const std::string& line) {
    if (line.starts_with("```")) {
      fenced_ = line == "```console";
      open_ = false;
    } else if (fenced_) {
      code(number, line);
    } else if (line.starts_with(kIndent)) {
      code(number, line.substr(kIndent.size()));
    } else if (line.empty()) {
      code(number, line);
    } else {
      open_ = false;
    }
  }
  std::vector<Example> finish() {
    for (auto& example : examples_) {
      while (!example.printed.empty() && example.printed.back().empty()) example.printed.pop_back();
    }
    return std::move(examples_);
  }

 private:
  void code(int number, const std::string& line) {
    if (goes_on_) {
      examples_.back().command += "\n" + line;
    } else if (line.starts_with("$ ")) {
      examples_.push_back({.line = number, .command = line.substr(2), .printed = {}});
      open_ = true;
    } else if (open_) {
      examples_.back().printed.push_back(line);
      return;
    }
    goes_on_ = open_ && line.ends_with("\\");
  }

  std::vector<Example> examples_;
  bool fenced_ = false;
  bool open_ = false;  // what comes is printed by the last command
  bool goes_on_ = false;
};

}  // namespace

std::vector<Example> examples_of(const std::string& name) {
  std::ifstream page(std::string(WEIR_SOURCE_DIR) + "/docs/" + name);
  Reader reader;
  int number = 0;
  for (std::string line; std::getline(page, line);) reader.take(++number, line);
  return reader.finish();
}

void Ids::learn(const std::string& page, const std::string& run) {
  const auto theirs = ids_in(page);
  const auto ours = ids_in(run);
  for (std::size_t i = 0; i < std::min(theirs.size(), ours.size()); ++i) {
    ours_.emplace(theirs[i], ours[i]);
  }
}

std::string Ids::translate(std::string text) const {
  for (const auto& [theirs, ours] : ours_) {
    for (auto at = text.find(theirs); at != std::string::npos; at = text.find(theirs, at)) {
      text.replace(at, theirs.size(), ours);
    }
  }
  return text;
}

std::string essence(const std::string& text) {
  static const std::pair<std::regex, const char*> kVaries[] = {
      {id_pattern(), "<id>"},
      {std::regex("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z"), "<time>"},
      {std::regex("\\b(now|(in )?\\d+ ?(ms|s|min|h|d)( ago)?)\\b"), "<age>"},
      {std::regex("[0-9a-f]{11,}"), "<hex>"},
      {std::regex("\\d{3,}(\\.\\d+)?"), "<number>"},
      // What the NATS server can do.
      {std::regex("\"(server_ttl|atomic)\":(true|false)"), "\"$1\":<bool>"},
      {std::regex("\\s+"), " "},
  };
  std::string out = text;
  for (const auto& [pattern, name] : kVaries) out = std::regex_replace(out, pattern, name);
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace weir::test
