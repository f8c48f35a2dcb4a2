#include "api/http/front.hpp"

#include "api/http/session.hpp"
#include "api/http/stream_session.hpp"
#include "api/http/websocket_session.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <future>
#include <thread>

#include "pkg/log/log.hpp"

namespace weir::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kBacklog = 4096;
constexpr Millis kAcceptPause{100};  // after an error such as EMFILE
constexpr Millis kDrainPoll{10};

}  // namespace

struct Front::Impl {
  Impl(FrontOptions options, std::vector<Route> routes, FrontHooks hooks)
      : shared(std::move(options), std::move(routes), std::move(hooks)),
        io(static_cast<int>(shared.options.io_threads)),
        accept_strand(asio::make_strand(io)),
        acceptor(accept_strand),
        pause(accept_strand) {}

  Result<void> listen() {
    error_code error;
    const auto address = asio::ip::make_address(shared.options.host, error);
    if (error) {
      return Error{Code::invalid, "bad_listen_address", "The listen address is not an IP address",
                   shared.options.host};
    }
    const tcp::endpoint endpoint(address, shared.options.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(kBacklog, error);
    if (error) {
      return Error{
          Code::conflict, "address_in_use", "The server cannot listen on its address",
          shared.options.host + ":" + std::to_string(shared.options.port) + ": " + error.message()};
    }
    port = acceptor.local_endpoint(error).port();
    return {};
  }

  void accept_next() {
    acceptor.async_accept(asio::make_strand(io), [this](error_code error, Socket socket) {
      if (!acceptor.is_open()) return;
      if (!error) {
        start_session(shared, std::move(socket));
        accept_next();
        return;
      }
      log::warn("accept_failed", {{"error", error.message()}});
      pause.expires_after(kAcceptPause);
      pause.async_wait([this](error_code stopped) {
        if (!stopped && acceptor.is_open()) accept_next();
      });
    });
  }

  void run_threads() {
    for (unsigned i = 0; i < shared.options.io_threads; ++i) {
      threads.emplace_back([this] { io.run(); });
    }
    for (unsigned i = 0; i < shared.options.pool_threads; ++i) {
      threads.emplace_back([this] {
        while (auto task = shared.pool.pop()) (*task)();
      });
    }
  }

  // Who is connected already is served, though nobody has accepted it yet.
  void accept_last() {
    error_code error;
    acceptor.non_blocking(true, error);
    while (!error) {
      Socket socket(asio::make_strand(io));
      acceptor.accept(socket, error);
      if (!error) start_session(shared, std::move(socket));
    }
  }

  void drain() {
    shared.draining = true;
    std::promise<void> closed;
    asio::post(accept_strand, [this, &closed] {
      accept_last();
      error_code ignored;
      acceptor.close(ignored);
      pause.cancel();
      closed.set_value();
    });
    closed.get_future().wait();
    end_idle_sessions(shared);
    finish_streams(shared);
    finish_sockets(shared);
    const MonoTime deadline = SystemClock().mono() + shared.options.drain_timeout;
    while (shared.active.load() > 0 && SystemClock().mono() < deadline)
      std::this_thread::sleep_for(kDrainPoll);
    cut_sessions(shared);
    cut_streams(shared);
    cut_sockets(shared);
    while (shared.active.load() > 0 && SystemClock().mono() < deadline + Millis{1000}) {
      std::this_thread::sleep_for(kDrainPoll);
    }
  }

  Shared shared;
  asio::io_context io;
  asio::strand<asio::io_context::executor_type> accept_strand;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::vector<std::thread> threads;
  std::uint16_t port = 0;
};

Front::Front(FrontOptions options, std::vector<Route> routes, FrontHooks hooks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(routes), std::move(hooks))) {}

Front::~Front() {
  stop();
}

Result<void> Front::start() {
  if (!impl_->threads.empty()) return {};
  WEIR_TRY(impl_->listen());
  impl_->accept_next();
  impl_->run_threads();
  return {};
}

void Front::send_away(Millis limit) {
  if (impl_->threads.empty()) return;
  Shared& shared = impl_->shared;
  shared.leaving = true;
  const MonoTime end = SystemClock().mono() + limit;
  while (shared.active.load() > 0 && SystemClock().mono() < end) {
    std::this_thread::sleep_for(kDrainPoll);
  }
}

void Front::stop() {
  if (impl_->threads.empty()) return;
  impl_->drain();
  impl_->shared.gate->close();
  impl_->shared.pool.close();
  impl_->work.reset();
  impl_->io.stop();
  for (auto& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

std::uint16_t Front::port() const {
  return impl_->port;
}

FrontStats Front::stats() const {
  const Shared& shared = impl_->shared;
  return {.active = shared.active.load(),
          .peak = shared.peak.load(),
          .total = shared.total.load(),
          .streams = shared.streams.load(),
          .streams_total = shared.streams_total.load(),
          .streams_overflowed = shared.streams_overflowed.load(),
          .sockets = shared.sockets.load(),
          .sockets_total = shared.sockets_total.load(),
          .sockets_overflowed = shared.sockets_overflowed.load(),
          .sockets_dropped = shared.sockets_dropped.load()};
}

}  // namespace weir::http
