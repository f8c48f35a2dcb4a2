#include "tests/support/follower.hpp"

#include <fstream>
#include <iterator>

#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

std::vector<std::string> command_line(const WeirServer& server,
                                      std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), weir_binary());
  arguments.insert(arguments.end(), {"--server", server.url()});
  return arguments;
}

}  // namespace

Follower::Follower(const WeirServer& server, std::vector<std::string> arguments)
    : child_({.argv = command_line(server, std::move(arguments)),
              .env = {{"WEIR_API_KEY", server.key()}},
              .output_file = directory_.file("out")}) {}

std::string Follower::out() const {
  std::ifstream in(directory_.file("out"));
  return {std::istreambuf_iterator<char>(in), {}};
}

bool Follower::hears(const std::string& text) const {
  return wait_until([&] { return out().find(text) != std::string::npos; });
}

}  // namespace weir::test
