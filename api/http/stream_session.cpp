#include "api/http/stream_session.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "api/http/exchange.hpp"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr int kKernelBytes = 64 * 1024;       // of the socket's send buffer, for who does not read
constexpr std::size_t kIgnoredBytes = 16384;  // that the client may send meanwhile
constexpr std::size_t kKeepOutputBytes = 1024;

void append_framed(std::string& out, std::string_view bytes, Framing framing) {
  if (framing == Framing::to_close) {
    out += bytes;
    return;
  }
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string size;
  for (std::size_t rest = bytes.size(); rest > 0; rest /= 16) {
    size.insert(size.begin(), kDigits[rest % 16]);
  }
  out.append(size).append("\r\n").append(bytes).append("\r\n");
}

}  // namespace

class StreamSession final : public std::enable_shared_from_this<StreamSession> {
 public:
  StreamSession(Shared& shared, ClientSocket socket, StreamStart start, Framing framing)
      : shared_(shared),
        socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        start_(std::move(start)),
        framing_(framing) {
    ++shared_.active;
    ++shared_.streams;
    ++shared_.streams_total;
    const std::lock_guard lock(shared_.mutex);
    shared_.stream_sessions.insert(this);
  }

  ~StreamSession() {
    {
      const std::lock_guard lock(shared_.mutex);
      shared_.stream_sessions.erase(this);
    }
    start_.queue->abandon();
    --shared_.streams;
    --shared_.active;
  }

  void run(std::string head) {
    socket_.limit_send_buffer(kKernelBytes);
    start_.queue->attach([weak = weak_from_this(), gate = shared_.gate] {
      gate->pass([&] {
        const auto self = weak.lock();
        if (self) asio::post(self->socket_.get_executor(), [self] { self->pump(); });
      });
    });
    watch_input();
    output_ = std::move(head);
    write();
  }

  void finish() { start_.queue->finish(); }
  void cut() {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->close(); });
  }

 private:
  template <class Handler>
  void arm(Millis after, Handler expired) {
    timer_.expires_after(after);
    timer_.async_wait([self = shared_from_this(), expired, turn = ++turn_](error_code error) {
      if (!error && self->turn_ == turn && !self->closed_) expired(*self);
    });
  }

  void pump() {
    if (writing_ || closed_) return;
    const auto batch = start_.queue->take(kWriteBytes);
    std::string body;
    for (const auto& frame : batch.frames) body += *frame;
    if (batch.overflowed) {
      ++shared_.streams_overflowed;
      body += start_.overflow_frame;
    }
    if (!body.empty()) append_framed(output_, body, framing_);
    ending_ = batch.ended;
    if (ending_ && framing_ == Framing::chunked) output_ += "0\r\n\r\n";
    if (!output_.empty()) return write();
    if (ending_) return close();
    arm(start_.ping_after, [](StreamSession& self) { self.ping(); });
  }

  void ping() {
    if (writing_) return;
    append_framed(output_, start_.ping_frame, framing_);
    write();
  }

  // A client that takes nothing for the time of a request is cut.
  void write() {
    writing_ = true;
    arm(shared_.options.request_deadline, [](StreamSession& self) { self.close(); });
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (error || self->ending_) return self->close();
                        self->output_.clear();
                        if (self->output_.capacity() > kKeepOutputBytes)
                          self->output_.shrink_to_fit();
                        self->pump();
                      });
  }

  // Notices that the client goes away. What it sends is not looked at.
  void watch_input() {
    socket_.async_wait_input([self = shared_from_this()](error_code error) {
      if (error || self->closed_) return self->close();
      std::array<char, 1024> dropped;
      const auto got = self->socket_.receive_now(dropped.data(), dropped.size());
      if (got > 0) self->ignored_ += static_cast<std::size_t>(got);
      if (got < 0 || self->ignored_ > kIgnoredBytes) return self->close();
      self->watch_input();
    });
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    timer_.cancel();
    socket_.close();
    start_.queue->abandon();
  }

  Shared& shared_;
  ClientSocket socket_;
  asio::steady_timer timer_;
  const StreamStart start_;
  const Framing framing_;
  std::string output_;
  std::size_t ignored_ = 0;
  std::uint64_t turn_ = 0;
  bool writing_ = false;
  bool ending_ = false;
  bool closed_ = false;
};

void start_stream(Shared& shared, ClientSocket socket, std::string head, StreamStart start,
                  Framing framing) {
  std::make_shared<StreamSession>(shared, std::move(socket), std::move(start), framing)
      ->run(std::move(head));
}

void finish_streams(Shared& shared) {
  for_each_alive(shared, shared.stream_sessions, [](StreamSession& stream) { stream.finish(); });
}

void cut_streams(Shared& shared) {
  for_each_alive(shared, shared.stream_sessions, [](StreamSession& stream) { stream.cut(); });
}

}  // namespace weir::http
