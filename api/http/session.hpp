// Session: one client connection of the front, from request to request, until it ends or becomes a
// stream or a WebSocket. It lives as long as something is pending on it. Internal to this folder.
//
// Threads: all of it on the socket's strand, but what says otherwise.
#pragma once

#include "api/http/shared.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>
#include <string>

#include "api/http/client_socket.hpp"
#include "api/http/exchange.hpp"
#include "api/http/wire.hpp"

namespace weir::http {

class Session final : public std::enable_shared_from_this<Session>, public Exchange::Owner {
 public:
  Session(Shared& shared, Socket socket);
  ~Session() override;

  void run();
  // From any thread.
  void end_if_idle();
  void cut();
  void answer(std::uint64_t number, Response response) override;
  void stream(std::uint64_t number, StreamStart start) override;
  void socket(std::uint64_t number, WebSocketStart start) override;

 private:
  void expect_soon();
  using Failure = boost::system::error_code;
  enum class Phase : std::uint8_t { idle, reading, handling, writing, lingering, closed };

  template <class Handler>
  void arm(Millis after, Handler expired) {
    deadline_.expires_after(after);
    deadline_.async_wait([self = shared_from_this(), expired, turn = ++turn_](Failure error) {
      if (!error && self->turn_ == turn) expired(*self);
    });
  }
  void disarm();

  // --- requests: session.cpp ---
  void on_handshake(Failure error);
  void begin();
  void await_request();
  void begin_request();
  void read_head();
  void on_head(Failure error);
  void send_continue();
  void read_body();
  bool may_go_on(Failure error);
  void dispatch();
  void watch_hang_up();
  void watch_reset();
  void hung_up(bool orderly);
  void fail_reading(Failure error);
  void too_slow();

  // --- answers: session_answer.cpp ---
  bool waits_for(std::uint64_t number) const {
    return number_ == number && phase_ == Phase::handling;
  }
  void write(const Response& response);
  static void after_answer(Session& self);
  void begin_stream(StreamStart start);
  void begin_socket(WebSocketStart start);
  void leave();
  void serialize(const Response& response, BodyLength length);
  template <class Next>
  void write_and(const Response& response, BodyLength length, Next next);
  void tell_finished();
  void refuse(const Error& error);
  void fail(const Error& error);
  Response error_response(const Error& error) const;
  void answer_early(const Response& response);
  void linger();
  void drop_input();
  void close();

  Shared& shared_;
  ClientSocket socket_;
  boost::asio::steady_timer deadline_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  Phase phase_ = Phase::idle;
  std::uint64_t number_ = 0;  // of the request on this connection
  std::shared_ptr<Request> request_;
  const Route* matched_ = nullptr;
  std::string_view route_;
  std::string request_id_;
  std::string remote_address_;
  std::chrono::steady_clock::time_point started_{};
  std::size_t request_bytes_ = 0;
  std::size_t lingered_ = 0;
  int status_ = 0;
  std::uint64_t turn_ = 0;          // of the deadline timer
  std::weak_ptr<Exchange> parked_;  // of the request being handled
  bool timed_out_ = false;          // the request deadline has passed
  bool head_only_ = false;
  bool keep_alive_ = false;
  std::string output_;
};

// Serves the connection. Over max_connections it answers 503 and closes.
void start_session(Shared& shared, Socket socket);
// From any thread: ends the sessions that wait for a request, or all of them.
void end_idle_sessions(Shared& shared);
void cut_sessions(Shared& shared);

}  // namespace weir::http
