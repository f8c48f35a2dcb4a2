#include "api/http/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <limits>

#include "api/http/refusals.hpp"
#include "api/http/target.hpp"
#include "api/http/upgrade.hpp"

namespace weir::http {
namespace {

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

constexpr Millis kCancelAgain{20};
constexpr Millis kFirstRequest{100};           // of a connection, while the server stops
constexpr std::size_t kReadAhead = 16 * 1024;  // of pipelined requests while one is parked

}  // namespace

Session::Session(Shared& shared, Socket socket)
    : shared_(shared),
      socket_(std::move(socket), shared.options.tls.get()),
      deadline_(socket_.get_executor()) {
  shared_.count_opened();
  const std::lock_guard lock(shared_.mutex);
  shared_.sessions.insert(this);
}

Session::~Session() {
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.sessions.erase(this);
  }
  --shared_.active;
}

void Session::run() {
  remote_address_ = socket_.remote_address();
  if (!socket_.is_tls()) return begin();
  arm(shared_.options.request_deadline, [](Session& self) { self.close(); });
  socket_.async_handshake(
      [self = shared_from_this()](error_code error) { self->on_handshake(error); });
}

void Session::on_handshake(error_code error) {
  if (phase_ == Phase::closed) return;
  if (!error) return begin();
  socket_.fall_back_to_plain(error) ? refuse(tls_required()) : close();
}

void Session::begin() {
  const bool room = shared_.active.load() <= shared_.options.max_connections;
  room ? await_request() : refuse(too_many_connections());
}

void Session::end_if_idle() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ != Phase::idle || self->socket_.has_input()) return;
    self->number_ == 0 ? self->expect_soon() : self->close();
  });
}

// A client that has just connected asks something.
void Session::expect_soon() {
  arm(kFirstRequest, [](Session& self) { self.close(); });
}

void Session::cut() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
}

void Session::disarm() {
  ++turn_;  // an expiry that is queued already must not run either
  deadline_.cancel();
}

void Session::await_request() {
  phase_ = Phase::idle;
  if (shared_.draining && number_ > 0) return close();
  if (buffer_.size() > 0) return begin_request(), read_head();
  if (shared_.draining) {
    expect_soon();
  } else {
    arm(shared_.options.idle_timeout, [](Session& self) { self.close(); });
  }
  socket_.async_wait_input([self = shared_from_this()](error_code error) {
    if (error || self->phase_ != Phase::idle) return self->close();
    self->begin_request();
    self->read_head();
  });
}

void Session::begin_request() {
  ++number_;
  phase_ = Phase::reading;
  request_.reset();
  route_ = {};
  matched_ = nullptr;
  request_bytes_ = 0;
  head_only_ = false;
  keep_alive_ = false;
  timed_out_ = false;
  parked_.reset();
  request_id_ = random_hex(shared_.random, 16);
  started_ = std::chrono::steady_clock::now();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(shared_.options.header_limit_bytes));
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());  // until the route is known
}

void Session::read_head() {
  arm(shared_.options.request_deadline, [](Session& self) { self.too_slow(); });
  bhttp::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_head(error); });
}

void Session::on_head(error_code error) {
  if (!may_go_on(error)) return;
  const auto& head = parser_->get();
  head_only_ = head.method() == bhttp::verb::head;
  keep_alive_ = parser_->keep_alive();
  if (const auto id = to_view(head["X-Request-Id"]); is_valid_id(id)) request_id_ = std::string(id);
  auto request = make_request(head, request_id_, remote_address_);
  if (!request) return fail(request.error());
  WEIR_ASSERT(*request);
  request_ = *request;
  auto target = parse_target(to_view(head.target()));
  if (!target) return fail(target.error());
  auto match = shared_.router.find(request_->method, target->segments);
  route_ = match.pattern;
  request_->path = std::move(target->path);
  request_->query = std::move(target->query);
  request_->params = std::move(match.params);
  if (match.route == nullptr) return answer_early(no_route(match, *request_, *shared_.hooks));
  matched_ = match.route;
  if (matched_->upgrade) {
    const bool http11 = head.version() == 11;
    if (const auto refusal =
            refuse_upgrade(*request_, http11, shared_.options.allowed_origins, *shared_.hooks))
      return answer_early(*refusal);
  }
  const auto length = parser_->content_length();
  if (length && *length > matched_->max_body_bytes)
    return fail(body_too_large(matched_->max_body_bytes));
  parser_->body_limit(matched_->max_body_bytes);
  if (to_view(head["Expect"]) == "100-continue") return send_continue();
  read_body();
}

