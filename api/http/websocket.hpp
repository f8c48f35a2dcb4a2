// WebSocket: a handler's end of a socket (RFC 6455), on a route with Route::upgrade. It costs no
// thread; an idle one costs a few KB. Copies share it. Thread-safe.
//
// Lifecycle: the handler checks who asks, then open()s the socket, or refuses with an answer as to
// any request. From then on messages come through Options::on_message, one at a time and in order:
// the next is read when the function has returned. on_closed runs once, whatever ended the socket.
//
// What is sent waits in a bounded queue, in one of two ways:
//   send()   what the client asked for. A client that does not read its answers is not read from
//            either; when even so the queue is full, the socket ends with 1013.
//   offer()  what happens by itself (events). Over the limits it is dropped, and the client is told
//            how many are missing (Options::lagged_text) where they are missing.
// A client that takes nothing at all is cut. Only text is spoken: binary messages end the socket
// with 1003, too large ones with 1009, text that is not UTF-8 with 1007, broken frames with 1002.
// A server that stops ends its sockets with 1001.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "api/http/subscriber_queue.hpp"
#include "api/http/types.hpp"
#include "pkg/base/clock.hpp"

namespace weir::http {

enum class CloseCode : std::uint16_t {  // RFC 6455, 7.4.1
  normal = 1000,
  going_away = 1001,
  unsupported_data = 1003,
  policy_violation = 1008,
  internal_error = 1011,
  try_again_later = 1013,
};

// What both ends of a socket share. Thread-safe.
struct WebSocketState {
  struct Closing {
    CloseCode code = CloseCode::normal;
    std::string reason = {};
  };

  WebSocketState(SubscriberQueue::Limits limits, SubscriberQueue::GapFrame lagged)
      : queue(limits, std::move(lagged)) {}
  // The first one counts.
  void close(Closing why);
  Closing closing() const;

  SubscriberQueue queue;

 private:
  mutable std::mutex mutex_;
  bool chosen_ = false;
  Closing closing_;
};

class WebSocket {
 public:
  struct Options {
    SubscriberQueue::Limits limits = {};
    std::size_t max_message_bytes = 1 << 20;  // of one message, in however many frames
    Lane lane = Lane::pool;                   // where on_message runs
    // Each time, a ping frame and (when given) a text go out; after `missed_pongs` of them without
    // any frame of the client the socket ends.
    Millis ping_after{30'000};
    unsigned missed_pongs = 3;
    std::string (*ping_text)(Timestamp now) = nullptr;
    SubscriberQueue::GapFrame lagged_text = nullptr;
    // Inside of open(), before any message: for who keeps the socket.
    std::function<void(const WebSocket&)> on_open = {};
    // May throw: then the socket ends with 1011. It may keep the socket.
    std::function<void(const WebSocket&, std::string)> on_message = {};
    // Any thread; at once when the socket cannot be opened.
    std::function<void()> on_closed = {};
  };

  static WebSocket open(const Responder& responder, Options options);

  // False: the socket is closed or closing; nothing more will be sent.
  bool send(std::string text) const { return state_->queue.push(std::move(text)); }
  bool send(SubscriberQueue::Frame frame) const { return state_->queue.push(std::move(frame)); }
  SubscriberQueue::Offered offer(SubscriberQueue::Frame frame) const {
    return state_->queue.offer(std::move(frame));
  }
  // For who would rather wait than have things dropped; on_room() runs once when there is room.
  SubscriberQueue::Tried try_push(std::string text) const {
    return state_->queue.try_push(std::move(text));
  }
  void on_room(std::function<void()> room) const { state_->queue.on_room(std::move(room)); }
  // Ends the socket after what is queued. `reason` has at most 123 bytes; more are cut off.
  void close(CloseCode code, std::string reason) const { state_->close({code, std::move(reason)}); }
  bool closed() const { return state_->queue.closed(); }

 private:
  friend class WebSocketSession;
  explicit WebSocket(std::shared_ptr<WebSocketState> state) : state_(std::move(state)) {}
  std::shared_ptr<WebSocketState> state_;
};

// What the front needs to open a socket.
struct WebSocketStart {
  std::shared_ptr<WebSocketState> state;
  WebSocket::Options options;
};

}  // namespace weir::http
