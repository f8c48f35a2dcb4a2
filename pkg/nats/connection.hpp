// Connection: one NATS connection over nats.c that never gives up. It connects in the background
// and reconnects for ever; while it is down, publish and request fail at once instead of being
// replayed later. nats.h is included in .cpp files of this folder only.
//
// Lifecycle: open() -> use -> destroy (subscriptions first). Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::nats {

struct TlsOptions {
  bool enabled = false;  // also turned on by a tls:// URL
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  bool skip_verify = false;
};

struct ConnectOptions {
  std::vector<std::string> urls;  // nats://host:port, may carry user:password
  std::string name = "weir";
  std::string user;
  std::string password;
  std::string token;
  std::string creds_file;      // JWT and seed
  std::string nkey_seed_file;  // needs nkey_public
  std::string nkey_public;
  TlsOptions tls;
  Millis ping_interval{5000};  // two unanswered pings end a dead connection
};

enum class State : std::uint8_t { connecting, connected, disconnected, closed };

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Message {
  std::string subject;
  std::string reply;
  std::string data;
  std::string status;  // status header of a server message: "100", "503"; else empty
  Headers headers;     // only when the message has some; a status line's text is "Description"
};

using MessageHandler = std::function<void(Message)>;

// Ends the delivery when destroyed, after a running call of the handler has returned. Not to be
// destroyed from its own handler.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

class Connection {
 public:
  // Returns at once; connecting goes on in the background. Errors: invalid / nats_options (a file
  // that cannot be read, a URL that cannot be parsed).
  static Result<std::shared_ptr<Connection>> open(const ConnectOptions& options);
  virtual ~Connection() = default;

  virtual State state() const = 0;
  bool connected() const { return state() == State::connected; }
  virtual bool wait_connected(Millis wait) const = 0;
  // Why it is not connected; without credentials, empty when it is.
  virtual std::string last_problem() const = 0;
  virtual std::string url() const = 0;             // of the server, without credentials
  virtual std::string server_version() const = 0;  // "2.10.27", empty before the first connect
  virtual std::size_t max_payload() const = 0;     // bytes; 1 MiB before the first connect
  virtual std::uint64_t reconnects() const = 0;

  // Called on every change of state, from a thread of the connection: must not block. The returned
  // handle ends it.
  virtual std::shared_ptr<void> on_state(std::function<void(State)> changed) = 0;

  // Writes to the socket before it returns. Errors: unavailable / nats_unavailable, with the reason
  // in its details; deadline_exceeded / nats_timeout (the socket takes no more); too_large /
  // message_too_large; invalid / nats_message (an empty subject).
  virtual Result<void> publish(std::string_view subject, std::string_view reply,
                               std::string_view data, const Headers& headers = {}) = 0;

  // Errors: as publish; unavailable / no_responders; deadline_exceeded / nats_timeout.
  virtual Result<Message> request(std::string_view subject, std::string_view data, Millis timeout,
                                  const Headers& headers = {}) = 0;

  // The handler runs on a thread of the subscription, one message at a time; while it blocks,
  // messages queue up, so the sender must be bounded. Survives reconnects.
  virtual Result<std::unique_ptr<Subscription>> subscribe(std::string_view subject,
                                                          MessageHandler handler) = 0;

  // The same, but of the subscriptions of one `queue`, of all connections, only one gets a message.
  virtual Result<std::unique_ptr<Subscription>> subscribe_queue(std::string_view subject,
                                                                std::string_view queue,
                                                                MessageHandler handler) = 0;

  // A subject below this connection's own prefix "_INBOX_weir.<random>", never used before.
  virtual std::string new_inbox() = 0;
};

// "nats://user:secret@host" -> "nats://host".
std::string without_credentials(std::string_view url);

}  // namespace weir::nats
