#include "api/messages/socket_consumers.hpp"

namespace weir::api {

void SocketConsumers::meet(const std::shared_ptr<rpc::Session>& session) {
  {
    const std::lock_guard lock(mutex_);
    const auto [found, fresh] = by_session_.try_emplace(session.get());
    if (!fresh) return;
    found->second.name = random_hex(random_, 8);
  }
  session->on_closed([self = shared_from_this(), key = session.get()] { self->forget(key); });
}

std::string SocketConsumers::name_of(const std::shared_ptr<rpc::Session>& session) {
  meet(session);
  const std::lock_guard lock(mutex_);
  const auto found = by_session_.find(session.get());
  return found == by_session_.end() ? "closed" : found->second.name;
}

SocketConsumers::Wait SocketConsumers::wait(const std::shared_ptr<rpc::Session>& session,
                                            std::function<void()> closed) {
  meet(session);
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_session_.find(session.get());
    if (found != by_session_.end()) {
      const auto id = next_++;
      found->second.waits.emplace(id, std::move(closed));
      return id;
    }
  }
  closed();
  return 0;
}

void SocketConsumers::done(const rpc::Session* session, Wait wait) {
  std::function<void()> gone;  // destroyed outside of the lock
  const std::lock_guard lock(mutex_);
  const auto found = by_session_.find(session);
  if (found == by_session_.end()) return;
  const auto which = found->second.waits.find(wait);
  if (which == found->second.waits.end()) return;
  gone = std::move(which->second);
  found->second.waits.erase(which);
}

void SocketConsumers::forget(const rpc::Session* session) {
  std::map<Wait, std::function<void()>> waits;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_session_.find(session);
    if (found == by_session_.end()) return;
    waits = std::move(found->second.waits);
    by_session_.erase(found);
  }
  for (const auto& [id, closed] : waits) closed();
}

}  // namespace weir::api
