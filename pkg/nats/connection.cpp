#include "pkg/nats/connection.hpp"

#include <nats/nats.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "pkg/base/ids.hpp"
#include "pkg/log/log.hpp"
#include "pkg/nats/message.hpp"
#include "pkg/nats/options.hpp"
#include "pkg/nats/server_greeting.hpp"

namespace weir::nats {
namespace {

constexpr Millis kConnectRetry{250};
constexpr Millis kForgottenFor{30'000};  // an inbox is freed this long after it was given up

class ConnectionImpl;

// Outlives every call that nats.c may still make into it: 3.4.1 crashes when a subscription is
// destroyed while a message arrives for it, so the connection keeps it for kForgottenFor.
struct Inbox {
  std::string subject;
  std::string queue;  // empty: none
  MessageHandler handler;
  std::recursive_mutex running;          // held while the handler runs
  bool alive = true;                     // under `running`
  std::optional<MonoTime> forgotten_at;  // under the connection's lock
  natsSubscription* handle = nullptr;    // under the connection's lock

  static void deliver(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) noexcept {
    const MessagePtr owned(raw);
    auto* inbox = static_cast<Inbox*>(closure);
    const std::lock_guard lock(inbox->running);
    if (!inbox->alive) return;
    try {
      inbox->handler(to_message(raw));
    } catch (const std::exception& exception) {
      log::error("nats_handler_failed", {{"subject", inbox->subject}, {"error", exception.what()}});
    }
  }
};

class SubscriptionImpl final : public Subscription {
 public:
  SubscriptionImpl(std::weak_ptr<ConnectionImpl> owner, std::shared_ptr<Inbox> inbox)
      : owner_(std::move(owner)), inbox_(std::move(inbox)) {}
  ~SubscriptionImpl() override;

 private:
  std::weak_ptr<ConnectionImpl> owner_;
  std::shared_ptr<Inbox> inbox_;
};

// What the library said about its last failure on this thread. Only where its text is worth more
// than the status; texts about addresses could repeat a URL with its password.
std::string failure_text(natsStatus status) {
  std::string text = natsStatus_GetText(status);
  if (status != NATS_SSL_ERROR && status != NATS_CONNECTION_AUTH_FAILED) return text;
  natsStatus last = NATS_OK;
  const char* detail = nats_GetLastError(&last);
  if (last == status && detail != nullptr && *detail != '\0') text += std::string(": ") + detail;
  return text;
}

class ConnectionImpl final : public Connection,
                             public std::enable_shared_from_this<ConnectionImpl> {
 public:
  ConnectionImpl(OptionsPtr options, std::string inbox_prefix)
      : options_(std::move(options)), inbox_prefix_(std::move(inbox_prefix)) {}

  ~ConnectionImpl() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    changed_.notify_all();
    if (connector_.joinable()) connector_.join();
    drop_connection();
    for (const auto& inbox : inboxes_) natsSubscription_Destroy(inbox->handle);
    for (auto* old : old_handles_) natsSubscription_Destroy(old);
    for (auto* old : old_connections_) natsConnection_Destroy(old);
  }

  void run() {
    natsOptions_SetDisconnectedCB(options_.get(), on_disconnected, this);
    natsOptions_SetReconnectedCB(options_.get(), on_reconnected, this);
    natsOptions_SetClosedCB(options_.get(), on_closed, this);
    connector_ = std::thread([this] { connect_loop(); });
  }

  State state() const override { return state_.load(); }

  bool wait_connected(Millis wait) const override {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, wait, [this] { return state_ == State::connected; });
  }

  std::string last_problem() const override {
    const std::lock_guard lock(mutex_);
    return state_ == State::connected ? "" : problem_;
  }
  std::string url() const override {
    const std::lock_guard lock(mutex_);
    return url_;
  }
  std::string server_version() const override {
    const std::lock_guard lock(mutex_);
    return version_;
  }
  std::size_t max_payload() const override { return max_payload_.load(); }
  std::uint64_t reconnects() const override { return reconnects_.load(); }

  std::shared_ptr<void> on_state(std::function<void(State)> changed) override {
    auto listener = std::make_shared<std::function<void(State)>>(std::move(changed));
    const std::lock_guard lock(mutex_);
    std::erase_if(listeners_, [](const auto& known) { return known.expired(); });
    listeners_.push_back(listener);
    return listener;
  }

  Result<void> publish(std::string_view subject, std::string_view reply, std::string_view data,
                       const Headers& headers) override {
    WEIR_ASSIGN(const MessagePtr message, make_message(subject, reply, data, headers));
    const std::shared_lock lock(handle_mutex_);
    if (handle_ == nullptr || !connected()) return unreachable();
    const natsStatus status = natsConnection_PublishMsg(handle_, message.get());
    if (status != NATS_OK) return status_error(status);
    return {};
  }

