// RawClient: a client that speaks raw bytes, plain or over TLS.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace weir::http {

// What a client shows and believes. Empty names: nothing is shown, everybody is believed.
struct TlsClientOptions {
  std::string authority = {};
  std::string certificate = {};
  std::string key = {};
  int version = 0;  // exactly this one
};

class RawClient {
 public:
#ifdef WEIR_TEST_OVER_TLS
  explicit RawClient(std::uint16_t port) : RawClient(port, TlsClientOptions{}) {}
#else
  explicit RawClient(std::uint16_t port) {
    connect(port);
  }
#endif
  RawClient(std::uint16_t port, const TlsClientOptions& options) {
    connect(port);
    if (connected_) shake_hands(options);
  }
  static RawClient plain(std::uint16_t port) {
    return RawClient(port, Plain{});
  }
  ~RawClient() {
    close();
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const {
    return connected_;
  }  // with TLS: and has shaken hands
  // The name (CN) in the server's certificate.
  std::string server_name() const {
    const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(ssl_.get()),
                                                            X509_free);
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name,
                              sizeof name);
    return name;
  }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto sent = ssl_ ? SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()))
                             : ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end_sending() const {
    if (ssl_) SSL_shutdown(ssl_.get());
    ::shutdown(fd_, SHUT_WR);
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // One answer with its body (by Content-Length); what came before the connection ended otherwise.
  std::string read_answer(bool head_only = false) {
    for (;;) {
      const auto head_end = input_.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        std::size_t length = 0;
        const auto at = input_.find("Content-Length: ");
        if (at != std::string::npos && at < head_end && !head_only)
          length = std::stoul(input_.substr(at + 16));
        if (input_.size() >= head_end + 4 + length) {
          const std::string answer = input_.substr(0, head_end + 4 + length);
          input_.erase(0, answer.size());
          return answer;
        }
      }
      if (!read_more()) return std::exchange(input_, {});
    }
  }
  // Something to read is there now: bytes of an answer, or the end.
  bool has_input() const {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, 0) != 1) return false;
    if (!ssl_) return true;
    char first = 0;
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    const int got = SSL_peek(ssl_.get(), &first, 1);
    const bool nothing = got <= 0 && SSL_get_error(ssl_.get(), got) == SSL_ERROR_WANT_READ;
    ::fcntl(fd_, F_SETFL, 0);
    return !nothing;
  }
  std::string read_some() {  // empty: the end, or nothing for 10 seconds
    if (input_.empty()) read_more();
    return std::exchange(input_, {});
  }
  bool ended() {  // the server closed
    while (read_more()) {
    }
    return ended_;
  }

 private:
  struct Plain {};
  RawClient(std::uint16_t port, Plain) {
    connect(port);
  }

  void connect(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  void shake_hands(const TlsClientOptions& options) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!options.authority.empty()) {
      SSL_CTX_load_verify_file(context_.get(), options.authority.c_str());
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    }
    if (!options.certificate.empty()) {
      SSL_CTX_use_certificate_chain_file(context_.get(), options.certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context_.get(), options.key.c_str(), SSL_FILETYPE_PEM);
    }
    if (options.version != 0) {
      SSL_CTX_set_security_level(context_.get(), 0);
      SSL_CTX_set_min_proto_version(context_.get(), options.version);
      SSL_CTX_set_max_proto_version(context_.get(), options.version);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }
  bool read_more() {
    pollfd wait{fd_, POLLIN, 0};
    const bool decrypted = ssl_ && SSL_pending(ssl_.get()) > 0;
    if (!decrypted && ::poll(&wait, 1, 10'000) != 1) return false;
    char buffer[65536];
    const auto got =
        ssl_ ? SSL_read(ssl_.get(), buffer, sizeof buffer) : ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = got <= 0;
    if (got > 0) input_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  int fd_ = -1;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool connected_ = false;
  bool ended_ = false;
  std::string input_;
};

}  // namespace weir::http
