#include "tests/e2e/docs/socket_page.hpp"

#include <fstream>

namespace weir::test {
namespace {

void take(SocketExample& example, int number, const std::string& line) {
  using Kind = SocketStep::Kind;
  const auto starts = line.substr(0, 2);
  if (starts == "> ") {
    example.push_back({.line = number, .kind = Kind::says, .text = line.substr(2)});
  } else if (starts == "< ") {
    example.push_back({.line = number, .kind = Kind::hears, .text = line.substr(2)});
  } else if (starts == "$ ") {
    example.push_back({.line = number, .kind = Kind::runs, .text = line.substr(2)});
  } else if (!example.empty()) {
    example.back().printed.push_back(line);
  }
}

}  // namespace

std::vector<SocketExample> socket_examples_of(const std::string& name) {
  std::ifstream page(std::string(WEIR_SOURCE_DIR) + "/docs/" + name);
  std::vector<SocketExample> examples;
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(page, line);) {
    ++number;
    if (line.starts_with("```")) {
      inside = line == "```websocket";
      if (inside) examples.emplace_back();
    } else if (inside) {
      take(examples.back(), number, line);
    }
  }
  return examples;
}

}  // namespace weir::test
