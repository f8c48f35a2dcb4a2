// CommandSockets: the command API over WebSocket, GET /api/v1/ws. A message is a frame as
// POST /api/v1/command takes it, and is answered by the same frame; errors leave the socket open.
// Commands that subscribe push more frames to it. A socket ends when its key is revoked, rotated or
// expires (LiveKeys).
//
// Lifecycle: construct -> add_endpoint() -> ... -> drop with the Api. Thread-safe. The
// services and the dispatcher outlive it.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_set>

#include "api/core/command.hpp"
#include "api/core/services.hpp"
#include "api/rpc/dispatcher.hpp"

namespace weir::api {

class CommandSockets {
 public:
  CommandSockets(Services& services, rpc::Dispatcher& dispatcher);

  void add_endpoint(CommandTable& table);
  std::size_t size() const;

 private:
  class Connection;
  struct Registry {
    std::mutex mutex;
    std::unordered_set<std::shared_ptr<Connection>> connections;  // guarded by mutex
  };

  void open(const Call& call);

  Services& services_;
  rpc::Dispatcher& dispatcher_;
  const std::shared_ptr<Registry> registry_ = std::make_shared<Registry>();
};

}  // namespace weir::api
