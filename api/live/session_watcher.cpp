#include "api/live/session_watcher.hpp"

namespace weir::api {

nats::Watcher::Taken SessionWatcher::take(const nats::Change& change) {
  const auto session = session_.lock();
  if (!session) return Taken::gone;
  auto frame = frame_of(change);
  if (frame.empty()) return Taken::yes;
  switch (session->try_push(std::move(frame))) {
    case rpc::Session::Tried::queued:
      return Taken::yes;
    case rpc::Session::Tried::full:
      return Taken::full;
    case rpc::Session::Tried::gone:
      break;
  }
  return Taken::gone;
}

void SessionWatcher::on_room(std::function<void()> room) {
  if (const auto session = session_.lock()) session->on_room(std::move(room));
}

void SessionWatcher::ended() {
  if (const auto session = session_.lock()) session->push(end_frame());
}

}  // namespace weir::api
