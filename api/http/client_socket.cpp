#include "api/http/client_socket.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <cerrno>

#include "api/http/tls_server.hpp"

namespace weir::http {

namespace asio = boost::asio;
namespace errc = boost::system::errc;

void ClientSocket::SslFree::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

ClientSocket::ClientSocket(Socket socket, const TlsServer* tls)
    : socket_(std::move(socket)), ssl_(tls == nullptr ? nullptr : tls->open()) {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (!ssl_) return;
  socket_.native_non_blocking(true, ignored);
  SSL_set_fd(ssl_.get(), socket_.native_handle());
  SSL_set_accept_state(ssl_.get());
}

std::string ClientSocket::remote_address() const {
  error_code error;
  const auto remote = socket_.remote_endpoint(error);
  return error ? "" : remote.address().to_string();
}

void ClientSocket::limit_send_buffer(int bytes) {
  error_code ignored;
  socket_.set_option(asio::socket_base::send_buffer_size(bytes), ignored);
}

ClientSocket::Progress ClientSocket::attempt(Task task, void* data, std::size_t size) {
  if (task != Task::handshake && size == 0) return {};
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  int done = 0;
  switch (task) {
    case Task::handshake:
      done = SSL_do_handshake(ssl_.get());
      break;
    case Task::read:
      done = SSL_read_ex(ssl_.get(), data, size, &bytes);
      break;
    case Task::write:
      done = SSL_write_ex(ssl_.get(), data, size, &bytes);
      break;
  }
  if (done == 1) {
    usable_ = true;
    return {.bytes = bytes};
  }
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), done)) {
    case SSL_ERROR_WANT_READ:
      return {.want = Want::input};
    case SSL_ERROR_WANT_WRITE:
      return {.want = Want::output};
    case SSL_ERROR_ZERO_RETURN:
      return {.error = asio::error::eof};
    case SSL_ERROR_SYSCALL:
      usable_ = false;
      return {.error = system_error != 0
                           ? error_code(system_error, boost::system::system_category())
                           : error_code(asio::error::connection_reset)};
    default:
      usable_ = false;
      const bool plain = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      return {.error =
                  errc::make_error_code(plain ? errc::wrong_protocol_type : errc::protocol_error)};
  }
}

bool ClientSocket::has_decrypted() const {
  return ssl_ && SSL_pending(ssl_.get()) > 0;
}

std::ptrdiff_t ClientSocket::receive_now(void* into, std::size_t size) {
  if (ssl_) {
    const auto progress = attempt(Task::read, into, size);
    if (progress.error) return progress.error == asio::error::eof ? kInputEnded : -1;
    return static_cast<std::ptrdiff_t>(progress.bytes);
  }
  const auto got = ::recv(socket_.native_handle(), into, size, MSG_DONTWAIT);
  if (got == 0) return kInputEnded;
  const bool nothing_yet = got < 0 && (errno == EAGAIN || errno == EINTR);
  return nothing_yet ? 0 : got;
}

bool ClientSocket::has_input() {
  char byte = 0;
  return ::recv(socket_.native_handle(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

void ClientSocket::cancel() {
  ++cancels_;
  error_code ignored;
  socket_.cancel(ignored);
}

bool ClientSocket::fall_back_to_plain(error_code handshake_error) {
  if (handshake_error != errc::wrong_protocol_type) return false;
  ssl_.reset();
  return true;
}

// Best effort: a full send buffer loses it, and the client sees the connection end without it.
void ClientSocket::say_goodbye() {
  if (!ssl_ || !usable_) return;
  usable_ = false;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

void ClientSocket::shutdown_send() {
  say_goodbye();
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void ClientSocket::close() {
  if (socket_.is_open()) say_goodbye();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace weir::http
