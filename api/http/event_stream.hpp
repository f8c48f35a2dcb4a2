// EventStream: a handler's end of a Server-Sent Events answer (WHATWG HTML, section 9.2). It costs
// no thread; an idle one costs a few KB. Copies share it. Thread-safe.
//
// Lifecycle: open() answers the request with the stream; then send() until it says false, or
// finish(). A client that does not read gets what fits into the queue, then `event: overflow` and
// the end of the stream: it connects again with Last-Event-ID. A server that stops finishes its
// streams. Silence is filled with `: ping` comments.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/subscriber_queue.hpp"
#include "api/http/types.hpp"
#include "pkg/base/clock.hpp"

namespace weir::http {

// What the front needs for an answer that goes on. The frames are bytes of the protocol on top.
struct StreamStart {
  std::shared_ptr<SubscriberQueue> queue;
  std::string content_type = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  Millis ping_after{15'000};        // of silence
  std::string_view ping_frame;      // static text
  std::string_view overflow_frame;  // static text: the last one to a client that was too slow
};

struct StreamEvent {
  std::string_view id = {};    // what Last-Event-ID says after a reconnect; empty: unchanged
  std::string_view type = {};  // empty: "message"
  std::string_view data = {};
};
// The event as bytes. Line breaks inside of data become several data lines; in id and type they are
// dropped.
std::string event_frame(const StreamEvent& event);

class EventStream {
 public:
  struct Options {
    SubscriberQueue::Limits limits = {};
    Millis ping_after{15'000};
    std::vector<std::pair<std::string, std::string>> headers = {};
    SubscriberQueue::GapFrame gap = nullptr;  // for offer(): the event that tells of a gap
  };

  static EventStream open(const Responder& responder, Options options);

  // False: the client is gone, too slow or the stream is finished.
  bool send(const StreamEvent& event) const { return queue_->push(event_frame(event)); }
  bool send(SubscriberQueue::Frame frame) const { return queue_->push(std::move(frame)); }
  void finish() const { queue_->finish(); }
  const std::shared_ptr<SubscriberQueue>& queue() const { return queue_; }

 private:
  explicit EventStream(std::shared_ptr<SubscriberQueue> queue) : queue_(std::move(queue)) {}
  std::shared_ptr<SubscriberQueue> queue_;
};

}  // namespace weir::http
