#include "api/command_sockets.hpp"

#include <atomic>
#include <optional>
#include <utility>

#include "api/core/live_keys.hpp"
#include "api/http/websocket.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kMaxFrameBytes = 16U << 20U;  // as POST /api/v1/command
constexpr std::size_t kMaxQueuedBytes = 1U << 20U;
constexpr std::size_t kMaxPending = 256;        // commands of one socket that wait for their answer
constexpr std::size_t kLongestHeartbeat = 256;  // bytes

std::string ping_text(Timestamp now) {
  return json::Writer()
      .begin_object()
      .member("type", "ping")
      .member("timestamp", now)
      .end_object()
      .take();
}

std::string lagged_text(std::uint64_t dropped) {
  return json::Writer()
      .begin_object()
      .member("type", "lagged")
      .member("dropped", dropped)
      .end_object()
      .take();
}

// {"type":"ping"} and {"type":"pong"} are no commands. Empty: neither.
std::string heartbeat(std::string_view text) {
  if (text.size() > kLongestHeartbeat || text.find("\"command\"") != std::string_view::npos ||
      !json::check(text))
    return {};
  auto type = json::View(text).find("type").as_string().value_or("");
  return type == "ping" || type == "pong" ? type : "";
}

Error too_many_pending() {
  return {Code::too_many_requests, "too_many_pending", "Too many commands of this socket wait.",
          "At most " + std::to_string(kMaxPending) + " may wait for their answer at once."};
}

}  // namespace

class CommandSockets::Connection final : public rpc::Session,
                                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(rpc::Dispatcher& dispatcher, RequestLimits& limits,
             std::shared_ptr<const auth::Principal> principal, std::string address)
      : dispatcher_(dispatcher),
        limits_(limits),
        principal_(std::move(principal)),
        address_(std::move(address)) {}

  void attach(const http::WebSocket& socket) { socket_ = socket; }

  void hear(std::string text) {
    const auto beat = heartbeat(text);
    if (beat == "ping") socket_->send(R"({"type":"pong"})");
    if (!beat.empty()) return;
    if (pending_.load() >= kMaxPending) {
      socket_->send(rpc::refusal(rpc::find_request_id(text), too_many_pending()).frame);
      return;
    }
    const auto verdict = limits_.of_key(*principal_);
    if (verdict && !verdict->allowed) {
      const auto error = rate_limit_exceeded(*verdict);
      socket_->send(rpc::refusal(rpc::find_request_id(text), error).frame);
      return;
    }
    ++pending_;
    dispatcher_.run(std::make_shared<const std::string>(std::move(text)),
                    {.principal = principal_, .address = address_, .session = shared_from_this()},
                    [self = shared_from_this()](rpc::Outcome outcome) {
                      --self->pending_;
                      self->socket_->send(std::move(outcome.frame));
                    });
  }

  bool push(std::string frame) override { return socket_->send(std::move(frame)); }

  Offered offer(std::shared_ptr<const std::string> frame) override {
    switch (socket_->offer(std::move(frame))) {
      case http::SubscriberQueue::Offered::queued:
        return Offered::queued;
      case http::SubscriberQueue::Offered::dropped:
        return Offered::dropped;
      case http::SubscriberQueue::Offered::gone:
        break;
    }
    return Offered::gone;
  }

  Tried try_push(std::string frame) override {
    switch (socket_->try_push(std::move(frame))) {
      case http::SubscriberQueue::Tried::queued:
        return Tried::queued;
      case http::SubscriberQueue::Tried::full:
        return Tried::full;
      case http::SubscriberQueue::Tried::gone:
        break;
    }
    return Tried::gone;
  }

  void on_room(std::function<void()> room) override { socket_->on_room(std::move(room)); }

  void on_closed(std::function<void()> closed) override {
    {
      const std::lock_guard lock(mutex_);
      if (!closed_) {
        when_closed_.push_back(std::move(closed));
        return;
      }
    }
    closed();
  }

  void tell_closed() {
    std::vector<std::function<void()>> tell;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      tell.swap(when_closed_);
    }
    for (const auto& closed : tell) closed();
  }

  void end_for_its_key() {
    socket_->close(http::CloseCode::policy_violation, "the API key is no longer valid");
  }

 private:
  rpc::Dispatcher& dispatcher_;
  RequestLimits& limits_;
  const std::shared_ptr<const auth::Principal> principal_;
  const std::string address_;
  std::optional<http::WebSocket> socket_;  // set before anything else happens
  std::atomic<std::size_t> pending_{0};
  std::mutex mutex_;
  std::vector<std::function<void()>> when_closed_;  // guarded by mutex_
  bool closed_ = false;                             // guarded by mutex_
};

CommandSockets::CommandSockets(Services& services, rpc::Dispatcher& dispatcher)
    : services_(services), dispatcher_(dispatcher) {}

std::size_t CommandSockets::size() const {
  const std::lock_guard lock(registry_->mutex);
  return registry_->connections.size();
}

void CommandSockets::add_endpoint(CommandTable& table) {
  Command endpoint{.name = "command.socket", .method = "GET", .path = "/api/v1/ws"};
  endpoint.tag = "Command API";
  endpoint.any_key = true;
  endpoint.key_in_query = true;
  endpoint.upgrade = true;
  endpoint.summary = "The command API over WebSocket";
  endpoint.description =
      "Text messages, each a frame of `POST /api/v1/command`, each answered by the same frame "
      "(match them by `request_id`). Subscriptions push more: `message`, `lagged`, `ping`. See "
      "docs/websocket.md.";
  endpoint.query = {{"api_key", "the API key, where no header can be sent"}};
  endpoint.answers = {{101, "The socket is open."}};
  endpoint.errors = {{Code::upgrade_required, "upgrade_required"},
                     {Code::forbidden, "origin_not_allowed"},
                     {Code::unavailable, "too_many_sockets"}};
  endpoint.handler = [this](const Call& call) { open(call); };
  table.push_back(std::move(endpoint));
}

void CommandSockets::open(const Call& call) {
  const auto connection = std::make_shared<Connection>(
      dispatcher_, services_.limits, call.principal_pointer(), call.request().remote_address);
  {
    const std::lock_guard lock(registry_->mutex);
    registry_->connections.insert(connection);
  }
  http::WebSocket::Options options;
  options.limits.max_bytes = kMaxQueuedBytes;
  options.max_message_bytes = kMaxFrameBytes;
  options.ping_text = ping_text;
  options.lagged_text = lagged_text;
  options.on_open = [connection, principal = call.principal_pointer(),
                     &live_keys = services_.live_keys](const http::WebSocket& socket) {
    connection->attach(socket);
    live_keys.add(*principal, connection, [weak = std::weak_ptr(connection)] {
      if (const auto open = weak.lock()) open->end_for_its_key();
    });
  };
  options.on_message = [connection](const http::WebSocket&, std::string text) {
    connection->hear(std::move(text));
  };
  options.on_closed = [connection, registry = registry_] {
    {
      const std::lock_guard lock(registry->mutex);
      registry->connections.erase(connection);
    }
    connection->tell_closed();
  };
  http::WebSocket::open(call.responder(), std::move(options));
}

}  // namespace weir::api
