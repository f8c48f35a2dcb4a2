#include "tests/support/nats_cluster.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "pkg/base/assert.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

// Replaces every `from`; a shipped file that lacks it has changed, and this code must follow.
void substitute(std::string& text, const std::string& from, const std::string& to) {
  WEIR_ASSERT(text.find(from) != std::string::npos);
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string loopback(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

}  // namespace

NatsCluster::NatsCluster(std::string program) : program_(std::move(program)) {
  for (auto& node : nodes_) {
    node.client_port = free_port();
    node.cluster_port = free_port();
    node.monitor_port = free_port();
  }
  for (std::size_t node = 0; node < kNodes; ++node) write_config(node);
}

void NatsCluster::write_config(std::size_t node) const {
  std::string text =
      read_file(std::string(WEIR_SOURCE_DIR) + "/compose/nats/" + name(node) + ".conf");
  const Node& mine = nodes_[node];
  substitute(text, "0.0.0.0:4222", loopback(mine.client_port));
  substitute(text, "0.0.0.0:6222", loopback(mine.cluster_port));
  substitute(text, "127.0.0.1:8222", loopback(mine.monitor_port));
  substitute(text, "\"/data\"", "\"" + directory_.file(name(node)) + "\"");
  for (std::size_t peer = 0; peer < kNodes; ++peer) {
    substitute(text, name(peer) + ":6222", loopback(nodes_[peer].cluster_port));
  }
  if (nats_server_version(program_) < NatsVersion{2, 10, 0}) {
    substitute(text, "sync_interval: always", "");
  }
  write_file(directory_.file(name(node) + ".conf"), text);
}

void NatsCluster::start() {
  for (std::size_t node = 0; node < kNodes; ++node) start_node(node);
  if (wait_members()) return;
  for (std::size_t node = 0; node < kNodes; ++node) {
    std::fprintf(stderr, "%s of %s:\n%s\n", name(node).c_str(), program_.c_str(),
                 log(node).c_str());
  }
  std::abort();
}

void NatsCluster::start_node(std::size_t node) {
  nodes_[node].child = std::make_unique<Child>(Command{
      .argv = {program_, "-c", directory_.file(name(node) + ".conf")},
      .error_file = directory_.file(name(node) + ".log"),
  });
}

void NatsCluster::kill_node(std::size_t node) {
  nodes_[node].child->kill();
}

void NatsCluster::pause_node(std::size_t node) {
  nodes_[node].child->signal(SIGSTOP);
}

void NatsCluster::resume_node(std::size_t node) {
  nodes_[node].child->signal(SIGCONT);
}

void NatsCluster::wipe_node(std::size_t node) {
  std::filesystem::remove_all(directory_.file(name(node)));
}

// A leader that dies before its followers have heard of each other leaves them without a quorum.
bool NatsCluster::wait_members() {
  return wait_until(
      [this] {
        for (const auto& node : nodes_) {
          HttpClient client(node.monitor_port, "", std::chrono::seconds(1));
          const auto answer = client.get("/jsz");
          std::size_t current = 0;  // only the leader lists the others
          for (const auto peer : answer.json().find("meta_cluster").find("replicas").elements()) {
            if (peer.find("current").as_bool().value_or(false)) ++current;
          }
          if (current == kNodes - 1) return true;
        }
        return false;
      },
      std::chrono::seconds(60));
}

bool NatsCluster::wait_leader() {
  return wait_until(
      [this] {
        for (const auto& node : nodes_) {
          HttpClient client(node.monitor_port, "", std::chrono::seconds(1));
          const auto answer = client.get("/jsz");
          const auto leader = answer.json().find("meta_cluster").find("leader").as_string();
          if (!leader || leader->empty()) continue;
          const auto index = static_cast<std::size_t>(leader->back() - '1');
          if (index < kNodes && nodes_[index].child && nodes_[index].child->running()) return true;
        }
        return false;
      },
      std::chrono::seconds(60));
}

std::string NatsCluster::url(std::size_t node) const {
  return "nats://" + loopback(nodes_[node].client_port);
}

std::string NatsCluster::urls() const {
  return url(0) + "," + url(1) + "," + url(2);
}

std::string NatsCluster::log(std::size_t node) const {
  return read_file(directory_.file(name(node) + ".log"));
}

}  // namespace weir::test
