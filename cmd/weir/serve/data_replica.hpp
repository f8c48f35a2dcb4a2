// DataReplica: this coordinator's part in the log DATA, where the data structures live: a second
// replica beside that of the jobs, with its own stream, SQLite file, applier and leader.
//
// Lifecycle: make() -> start() -> finish_start() until it is true -> stop(). One thread.
#pragma once

#include <memory>

#include "pkg/base/clock.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/config/serve_config.hpp"
#include "pkg/nats/connection.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/structures/machine.hpp"

namespace weir::cli {

class DataReplica {
 public:
  struct Parts {
    const config::ServeConfig& config;
    std::shared_ptr<nats::Connection> entries;  // for the entries of this log alone
    std::shared_ptr<nats::Connection> rest;
    int replicas = 1;  // of its streams
    const Clock& system_clock;
    Random& random;
  };
  // Errors: as replica::make_instance().
  static Result<std::unique_ptr<DataReplica>> make(const Parts& parts);
  ~DataReplica();

  Result<void> start();
  // Puts the limits of the configuration into the log, when they are not the ones in force.
  bool finish_start();
  void stop();

  replica::Instance& instance() const;
  const structures::Machine& structures() const;

 private:
  struct Members;
  explicit DataReplica(std::unique_ptr<Members> members);
  std::unique_ptr<Members> members_;
};

}  // namespace weir::cli
