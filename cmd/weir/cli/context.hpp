// What every command that talks to a server shares: the common options, the key, the client, and
// how results and errors reach the user. Plain values.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cmd/weir/cli/arguments.hpp"
#include "cmd/weir/cli/client.hpp"
#include "cmd/weir/cli/exit_code.hpp"
#include "cmd/weir/cli/output.hpp"

namespace weir::cli {

// One command of the program. `run` gets what follows the name and answers the exit code.
struct Command {
  std::string name;
  std::string summary;
  std::function<int(Args)> run;
};

// --server, --key-file, --ca, --client-cert, --client-key, --data-dir, --retry-for, --json.
std::vector<Option> with_common(std::vector<Option> own);

// Where the client connects and as whom. The key is the first of: --key-file, WEIR_API_KEY, and for
// a server on loopback the admin key that `weir serve` keeps in its data directory. Errors:
// invalid / bad_argument, unreadable_file.
Result<Client::Options> client_options(const Parsed& parsed);

class Context {
 public:
  static Result<Context> make(const Parsed& parsed);

  Client& client() { return *client_; }
  bool json() const { return json_; }
  bool colours() const { return colours_; }

  // The body as JSON. Errors: those of Client::call; internal / bad_answer.
  Result<Json> ask(const Call& call);
  // Prints the answer for programs, or `text` for people; kOk.
  int show(const Json& answer, const std::string& text) const;

 private:
  Context() = default;
  std::unique_ptr<Client> client_;
  bool json_ = false;
  bool colours_ = false;
};

// Parses, with the common options beside those of `usage`, handles --help, builds the context, runs
// `body`, prints its error. The frame of every command with a server.
int run_with_server(const Usage& usage, Args args,
                    const std::function<Result<int>(const Parsed&, Context&)>& body);
// The same without a server.
int run_local(const Usage& usage, Args args, const std::function<Result<int>(const Parsed&)>& body);

// A command of nouns: dispatches to the subcommand named first.
int run_group(const std::string& name, const std::string& summary,
              const std::vector<Command>& commands, Args args);
std::string command_list(const std::vector<Command>& commands);
// As `weir COMMAND`, unknown words with a suggestion.
int dispatch(const std::string& program, const std::vector<Command>& commands, Args args);

}  // namespace weir::cli
