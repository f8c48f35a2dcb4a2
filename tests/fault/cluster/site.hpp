// Site: three NATS servers in a cluster and several coordinators on them, as a user would run them.
// Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/nats/connection.hpp"
#include "tests/support/nats_cluster.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {

class Site {
 public:
  explicit Site(std::size_t coordinators);

  void start();       // returns when all are ready and the streams have three replicas
  bool wait_whole();  // every process runs, every stream has its replicas, somebody leads
  std::optional<std::size_t> find_log_leader();  // the NATS node that leads the log, if one does
  std::size_t log_leader();                      // waits for one
  std::optional<std::size_t> leader();           // the coordinator that leads
  std::size_t follower();                        // one that does not

  NatsCluster& nats() { return nats_; }
  WeirServer& coordinator(std::size_t number) { return *coordinators_[number]; }
  std::size_t coordinators() const { return coordinators_.size(); }
  std::vector<std::uint16_t> ports() const;
  const std::string& key() const { return coordinators_.front()->key(); }

 private:
  bool streams_whole() const;
  NatsCluster nats_;
  std::vector<std::unique_ptr<WeirServer>> coordinators_;
  std::shared_ptr<nats::Connection> connection_;
};

}  // namespace weir::test
