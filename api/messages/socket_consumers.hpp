// SocketConsumers: what a socket is called as a consumer of messages, and what is to be done when
// it closes while it waits. Both are forgotten with the socket. Thread-safe; callbacks run outside
// of its lock.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "api/rpc/command.hpp"
#include "pkg/base/ids.hpp"

namespace weir::api {

class SocketConsumers : public std::enable_shared_from_this<SocketConsumers> {
 public:
  explicit SocketConsumers(Random& random) : random_(random) {}

  // The same for the life of the socket, and no other's.
  std::string name_of(const std::shared_ptr<rpc::Session>& session);

  // Runs `closed` when the socket closes before done(); at once when it has.
  using Wait = std::uint64_t;
  Wait wait(const std::shared_ptr<rpc::Session>& session, std::function<void()> closed);
  void done(const rpc::Session* session, Wait wait);

 private:
  struct Socket {
    std::string name;
    std::map<Wait, std::function<void()>> waits;
  };
  // Knows the socket afterwards, unless it has closed.
  void meet(const std::shared_ptr<rpc::Session>& session);
  void forget(const rpc::Session* session);

  Random& random_;
  std::mutex mutex_;
  Wait next_ = 1;                                               // guarded by mutex_
  std::unordered_map<const rpc::Session*, Socket> by_session_;  // guarded by mutex_
};

}  // namespace weir::api
