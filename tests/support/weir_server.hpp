// WeirServer: the built binary as a user runs it: `weir serve` on a loopback port of its own, with
// a data directory of its own that outlives restarts. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::test {

struct WeirOptions {
  std::string key = {};  // the admin key; empty = one of its own. Coordinators of one log share it
  std::string nats_url = {};                    // empty = the embedded server, or WEIR_NATS_URL
  std::vector<std::string> flags = {};          // more flags of `weir serve`
  std::map<std::string, std::string> env = {};  // more environment
  std::vector<std::string> under = {};  // a program that runs `weir serve`, and its arguments
  HttpTls tls = {};  // how clients of this server speak; the server's own files are flags
};

class WeirServer {
 public:
  explicit WeirServer(WeirOptions options = {});

  void start();       // returns when /ready says so; aborts with the log when it never does
  void launch();      // starts without waiting
  bool wait_ready();  // false when it ended or is not ready in time
  int stop();         // SIGTERM; the exit code
  void kill();        // SIGKILL, with the embedded NATS server
  void pause();       // SIGSTOP
  void resume();      // SIGCONT
  void wipe();        // while stopped: removes its data, as a lost disk would
  bool running() { return child_ && child_->running(); }
  pid_t pid() const { return child_->pid(); }

  std::uint16_t port() const { return port_; }
  std::string url() const;
  const std::string& key() const { return key_; }  // the admin key
  std::string data_dir() const { return directory_.file("data"); }
  std::string log() const;

  HttpClient client() const { return make_client(key_, kClientLimit); }
  HttpClient anonymous() const { return make_client("", kClientLimit); }

  // The command line against this server: cli({"job", "list"}).
  Finished cli(std::vector<std::string> arguments, const std::string& input = "") const;

 private:
  static constexpr Millis kClientLimit = std::chrono::seconds(30);
  HttpClient make_client(const std::string& key, Millis limit) const {
    return HttpClient(port_, key, limit, options_.tls);
  }

  TempDir directory_;
  WeirOptions options_;
  std::uint16_t port_;
  std::string key_;
  std::unique_ptr<Child> child_;
};

// Path of the built `weir`.
std::string weir_binary();

}  // namespace weir::test
