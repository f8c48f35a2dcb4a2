#include "api/live/session_watches.hpp"

#include <utility>

namespace weir::api {

Result<void> SessionWatches::add(const std::shared_ptr<rpc::Session>& session,
                                 const std::string& name, std::function<void()> leave) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_session_.try_emplace(session.get());
    auto& watches = found.first->second;
    first = found.second;
    if (watches.size() >= most_) {
      return Error{Code::too_many_requests, "too_many_watches", "One socket cannot watch more.",
                   "at most " + std::to_string(most_)};
    }
    if (!watches.emplace(name, std::move(leave)).second) {
      return Error{Code::conflict, "watch_exists", "The socket has a watch of this name.",
                   "watch: " + name};
    }
  }
  if (first) {
    session->on_closed([self = shared_from_this(), key = session.get()] { self->forget(key); });
  }
  return {};
}

bool SessionWatches::has(const rpc::Session* session, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_session_.find(session);
  return found != by_session_.end() && found->second.contains(name);
}

bool SessionWatches::remove(const rpc::Session* session, const std::string& name) {
  std::function<void()> leave;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_session_.find(session);
    if (found == by_session_.end()) return false;
    const auto watch = found->second.find(name);
    if (watch == found->second.end()) return false;
    leave = std::move(watch->second);
    found->second.erase(watch);
  }
  leave();
  return true;
}

void SessionWatches::forget(const rpc::Session* session) {
  Watches gone;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_session_.find(session);
    if (found == by_session_.end()) return;
    gone = std::move(found->second);
    by_session_.erase(found);
  }
  for (const auto& [name, leave] : gone) leave();
}

std::size_t SessionWatches::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [session, watches] : by_session_) count += watches.size();
  return count;
}

}  // namespace weir::api
