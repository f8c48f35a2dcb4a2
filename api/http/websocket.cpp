#include "api/http/websocket.hpp"

namespace weir::http {

void WebSocketState::close(Closing why) {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(chosen_, true)) closing_ = std::move(why);
  }
  queue.finish();
}

WebSocketState::Closing WebSocketState::closing() const {
  const std::lock_guard lock(mutex_);
  return closing_;
}

WebSocket WebSocket::open(const Responder& responder, Options options) {
  const auto state = std::make_shared<WebSocketState>(options.limits, options.lagged_text);
  if (options.on_closed) state->queue.on_closed(std::move(options.on_closed));
  WebSocket socket(state);
  if (options.on_open) options.on_open(socket);
  responder.open_socket({.state = state, .options = std::move(options)});
  return socket;
}

}  // namespace weir::http
