// Publisher: asynchronous JetStream publishing with one acknowledgement inbox of its own. Each
// publish ends in exactly one call of its `done`. Thread-safe. Stop() before destruction is
// implied.
#pragma once

#include <functional>
#include <memory>

#include "pkg/nats/connection.hpp"

namespace weir::nats {

struct PublishAck {
  std::uint64_t sequence = 0;
  bool duplicate = false;  // the stream had this message id within its duplicate window
};

class Publisher {
 public:
  // Errors: unavailable (nothing was stored), deadline_exceeded / outcome_unknown (it may be), and
  // those of nats::api_error.
  using Done = std::function<void(Result<PublishAck>)>;

  static Result<std::unique_ptr<Publisher>> make(std::shared_ptr<Connection> connection);
  virtual ~Publisher() = default;

  // Sends on the caller's thread and returns; `done` runs on the caller's thread when it cannot be
  // sent, else on a thread of the publisher. `headers` go with it, besides Nats-Msg-Id.
  virtual void publish(std::string_view subject, std::string_view message_id, std::string_view data,
                       MonoTime deadline, Done done, Headers headers = {}) = 0;
};

}  // namespace weir::nats
