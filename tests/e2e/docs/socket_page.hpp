// The WebSocket examples of a page of the documentation: code blocks ```websocket, each a
// connection of its own. In it, a line `> ` is what the client says, `< ` the next that the server
// says, and `$ ` a command that somebody else runs meanwhile, with what it prints below.
#pragma once

#include <string>
#include <vector>

namespace weir::test {

struct SocketStep {
  enum class Kind : std::uint8_t { says, hears, runs };
  int line = 0;  // in the page
  Kind kind = Kind::says;
  std::string text = {};
  std::vector<std::string> printed = {};  // of what it runs
};

using SocketExample = std::vector<SocketStep>;

// Those of docs/NAME, in order.
std::vector<SocketExample> socket_examples_of(const std::string& name);

}  // namespace weir::test