void Session::send_continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (self->may_go_on(error)) self->read_body();
                    });
}

void Session::read_body() {
  if (parser_->is_done()) return dispatch();
  bhttp::async_read(socket_, buffer_, *parser_,
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (self->may_go_on(error)) self->dispatch();
                    });
}

bool Session::may_go_on(error_code error) {
  if (phase_ == Phase::reading && (error || timed_out_)) fail_reading(error);
  return phase_ == Phase::reading;
}

void Session::dispatch() {
  disarm();
  request_->body = std::move(parser_->get().body());
  request_bytes_ = request_->body.size();
  phase_ = Phase::handling;
  const auto exchange = std::make_shared<Exchange>(shared_from_this(), number_, request_id_,
                                                   shared_.hooks, shared_.gate);
  parked_ = exchange;
  if (matched_->lane == Lane::inline_) {
    run_handler(*matched_, request_, exchange);
  } else {
    const bool queued = shared_.pool.try_push([request = request_, exchange, route = matched_] {
      run_handler(*route, request, exchange);
    });
    if (!queued) {
      exchange->send(error_response(overloaded()));
    }
  }
  if (phase_ == Phase::handling) watch_hang_up();
}

// While a request is parked: notices that the client went away. Bytes of next requests are kept
// for later, as the end of the stream comes behind them.
void Session::watch_hang_up() {
  socket_.async_wait_input([self = shared_from_this(), number = number_](error_code error) {
    if (self->number_ != number || self->phase_ != Phase::handling) return;
    const auto room = self->buffer_.prepare(kReadAhead);
    const auto got = error ? -1 : self->socket_.receive_now(room.data(), room.size());
    if (got < 0) return self->hung_up(got == kInputEnded);
    self->buffer_.commit(static_cast<std::size_t>(got));
    if (self->buffer_.size() < kReadAhead) return self->watch_hang_up();
    self->watch_reset();
  });
}

// When nothing more is read: keeps the session alive, and notices a reset.
void Session::watch_reset() {
  socket_.async_wait_error([self = shared_from_this(), number = number_](error_code) {
    if (self->number_ == number && self->phase_ == Phase::handling) self->hung_up(false);
  });
}

// A client that only ended its sending side may still read its answer; but a parked handler that
// asked to know of hang-ups is told, for it must not give work to a dead client.
void Session::hung_up(bool orderly) {
  const auto parked = parked_.lock();
  const bool told = parked && parked->closed();
  if (told || !orderly) return close();
  watch_reset();
}

void Session::fail_reading(error_code error) {
  if (timed_out_) return fail(request_timeout(shared_.options.request_deadline));
  const auto body_limit = matched_ != nullptr ? matched_->max_body_bytes : 0;
  const auto problem = reading_problem(error, shared_.options.header_limit_bytes, body_limit);
  problem ? fail(*problem) : close();
}

// The answer waits for the pending read to end: it still uses the buffer. A read that has got
// bytes just now survives a cancel by starting another, so cancel until it has ended.
void Session::too_slow() {
  if (phase_ != Phase::reading) return;
  timed_out_ = true;
  socket_.cancel();
  arm(kCancelAgain, [](Session& self) { self.too_slow(); });
}

void start_session(Shared& shared, Socket socket) {
  const auto strand = socket.get_executor();
  asio::post(strand,
             [session = std::make_shared<Session>(shared, std::move(socket))] { session->run(); });
}

void end_idle_sessions(Shared& shared) {
  for_each_alive(shared, shared.sessions, [](Session& session) { session.end_if_idle(); });
}

void cut_sessions(Shared& shared) {
  for_each_alive(shared, shared.sessions, [](Session& session) { session.cut(); });
}

}  // namespace weir::http
