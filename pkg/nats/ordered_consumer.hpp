// OrderedConsumer: every message of a stream from a sequence on, in order, once, for ever. An
// ephemeral push consumer without acknowledgements; a gap, missed heartbeats, a reconnect or a
// server that forgot it make a new one from the next sequence. Flow control bounds what is under
// way.
#pragma once

#include <functional>
#include <memory>

#include "pkg/nats/jetstream.hpp"

namespace weir::nats {

struct OrderedMessage {
  std::uint64_t sequence = 0;  // in the stream
  std::int64_t time_ns = 0;    // when the stream stored it
  std::uint64_t pending = 0;   // messages behind this one when it was sent
  std::string data;
  std::string subject = {};
  Headers headers = {};
};

struct OrderedOptions {
  std::uint64_t from = 1;         // first sequence
  std::string filter = {};        // subject; empty: all
  bool headers_only = false;      // no data
  bool last_per_subject = false;  // begins with the newest message of each subject, not at `from`
};

class OrderedConsumer {
 public:
  using Handler = std::function<void(OrderedMessage)>;

  // The handler runs on one thread at a time and may block: that is the backpressure.
  static std::unique_ptr<OrderedConsumer> start(std::shared_ptr<Connection> connection,
                                                std::string stream, std::uint64_t from,
                                                Handler handler);
  static std::unique_ptr<OrderedConsumer> start(std::shared_ptr<Connection> connection,
                                                std::string stream, OrderedOptions options,
                                                Handler handler);
  virtual ~OrderedConsumer() = default;  // returns when the handler runs no more
};

// What the reply subject of a delivered message says (v1 and v2 forms of nats-server).
struct Delivery {
  std::uint64_t stream_sequence = 0;
  std::uint64_t consumer_sequence = 0;
  std::int64_t time_ns = 0;
  std::uint64_t pending = 0;
};
// Error: bad_request / bad_ack_subject.
Result<Delivery> parse_ack_subject(std::string_view reply);

}  // namespace weir::nats
