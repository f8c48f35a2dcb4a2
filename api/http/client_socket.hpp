// ClientSocket: the socket of one client connection, plain or TLS. An asynchronous read and write
// stream as Boost.Asio and Beast understand it. Internal to this folder.
//
// TLS runs OpenSSL on the non-blocking socket itself, so that a pending wait for input holds no
// bytes back and can be left pending while an answer is written. SIGPIPE must be ignored in the
// process: OpenSSL writes without MSG_NOSIGNAL.
//
// All calls on the socket's strand. While an operation is pending the object must live and stay
// where it is; a wait may be pending when it is moved, after cancel().
#pragma once

#include <utility>  // Boost.Asio 1.74 uses std::exchange without it

#include <openssl/types.h>

#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace weir::http {

using Socket = boost::asio::ip::tcp::socket;
using boost::system::error_code;

class TlsServer;

inline constexpr std::ptrdiff_t kInputEnded = -2;

class ClientSocket {
 public:
  using executor_type = Socket::executor_type;

  // Plain when `tls` is null; else the server's end of TLS, which begins with async_handshake().
  ClientSocket(Socket socket, const TlsServer* tls);

  executor_type get_executor() { return socket_.get_executor(); }
  std::string remote_address() const;  // empty when it is gone already
  bool is_tls() const { return ssl_ != nullptr; }
  void limit_send_buffer(int bytes);

  // Handlers of these two: void(error_code). Only for TLS; the other when bytes or an end came.
  template <class Handler>
  void async_handshake(Handler handler) {
    operate(
        Task::handshake, nullptr, 0,
        [handler = std::move(handler)](error_code error, std::size_t) mutable { handler(error); });
  }
  template <class Handler>
  void async_wait_input(Handler handler) {
    if (has_decrypted()) {
      boost::asio::post(get_executor(), [handler = std::move(handler)]() mutable { handler({}); });
    } else {
      socket_.async_wait(Socket::wait_read, std::move(handler));
    }
  }
  // When the connection breaks, though nothing is read.
  template <class Handler>
  void async_wait_error(Handler handler) {
    socket_.async_wait(Socket::wait_error, std::move(handler));
  }
  // What the client has sent already: its bytes, 0 when nothing, kInputEnded or another negative
  // number when nothing will come.
  std::ptrdiff_t receive_now(void* into, std::size_t size);
  bool has_input();  // something is there to be read

  // Handlers: void(error_code, std::size_t).
  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (!ssl_) return socket_.async_read_some(buffers, std::forward<Handler>(handler));
    const boost::asio::mutable_buffer first = first_of<boost::asio::mutable_buffer>(buffers);
    operate(Task::read, first.data(), first.size(), std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (!ssl_) return socket_.async_write_some(buffers, std::forward<Handler>(handler));
    const boost::asio::const_buffer first = first_of<boost::asio::const_buffer>(buffers);
    operate(Task::write, const_cast<void*>(first.data()), first.size(),
            std::forward<Handler>(handler));
  }
  // Reads what is only to be dropped; of TLS the encrypted bytes.
  template <class Buffers, class Handler>
  void async_drop_some(const Buffers& buffers, Handler handler) {
    socket_.async_read_some(buffers, std::move(handler));
  }

  // Ends what is pending with operation_aborted. Bytes that a read of TLS has taken are lost then.
  void cancel();
  // Goes on without TLS; after a handshake that failed because the client speaks plain HTTP.
  bool fall_back_to_plain(error_code handshake_error);
  void shutdown_send();  // no answer comes after this; TLS says so first
  void close();

  // For Beast's WebSockets.
  friend void beast_close_socket(ClientSocket& socket) { socket.close(); }

 private:
  struct SslFree {
    void operator()(ssl_st* ssl) const;
  };
  enum class Task : std::uint8_t { handshake, read, write };
  enum class Want : std::uint8_t { nothing, input, output };
  struct Progress {
    Want want = Want::nothing;
    error_code error{};
    std::size_t bytes = 0;
  };

  // One composed operation of TLS: tries, waits for what OpenSSL wants, tries again.
  struct Operation {
    ClientSocket& socket;
    Task task;
    void* data;
    std::size_t size;
    std::uint64_t cancels = socket.cancels_;
    bool waited = false;  // a handler must not run inside the function that begins the operation
    bool done = false;
    Progress progress = {};

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (!done) {
        progress = error ? Progress{.error = error} : socket.attempt(task, data, size);
        const bool waits = progress.want != Want::nothing;
        if (waits) {
          waited = true;
          const auto what = progress.want == Want::input ? Socket::wait_read : Socket::wait_write;
          return socket.socket_.async_wait(what, std::move(self));
        }
        done = true;
        if (!waited) return boost::asio::post(socket.get_executor(), std::move(self));
      }
      // A client that never lets it wait must not escape a cancel.
      if (cancels != socket.cancels_) progress = {.error = boost::asio::error::operation_aborted};
      self.complete(progress.error, progress.bytes);
    }
  };

  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
      if (const Buffer buffer(*at); buffer.size() > 0) return buffer;
    }
    return {};
  }
  template <class Handler>
  void operate(Task task, void* data, std::size_t size, Handler&& handler) {
    boost::asio::async_compose<Handler, void(error_code, std::size_t)>(
        Operation{*this, task, data, size}, handler, socket_);
  }

  Progress attempt(Task task, void* data, std::size_t size);
  bool has_decrypted() const;
  void say_goodbye();

  Socket socket_;
  std::unique_ptr<ssl_st, SslFree> ssl_;
  std::uint64_t cancels_ = 0;
  bool usable_ = false;  // for TLS: shaken hands, and not failed since
};

}  // namespace weir::http
