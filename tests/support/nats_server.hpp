// NatsServer: a real nats-server with JetStream for one test, on a loopback port of its own that it
// keeps over restarts, with a store of its own. Aborts the test when no server program is there:
// a missing server must not look like a passed test. Not thread-safe.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::test {

// The programs to test with: WEIR_NATS_SERVERS (paths with colons), else nats-server of the PATH.
std::vector<std::string> nats_server_programs();
std::string newest_nats_server();

using NatsVersion = std::array<int, 3>;
NatsVersion nats_server_version(const std::string& program);  // all zero when it does not run

class NatsServer {
 public:
  // `config`: more of the server's configuration file, after JetStream and the port.
  explicit NatsServer(std::string program = newest_nats_server(), std::string config = "");

  void start();    // returns when it accepts connections
  void stop();     // SIGTERM
  void kill();     // SIGKILL
  void suspend();  // SIGSTOP: connections stay open and nothing answers
  void resume();   // SIGCONT
  void wipe();     // while stopped: removes the store, as a lost disk would
  // While stopped: a copy of the store, and back to it, as a server that lost power comes back.
  void save_store();
  void go_back_to_saved_store();
  // While stopped: takes this many bytes off the end of the file that holds the newest messages of
  // `stream`, as lost power does in the middle of a record.
  void cut_newest_block(const std::string& stream, std::uintmax_t bytes);

  std::uint16_t port() const { return port_; }
  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }
  std::string folder() const { return directory_.path(); }  // the store and the log are below it
  std::string log() const;

 private:
  TempDir directory_;
  std::string program_;
  std::string config_;
  std::uint16_t port_;
  std::unique_ptr<Child> child_;
};

// The name of a server program's version for parametrised tests: "nats_2_10_27".
std::string version_name(const testing::TestParamInfo<std::string>& program);

}  // namespace weir::test
