// NatsCluster: the three-node cluster of compose/nats/n1..n3.conf on loopback, with ports and
// stores of its own. What the shipped files say is what the tests run. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/child.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::test {

class NatsCluster {
 public:
  static constexpr std::size_t kNodes = 3;

  explicit NatsCluster(std::string program = newest_nats_server());

  void start();  // all nodes; returns when JetStream's leader has all followers
  void start_node(std::size_t node);   // one again, without waiting
  void kill_node(std::size_t node);    // SIGKILL
  void pause_node(std::size_t node);   // SIGSTOP
  void resume_node(std::size_t node);  // SIGCONT
  void wipe_node(std::size_t node);    // while stopped: removes its store, as a lost disk would
  bool wait_leader();                  // some node knows a JetStream leader that lives

  std::string url(std::size_t node) const;
  std::string urls() const;  // all of them, with commas
  std::string log(std::size_t node) const;

 private:
  struct Node {
    std::uint16_t client_port = 0;
    std::uint16_t cluster_port = 0;
    std::uint16_t monitor_port = 0;
    std::unique_ptr<Child> child;
  };

  bool wait_members();
  std::string name(std::size_t node) const { return "n" + std::to_string(node + 1); }
  void write_config(std::size_t node) const;

  TempDir directory_;
  std::string program_;
  std::array<Node, kNodes> nodes_;
};

}  // namespace weir::test
