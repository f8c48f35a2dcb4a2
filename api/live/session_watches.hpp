// SessionWatches: what the commands of one kind subscribe a socket to, by the names it has there,
// so that it can be ended by name, and ends with the socket. Thread-safe. Outlives the sessions'
// use of it (shared).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "api/rpc/command.hpp"

namespace weir::api {

class SessionWatches : public std::enable_shared_from_this<SessionWatches> {
 public:
  explicit SessionWatches(std::size_t most) : most_(most) {}

  // `leave` ends it; it runs once, on any thread, and may run before what it ends began. Errors:
  // too_many_requests / too_many_watches; conflict / watch_exists.
  Result<void> add(const std::shared_ptr<rpc::Session>& session, const std::string& name,
                   std::function<void()> leave);
  bool has(const rpc::Session* session, const std::string& name) const;
  // Whether there was one.
  bool remove(const rpc::Session* session, const std::string& name);
  std::size_t size() const;

 private:
  using Watches = std::unordered_map<std::string, std::function<void()>>;
  void forget(const rpc::Session* session);

  const std::size_t most_;  // of one socket
  mutable std::mutex mutex_;
  std::unordered_map<const rpc::Session*, Watches> by_session_;  // guarded by mutex_
};

}  // namespace weir::api
