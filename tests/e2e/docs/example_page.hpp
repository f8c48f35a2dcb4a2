// The examples of a page of the documentation: commands after `$ ` with what they print, in code
// blocks (```console, or indented).
#pragma once

#include <map>
#include <string>
#include <vector>

namespace weir::test {

struct Example {
  int line = 0;                      // in the page
  std::string command = {};          // without the `$ `
  std::vector<std::string> printed;  // as the page has it, without the indentation
};

// The examples of docs/NAME. A line that ends with a backslash goes on in the next.
std::vector<Example> examples_of(const std::string& name);

// Ids that a server made, from those of the page to those of this run: later commands name them.
class Ids {
 public:
  // Learns from two texts that say the same.
  void learn(const std::string& page, const std::string& run);
  std::string translate(std::string text) const;

 private:
  std::map<std::string, std::string> ours_;
};

// The text without what differs from run to run: times, ids, ages, long numbers, white space, and
// what depends on the version of the NATS server.
std::string essence(const std::string& text);

}  // namespace weir::test