  Result<Message> request(std::string_view subject, std::string_view data, Millis timeout,
                          const Headers& headers) override {
    WEIR_ASSIGN(const MessagePtr message, make_message(subject, "", data, headers));
    const std::shared_lock lock(handle_mutex_);
    if (handle_ == nullptr || !connected()) return unreachable();
    natsMsg* raw = nullptr;
    const natsStatus status =
        natsConnection_RequestMsg(&raw, handle_, message.get(), timeout.count());
    const MessagePtr reply(raw);
    if (status != NATS_OK) return status_error(status);
    return to_message(raw);
  }

  Result<std::unique_ptr<Subscription>> subscribe(std::string_view subject,
                                                  MessageHandler handler) override {
    return subscribe_queue(subject, "", std::move(handler));
  }

  Result<std::unique_ptr<Subscription>> subscribe_queue(std::string_view subject,
                                                        std::string_view queue,
                                                        MessageHandler handler) override {
    auto inbox = std::make_shared<Inbox>();
    inbox->subject = subject;
    inbox->queue = queue;
    inbox->handler = std::move(handler);
    const std::shared_lock handle_lock(handle_mutex_);
    const std::lock_guard lock(mutex_);
    free_forgotten();
    inboxes_.push_back(inbox);
    if (handle_ != nullptr) attach(*inbox);
    return std::unique_ptr<Subscription>(new SubscriptionImpl(weak_from_this(), inbox));
  }

  void forget(Inbox& inbox) {
    {
      const std::lock_guard running(inbox.running);
      inbox.alive = false;
      inbox.handler = nullptr;
    }
    const std::lock_guard lock(mutex_);
    inbox.forgotten_at = SystemClock().mono();
    if (inbox.handle != nullptr) natsSubscription_Unsubscribe(inbox.handle);
  }

  std::string new_inbox() override {
    return inbox_prefix_ + "." + std::to_string(next_inbox_.fetch_add(1));
  }

 private:
  Error unreachable() const {
    Error error = status_error(NATS_CONNECTION_DISCONNECTED);
    if (auto why = last_problem(); !why.empty()) error.details = std::move(why);
    return error;
  }

