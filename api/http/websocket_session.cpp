#include "api/http/websocket_session.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <vector>

#include "api/http/exchange.hpp"
#include "pkg/log/log.hpp"

namespace weir::http {
namespace {

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr int kKernelBytes = 64 * 1024;  // of the socket's send buffer, for who does not read
constexpr std::size_t kKeepInputBytes = 4096;
constexpr std::size_t kReasonBytes = 123;  // RFC 6455, 5.5: a control frame has 125
constexpr Millis kCloseTimeout{5000};      // for the client's half of the closing handshake
constexpr Millis kLingerTime{2000};        // for it to close its end of the connection
constexpr std::size_t kLingerBytes = 16U << 20U;

// Runs the handler. False: it threw.
bool handle(const WebSocket::Options& options, const WebSocket& socket, std::string text) {
  try {
    if (options.on_message) options.on_message(socket, std::move(text));
    return true;
  } catch (const std::exception& exception) {
    log::error("socket_handler_failed", {{"error", exception.what()}});
    return false;
  }
}

// The connection below the protocol. Beast finds async_teardown() by the type; its own would wait
// for the client without an end, the session lingers instead.
struct Layer : ClientSocket {
  explicit Layer(ClientSocket&& socket) : ClientSocket(std::move(socket)) {}
};

template <class Handler>
void async_teardown(boost::beast::role_type, Layer& layer, Handler&& handler) {
  layer.shutdown_send();
  asio::post(layer.get_executor(),
             [handler = std::forward<Handler>(handler)]() mutable { handler(error_code{}); });
}

}  // namespace

class WebSocketSession final : public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Shared& shared, ClientSocket socket, WebSocketStart start)
      : shared_(shared),
        stream_(std::move(socket)),
        timer_(stream_.get_executor()),
        state_(std::move(start.state)),
        options_(std::make_shared<const WebSocket::Options>(std::move(start.options))) {
    ++shared_.active;
    ++shared_.sockets;
    ++shared_.sockets_total;
    const std::lock_guard lock(shared_.mutex);
    shared_.socket_sessions.insert(this);
  }

  ~WebSocketSession() {
    {
      const std::lock_guard lock(shared_.mutex);
      shared_.socket_sessions.erase(this);
    }
    tell_closed();
    --shared_.sockets;
    --shared_.active;
  }

  void run(const BeastRequest& head, std::string request_id) {
    stream_.next_layer().limit_send_buffer(kKernelBytes);
    stream_.set_option(websocket::stream_base::decorator(
        [id = std::move(request_id)](websocket::response_type& response) {
          response.set(boost::beast::http::field::server, "weir");
          response.set("X-Request-Id", id);
        }));
    stream_.text(true);
    stream_.auto_fragment(false);
    stream_.read_message_max(options_->max_message_bytes);
    stream_.control_callback(
        [this](websocket::frame_type, boost::beast::string_view) { pings_unanswered_ = 0; });
    state_->queue.attach([weak = weak_from_this(), gate = shared_.gate] {
      gate->pass([&] {
        const auto self = weak.lock();
        if (self) asio::post(self->stream_.get_executor(), [self] { self->pump(); });
      });
    });
    writing_ = true;
    start_clock();
    if (shared_.draining) finish();
    stream_.async_accept(head, [self = shared_from_this()](error_code error) {
      self->writing_ = false;
      if (error || self->closed_) return self->shut();
      self->open_ = true;
      self->read();
      self->pump();
    });
  }

  // From any thread. The handler that runs may still answer.
  void finish() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
      self->draining_ = true;
      if (!self->handling_) self->say_goodbye();
    });
  }
  void cut() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] { self->shut(); });
  }

 private:
  // --- time ---
  void start_clock() {
    next_ping_ = SystemClock().mono() + options_->ping_after;
    write_began_ = SystemClock().mono();
    await_time();
  }

  // Writing does not touch the timer: a write that began after the last look has its deadline
  // after the next, or is looked at once more.
  void await_time() {
    const auto limit = shared_.options.request_deadline;
    const auto write_ends = (writing_ ? write_began_ : SystemClock().mono()) + limit;
    timer_.expires_at(closing_ ? close_ends_ : std::min(next_ping_, write_ends));
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!self->closed_ && (!error || self->closing_)) self->look_at_time(error);
    });
  }

  void look_at_time(error_code error) {
    const auto now = SystemClock().mono();
    const bool stuck = writing_ && now >= write_began_ + shared_.options.request_deadline;
    if (stuck || (closing_ && now >= close_ends_)) return shut();
    if (!error && !closing_ && now >= next_ping_) {
      next_ping_ = now + options_->ping_after;
      ping();
    }
    if (!closed_) await_time();
  }

  void ping() {
    if (!open_) return;
    if (pings_unanswered_ >= options_->missed_pongs)
      return state_->close({CloseCode::going_away, "no answer to pings"});
    if (reading_) ++pings_unanswered_;
    if (!pinging_) {
      pinging_ = true;
      stream_.async_ping({}, [self = shared_from_this()](error_code) { self->pinging_ = false; });
    }
    if (options_->ping_text == nullptr || writing_) return;
    frames_.push_back(
        std::make_shared<const std::string>(options_->ping_text(SystemClock().wall())));
    pump();
  }

  // --- out ---
  void pump() {
    if (!open_ || writing_ || closing_ || closed_) return;
    if (frames_.empty()) {
      auto batch = state_->queue.take(kWriteBytes);
      frames_ = std::move(batch.frames);
      std::ranges::reverse(frames_);
      if (batch.overflowed && !ending_) {
        ++shared_.sockets_overflowed;
        state_->close({CloseCode::try_again_later, "answers are not read"});
      }
      ending_ = batch.ended;
    }
    if (!reading_ && !handling_ && !ending_) read();
    if (!frames_.empty()) return write();
    frames_.shrink_to_fit();
    if (ending_) close();
  }

  void write() {
    writing_ = true;
    write_began_ = SystemClock().mono();
    stream_.async_write(asio::buffer(*frames_.back()),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          self->writing_ = false;
                          self->frames_.pop_back();
                          error ? self->shut() : self->pump();
                        });
  }

  // --- in ---
  // A client that does not read its answers is not read from.
  void read() {
    if (closing_ || closed_ || draining_ || !state_->queue.roomy()) return;
    reading_ = true;
    stream_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
      self->reading_ = false;
      self->pings_unanswered_ = 0;
      error ? self->read_failed(error) : self->take_message();
    });
  }

  void take_message() {
    std::string text = boost::beast::buffers_to_string(buffer_.data());
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > kKeepInputBytes) buffer_.shrink_to_fit();
    if (draining_ || closed_ || state_->queue.closed()) return;  // nobody could be answered
    if (stream_.got_binary())
      return state_->close({CloseCode::unsupported_data, "text messages are spoken here"});
    handling_ = true;
    if (options_->lane == Lane::inline_)
      return handled(handle(*options_, WebSocket(state_), std::move(text)));
    const bool queued =
        shared_.pool.try_push([weak = weak_from_this(), gate = shared_.gate, options = options_,
                               state = state_, text = std::move(text)]() mutable {
          const bool good = handle(*options, WebSocket(state), std::move(text));
          gate->pass([&] {
            const auto self = weak.lock();
            if (!self) return;
            asio::post(self->stream_.get_executor(), [self, good] { self->handled(good); });
          });
        });
    if (!queued) state_->close({CloseCode::try_again_later, "the server is busy"});
  }

  void handled(bool good) {
    handling_ = false;
    if (!good) return state_->close({CloseCode::internal_error, "the server met an error"});
    draining_ ? say_goodbye() : read();
  }

  // --- the end ---
  void say_goodbye() { state_->close({CloseCode::going_away, "the server stops"}); }

  void close() {
    end_by(kCloseTimeout);
    auto why = state_->closing();
    if (why.reason.size() > kReasonBytes) why.reason.resize(kReasonBytes);
    stream_.async_close({static_cast<websocket::close_code>(why.code), why.reason},
                        [self = shared_from_this()](error_code error) {
                          if (error == asio::error::operation_aborted) return;  // read() is told
                          error ? self->shut() : self->linger();
                        });
  }

  // Beast has answered a close frame, and what it does not take. Otherwise the connection is gone:
  // nothing must be read any more, for the end of a connection is told once.
  void read_failed(error_code error) {
    const auto* of_protocol = &websocket::make_error_code(websocket::error::closed).category();
    error.category() == *of_protocol ? linger() : shut();
  }

  void end_by(Millis limit) {
    closing_ = true;
    close_ends_ = SystemClock().mono() + limit;
    timer_.cancel();  // it looks at close_ends_ from now on
  }

  // Nothing more is said. Closing at once would reset the connection when there are unread bytes,
  // and lose the close frame on its way.
  void linger() {
    if (lingering_ || closed_) return;
    lingering_ = true;
    end_by(kLingerTime);
    tell_closed();
    drop_input();
  }

  void drop_input() {
    buffer_.clear();
    stream_.next_layer().async_drop_some(
        buffer_.prepare(kKeepInputBytes),
        [self = shared_from_this()](error_code error, std::size_t got) {
          self->lingered_ += got;
          if (error || self->lingered_ > kLingerBytes) return self->shut();
          self->drop_input();
        });
  }

  void shut() {
    if (closed_) return;
    closed_ = true;
    timer_.cancel();
    stream_.next_layer().close();
    tell_closed();
  }

  void tell_closed() {
    if (std::exchange(told_, true)) return;
    shared_.sockets_dropped += state_->queue.dropped_total();
    state_->queue.abandon();
  }

  Shared& shared_;
  websocket::stream<Layer, false> stream_;
  asio::steady_timer timer_;
  const std::shared_ptr<WebSocketState> state_;
  const std::shared_ptr<const WebSocket::Options> options_;
  boost::beast::flat_buffer buffer_;
  std::vector<SubscriberQueue::Frame> frames_;  // to be written, the next one last
  MonoTime next_ping_{};
  MonoTime write_began_{};
  MonoTime close_ends_{};
  unsigned pings_unanswered_ = 0;
  bool open_ = false;
  bool reading_ = false;
  bool handling_ = false;  // a message
  bool writing_ = false;
  bool pinging_ = false;
  bool ending_ = false;  // nothing comes after frames_
  bool closing_ = false;
  bool draining_ = false;
  bool lingering_ = false;
  bool closed_ = false;
  bool told_ = false;  // tell_closed()
  std::size_t lingered_ = 0;
};

void start_websocket(Shared& shared, ClientSocket socket, const BeastRequest& head,
                     std::string request_id, WebSocketStart start) {
  std::make_shared<WebSocketSession>(shared, std::move(socket), std::move(start))
      ->run(head, std::move(request_id));
}

void finish_sockets(Shared& shared) {
  for_each_alive(shared, shared.socket_sessions, [](WebSocketSession& one) { one.finish(); });
}

void cut_sockets(Shared& shared) {
  for_each_alive(shared, shared.socket_sessions, [](WebSocketSession& one) { one.cut(); });
}

}  // namespace weir::http
