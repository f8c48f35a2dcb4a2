// SessionWatcher: pushes what a feed tells to a socket, as frames of its kind. Called by the feed;
// thread-safe as far as the session is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "api/rpc/command.hpp"
#include "pkg/nats/feed.hpp"

namespace weir::api {

class SessionWatcher : public nats::Watcher {
 public:
  explicit SessionWatcher(std::weak_ptr<rpc::Session> session) : session_(std::move(session)) {}

  Taken take(const nats::Change& change) final;
  void on_room(std::function<void()> room) final;
  void ended() final;

 protected:
  // Empty: this change is not told.
  virtual std::string frame_of(const nats::Change& change) const = 0;
  virtual std::string end_frame() const = 0;

 private:
  const std::weak_ptr<rpc::Session> session_;
};

}  // namespace weir::api