  void connect_loop() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      if (!needs_connection_) {
        if (version_wanted_) ask_version(lock);
        changed_.wait(lock, [this] { return closing_ || needs_connection_ || version_wanted_; });
        continue;
      }
      lock.unlock();
      natsConnection* fresh = nullptr;
      const natsStatus status = natsConnection_Connect(&fresh, options_.get());
      std::string why = status == NATS_OK ? "" : failure_text(status);
      if (status == NATS_OK) {
        adopt(fresh);
        set_state(State::connected);
        lock.lock();
        continue;
      }
      lock.lock();
      problem_ = std::move(why);
      changed_.wait_for(lock, kConnectRetry, [this] { return closing_; });
    }
  }

  // nats.c does not tell the server's version; the greeting of the server does.
  void ask_version(std::unique_lock<std::mutex>& lock) {
    version_wanted_ = false;
    const std::string asked = url_;
    lock.unlock();
    auto version = fetch_server_version(asked, Millis{1000});
    lock.lock();
    if (version) version_ = std::move(*version);
  }

  void adopt(natsConnection* fresh) {
    const std::unique_lock handle_lock(handle_mutex_);
    const std::lock_guard lock(mutex_);
    if (handle_ != nullptr) old_connections_.push_back(handle_);
    handle_ = fresh;
    handle_closed_ = false;
    needs_connection_ = false;
    note_server(fresh);
    for (const auto& inbox : inboxes_) {
      if (inbox->handle != nullptr) old_handles_.push_back(inbox->handle);
      inbox->handle = nullptr;
      if (!inbox->forgotten_at) attach(*inbox);
    }
  }

  void free_forgotten() {  // under mutex_
    const MonoTime old = SystemClock().mono() - kForgottenFor;
    std::erase_if(inboxes_, [old](const auto& inbox) {
      if (!inbox->forgotten_at || *inbox->forgotten_at > old) return false;
      natsSubscription_Destroy(inbox->handle);
      return true;
    });
  }

  void attach(Inbox& inbox) {
    const auto* subject = inbox.subject.c_str();
    const natsStatus status =
        inbox.queue.empty()
            ? natsConnection_Subscribe(&inbox.handle, handle_, subject, Inbox::deliver, &inbox)
            : natsConnection_QueueSubscribe(&inbox.handle, handle_, subject, inbox.queue.c_str(),
                                            Inbox::deliver, &inbox);
    if (status == NATS_OK) {
      natsSubscription_SetPendingLimits(inbox.handle, -1, -1);
    } else {
      log::error("nats_subscribe_failed",
                 {{"subject", inbox.subject}, {"error", natsStatus_GetText(status)}});
    }
  }

  void note_server(natsConnection* connection) {  // under mutex_
    char buffer[512] = {};
    if (natsConnection_GetConnectedUrl(connection, buffer, sizeof buffer) == NATS_OK) {
      url_ = without_credentials(buffer);
    }
    version_wanted_ = true;
    const auto bytes = natsConnection_GetMaxPayload(connection);
    if (bytes > 0) max_payload_ = static_cast<std::size_t>(bytes);
    problem_.clear();
  }

  void drop_connection() {
    natsConnection* old = nullptr;
    {
      const std::unique_lock lock(handle_mutex_);
      old = handle_;
      handle_ = nullptr;
    }
    if (old == nullptr) return;
    if (connected()) natsConnection_FlushTimeout(old, 500);  // close does not flush before 3.13
    natsConnection_Close(old);
    // The library's callback thread may still hold `this` until it has told about the close.
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, Millis{5000}, [this] { return handle_closed_; });
    old_connections_.push_back(old);
  }

  void set_state(State next) {
    std::vector<std::shared_ptr<std::function<void(State)>>> tell;
    {
      const std::lock_guard lock(mutex_);
      if (state_.exchange(next) == next) return;
      for (const auto& weak : listeners_) {
        if (auto listener = weak.lock()) tell.push_back(std::move(listener));
      }
    }
    changed_.notify_all();
    for (const auto& listener : tell) (*listener)(next);
  }

  static void on_disconnected(natsConnection*, void* closure) noexcept {
    auto* self = static_cast<ConnectionImpl*>(closure);
    {
      const std::lock_guard lock(self->mutex_);
      self->problem_ = "disconnected";
    }
    self->set_state(State::disconnected);
  }
  static void on_reconnected(natsConnection* connection, void* closure) noexcept {
    auto* self = static_cast<ConnectionImpl*>(closure);
    {
      const std::lock_guard lock(self->mutex_);
      self->note_server(connection);
    }
    self->changed_.notify_all();
    ++self->reconnects_;
    self->set_state(State::connected);
  }
  // nats.c gives up by itself after repeated authentication errors; we do not.
  static void on_closed(natsConnection*, void* closure) noexcept {
    auto* self = static_cast<ConnectionImpl*>(closure);
    {
      const std::lock_guard lock(self->mutex_);
      if (self->closing_) {  // the destructor waits for this, and then frees us
        self->handle_closed_ = true;
        self->changed_.notify_all();
        return;
      }
      self->problem_ = "closed";
    }
    self->set_state(State::disconnected);
    const std::lock_guard lock(self->mutex_);
    self->handle_closed_ = true;
    self->needs_connection_ = true;
    self->changed_.notify_all();
  }

  OptionsPtr options_;
  const std::string inbox_prefix_;
  std::atomic<std::uint64_t> next_inbox_{1};
  std::atomic<State> state_{State::connecting};
  std::atomic<std::size_t> max_payload_{1U << 20U};
  std::atomic<std::uint64_t> reconnects_{0};

  mutable std::shared_mutex handle_mutex_;  // held shared while nats.c uses handle_
  natsConnection* handle_ = nullptr;

  mutable std::mutex mutex_;  // taken after handle_mutex_
  mutable std::condition_variable changed_;
  bool closing_ = false;
  bool needs_connection_ = true;
  bool version_wanted_ = false;
  bool handle_closed_ = true;
  std::string problem_ = "not connected yet";
  std::string url_;
  std::string version_;
  std::vector<std::weak_ptr<std::function<void(State)>>> listeners_;
  std::vector<std::shared_ptr<Inbox>> inboxes_;
  std::vector<natsSubscription*> old_handles_;
  std::vector<natsConnection*> old_connections_;
  std::thread connector_;
};

SubscriptionImpl::~SubscriptionImpl() {
  if (const auto owner = owner_.lock()) {
    owner->forget(*inbox_);
  } else {
    const std::lock_guard running(inbox_->running);
    inbox_->alive = false;
  }
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(const ConnectOptions& options) {
  // Unique, so that no other client gets our answers; below a name of its own, so that a NATS user
  // can be confined to it; at most 31 characters, for nats.c before 3.11.
  SystemRandom random;
  const std::string prefix = "_INBOX_weir." + random_hex(random, 16);
  WEIR_ASSIGN(OptionsPtr raw, make_options(options, prefix));
  auto connection = std::make_shared<ConnectionImpl>(std::move(raw), prefix);
  connection->run();
  return std::shared_ptr<Connection>(std::move(connection));
}

std::string without_credentials(std::string_view url) {
  const auto scheme = url.find("://");
  const std::size_t from = scheme == std::string_view::npos ? 0 : scheme + 3;
  const auto at = url.rfind('@');
  if (at == std::string_view::npos || at < from) return std::string(url);
  return std::string(url.substr(0, from)).append(url.substr(at + 1));
}

}  // namespace weir::nats
