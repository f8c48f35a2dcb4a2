// SimOutbox: the outbox of a simulated coordinator: its real file, driven by events as the threads
// of Outbox drive it. Dies with the node's life; the file stays.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pkg/replica/instance.hpp"
#include "pkg/replica/log.hpp"
#include "pkg/replica/outbox_file.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

class SimOutbox {
 public:
  // Runs an event later, unless the node has crashed by then.
  using Later = std::function<void(Micros, std::function<void()>)>;

  SimOutbox(World& world, replica::Log& log, const Clock& clock, Later later, std::string path,
            const std::string& node);

  ~SimOutbox() { *alive_ = false; }

  bool empty() const { return operations_ == 0; }
  void keep(replica::Operation operation, replica::ReplyHandler done);
  // What is due, when the log takes entries.
  void drain(replica::Revision applied);

 private:
  struct HandedOver {
    replica::OutboxFile::Entry entry;
    std::uint64_t session = 0;
    std::optional<replica::Revision> revision;  // when it is in the log
  };

  World& world_;
  replica::Log& log_;
  const Clock& clock_;
  const Later later_;
  std::unique_ptr<replica::OutboxFile> file_;
  std::uint64_t operations_ = 0;
  std::optional<HandedOver> under_way_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace weir::sim
