// Exchange: the Sink behind a Responder. It knows which request of which connection it may answer,
// and answers 500 when it dies unused. Internal to this folder. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "api/http/event_stream.hpp"
#include "api/http/front.hpp"
#include "api/http/types.hpp"
#include "api/http/websocket.hpp"

namespace weir::http {

// Answers pass while it is open. Whoever answers later than the front lives, on a thread of its
// own, finds it closed and never touches a connection. Thread-safe.
class Gate {
 public:
  void close() {
    const std::unique_lock lock(mutex_);
    open_ = false;
  }
  template <class Action>
  void pass(Action action) {
    const std::shared_lock lock(mutex_);
    if (open_) action();
  }

 private:
  std::shared_mutex mutex_;
  bool open_ = true;
};

class Exchange final : public Responder::Sink {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    // Answers request `number` of the connection, if it still waits for that.
    virtual void answer(std::uint64_t number, Response response) = 0;
    virtual void stream(std::uint64_t number, StreamStart start) = 0;
    virtual void socket(std::uint64_t number, WebSocketStart start) = 0;
  };

  Exchange(std::weak_ptr<Owner> owner, std::uint64_t number, std::string request_id,
           std::shared_ptr<const FrontHooks> hooks, std::shared_ptr<Gate> gate)
      : owner_(std::move(owner)),
        number_(number),
        request_id_(std::move(request_id)),
        hooks_(std::move(hooks)),
        gate_(std::move(gate)) {}

  ~Exchange() override { fail(); }

  // 500, unless it is answered already.
  void fail() {
    if (answered_.load()) return;
    send(hooks_->error_response(
        Error{Code::internal, "internal", "The request was not answered", ""}, request_id_));
  }

  void send(Response response) override {
    if (answered_.exchange(true)) return;
    forget_on_closed();
    gate_->pass([&] {
      if (const auto owner = owner_.lock()) owner->answer(number_, std::move(response));
    });
  }

  void open_stream(StreamStart start) override {
    const auto queue = start.queue;
    const bool taken = hand_over([&](Owner& owner) { owner.stream(number_, std::move(start)); });
    if (!taken) queue->abandon();
  }

  void open_socket(WebSocketStart start) override {
    const auto state = start.state;
    const bool taken = hand_over([&](Owner& owner) { owner.socket(number_, std::move(start)); });
    if (!taken) state->queue.abandon();
  }

  void on_closed(std::function<void()> closed) override {
    {
      const std::lock_guard lock(mutex_);
      if (!gone_) {
        if (!answered_.load()) on_closed_ = std::move(closed);
        return;
      }
    }
    closed();
  }

  // The client sends no more before it has its answer. True: the handler wanted to know and has
  // been told, nobody answers any more. A handler that asks later is told at once.
  bool closed() {
    std::function<void()> tell;
    {
      const std::lock_guard lock(mutex_);
      gone_ = true;
      tell = std::move(on_closed_);
      on_closed_ = nullptr;
    }
    if (!tell || answered_.exchange(true)) return false;
    tell();
    return true;
  }

 private:
  template <class Action>
  bool hand_over(Action action) {
    if (answered_.exchange(true)) return false;
    forget_on_closed();
    bool taken = false;
    gate_->pass([&] {
      const auto owner = owner_.lock();
      if (!owner) return;
      action(*owner);
      taken = true;
    });
    return taken;
  }

  void forget_on_closed() {
    const std::lock_guard lock(mutex_);
    on_closed_ = nullptr;
  }

  const std::weak_ptr<Owner> owner_;
  const std::uint64_t number_;
  const std::string request_id_;
  const std::shared_ptr<const FrontHooks> hooks_;
  const std::shared_ptr<Gate> gate_;
  std::atomic<bool> answered_{false};
  std::mutex mutex_;
  std::function<void()> on_closed_;
  bool gone_ = false;
};

// Runs the route's handler; when it throws, logs that and answers 500.
void run_handler(const Route& route, const std::shared_ptr<const Request>& request,
                 const std::shared_ptr<Exchange>& exchange);

}  // namespace weir::http
