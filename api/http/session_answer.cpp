#include "api/http/session.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>

#include "api/http/refusals.hpp"
#include "api/http/stream_session.hpp"
#include "api/http/websocket_session.hpp"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kLingerBytes = 16U << 20U;  // read and dropped after an early answer
constexpr Millis kLingerTime{2000};
constexpr std::size_t kKeepOutputBytes = 64 * 1024;

}  // namespace

void Session::answer(std::uint64_t number, Response response) {
  asio::dispatch(socket_.get_executor(),
                 [self = shared_from_this(), number, response = std::move(response)]() mutable {
                   if (self->waits_for(number)) self->write(response);
                 });
}

void Session::stream(std::uint64_t number, StreamStart start) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), number,
                                          start = std::move(start)]() mutable {
    self->waits_for(number) ? self->begin_stream(std::move(start)) : start.queue->abandon();
  });
}

void Session::socket(std::uint64_t number, WebSocketStart start) {
  asio::dispatch(socket_.get_executor(), [self = shared_from_this(), number,
                                          start = std::move(start)]() mutable {
    self->waits_for(number) ? self->begin_socket(std::move(start)) : start.state->queue.abandon();
  });
}

void Session::write(const Response& response) {
  if (shared_.leaving || shared_.draining) keep_alive_ = false;
  write_and(response, BodyLength::known, after_answer);
}
void Session::after_answer(Session& self) {
  self.keep_alive_ ? self.await_request() : self.linger();
}

// Gives the socket away, unless only the head was asked for.
void Session::begin_stream(StreamStart start) {
  const bool refused = shared_.streams.load() >= shared_.options.max_streams;
  if (refused || head_only_) start.queue->abandon();
  if (refused) return fail(too_many_streams(shared_.options.max_streams));
  const Response head{.body = "", .content_type = start.content_type, .headers = start.headers};
  if (head_only_) return write_and(head, BodyLength::to_close, after_answer);
  const bool chunked = parser_->get().version() == 11;
  keep_alive_ = false;
  serialize(head, chunked ? BodyLength::chunked : BodyLength::to_close);
  leave();
  if (shared_.draining) start.queue->finish();
  start_stream(shared_, std::move(socket_), std::move(output_), std::move(start),
               chunked ? Framing::chunked : Framing::to_close);
}

// The same for a WebSocket, whose handshake was checked before the handler ran.
void Session::begin_socket(WebSocketStart start) {
  WEIR_ASSERT(matched_->upgrade);
  const bool full = shared_.sockets.load() >= shared_.options.max_sockets;
  if (full || buffer_.size() > 0) {
    start.state->queue.abandon();
    return fail(full ? too_many_sockets(shared_.options.max_sockets)
                     : malformed_request("nothing may follow a handshake before its answer"));
  }
  status_ = 101;
  leave();
  start_websocket(shared_, std::move(socket_), parser_->get(), request_id_, std::move(start));
}

// The socket goes to somebody else.
void Session::leave() {
  tell_finished();
  phase_ = Phase::closed;
  disarm();
  socket_.cancel();
}

void Session::serialize(const Response& response, BodyLength length) {
  status_ = response.status;
  output_ = to_wire(response, {.request_id = request_id_,
                               .date = SystemClock().wall(),
                               .keep_alive = keep_alive_,
                               .head_only = head_only_,
                               .length = length});
}

template <class Next>
void Session::write_and(const Response& response, BodyLength length, Next next) {
  phase_ = Phase::writing;
  serialize(response, length);
  // A client that does not read its answer is cut like one that does not send its request.
  arm(shared_.options.request_deadline, [](Session& self) { self.close(); });
  asio::async_write(socket_, asio::buffer(output_),
                    [self = shared_from_this(), next](error_code error, std::size_t) {
                      self->tell_finished();
                      if (error) return self->close();
                      if (self->output_.size() > kKeepOutputBytes) self->output_ = {};
                      next(*self);
                    });
}

void Session::tell_finished() {
  if (!shared_.hooks->on_finished) return;
  shared_.hooks->on_finished({.request = request_.get(),
                              .route = route_,
                              .request_id = request_id_,
                              .status = status_,
                              .request_bytes = request_bytes_,
                              .response_bytes = output_.size(),
                              .duration = std::chrono::steady_clock::now() - started_});
}

// Of a client that has not said what it wants yet.
void Session::refuse(const Error& error) {
  begin_request();
  fail(error);
}

void Session::fail(const Error& error) {
  answer_early(error_response(error));
}

Response Session::error_response(const Error& error) const {
  const bool own = matched_ != nullptr && matched_->error_response;
  return own ? matched_->error_response(error, request_id_)
             : shared_.hooks->error_response(error, request_id_);
}

// Answers without having read the whole request: the connection cannot be used for another one,
// unless there was no body.
void Session::answer_early(const Response& response) {
  keep_alive_ = keep_alive_ && request_ && parser_->is_done();
  phase_ = Phase::handling;
  write(response);
}

// Closing with unread bytes would reset the connection and lose the answer on its way.
void Session::linger() {
  phase_ = Phase::lingering;
  socket_.shutdown_send();
  arm(kLingerTime, [](Session& self) { self.close(); });
  lingered_ = 0;
  drop_input();
}

void Session::drop_input() {
  buffer_.clear();
  socket_.async_drop_some(buffer_.prepare(16 * 1024),
                          [self = shared_from_this()](error_code error, std::size_t got) {
                            self->lingered_ += got;
                            if (error || self->lingered_ > kLingerBytes) return self->close();
                            self->drop_input();
                          });
}

void Session::close() {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  disarm();
  socket_.close();
  if (const auto parked = parked_.lock()) parked->closed();
}

}  // namespace weir::http
