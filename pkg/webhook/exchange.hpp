// Exchange: one request to one receiver, from the addresses of its host to the head of its answer.
// Internal to this folder.
//
// All of it runs on the sender's thread. A failure anywhere, the deadline included, ends it with
// one outcome.
#pragma once

#include <utility>  // Boost.Asio 1.74 uses std::exchange without it

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/webhook/retry_after.hpp"
#include "pkg/webhook/sender.hpp"

namespace weir::webhook {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using boost::system::error_code;

inline constexpr unsigned kMaxHeadBytes = 16 << 10;
inline constexpr int kMaxInterim = 8;  // answers 1xx before the one that counts

// Stream: tcp::socket, or asio::ssl::stream<tcp::socket>.
template <class Stream>
class Exchange : public std::enable_shared_from_this<Exchange<Stream>> {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, tcp::socket>;
  using Done = std::function<void(Outcome)>;

  template <class... StreamArguments>
  Exchange(asio::io_context& io, const Clock& clock, Post post, Done done,
           StreamArguments&&... stream)
      : stream_(std::forward<StreamArguments>(stream)...),
        deadline_(io),
        clock_(clock),
        host_(post.target.host),
        done_(std::move(done)) {
    message_.method(beast::http::verb::post);
    message_.target(post.target.path);
    message_.version(11);
    message_.set(beast::http::field::host, post.target.authority());
    message_.set(beast::http::field::content_type, "application/cloudevents+json");
    message_.set(beast::http::field::connection, "close");
    message_.set("webhook-id", post.id);
    message_.set("webhook-timestamp", std::to_string(post.unix_seconds));
    message_.set("webhook-signature", post.signature);
    message_.body() = std::move(post.body);
    message_.prepare_payload();
  }

  void begin(Millis timeout, const std::string& user_agent) {
    message_.set(beast::http::field::user_agent, user_agent);
    deadline_.expires_after(timeout);
    deadline_.async_wait([self = this->shared_from_this()](error_code error) {
      if (!error) self->end({.error = "no answer in time"});
    });
  }

  // What the host's name led to: those that may be connected to.
  void connect(std::vector<tcp::endpoint> endpoints) {
    if (!done_) return;
    endpoints_ = std::move(endpoints);
    asio::async_connect(socket(), endpoints_,
                        [self = this->shared_from_this()](error_code error, const tcp::endpoint&) {
                          if (error) return self->fail("cannot connect", error);
                          self->secure();
                        });
  }

  void end(Outcome outcome) {
    if (!done_) return;
    deadline_.cancel();
    error_code ignored;
    socket().close(ignored);
    std::exchange(done_, nullptr)(std::move(outcome));
  }

 private:
  tcp::socket& socket() { return beast::get_lowest_layer(stream_); }

  void fail(std::string_view what, error_code error) {
    end({.error = std::string(what) + ": " + error.message()});
  }

  void secure() {
    if constexpr (kTls) {
      // RFC 6066: a name is sent, an address is not.
      if (!parse_address(host_)) SSL_set_tlsext_host_name(stream_.native_handle(), host_.c_str());
      stream_.set_verify_mode(asio::ssl::verify_peer);
      stream_.set_verify_callback(asio::ssl::host_name_verification(host_));
      stream_.async_handshake(asio::ssl::stream_base::client,
                              [self = this->shared_from_this()](error_code error) {
                                if (error) return self->fail("no TLS connection", error);
                                self->write();
                              });
    } else {
      write();
    }
  }

  void write() {
    beast::http::async_write(stream_, message_,
                             [self = this->shared_from_this()](error_code error, std::size_t) {
                               if (error) return self->fail("the connection ended", error);
                               self->read();
                             });
  }

  void read() {
    answer_.emplace();
    answer_->header_limit(kMaxHeadBytes);
    // It is not read. (boost::none means 0 to Boost 1.74.)
    answer_->body_limit(std::numeric_limits<std::uint64_t>::max());
    beast::http::async_read_header(
        stream_, buffer_, *answer_,
        [self = this->shared_from_this()](error_code error, std::size_t) {
          if (error) return self->fail("the connection ended", error);
          self->judge();
        });
  }

  void judge() {
    const auto& head = answer_->get();
    const int status = static_cast<int>(head.result_int());
    if (status < 200 && ++interim_ < kMaxInterim) return read();
    Outcome outcome{.status = status};
    if (status < 200 || status > 299) {
      outcome.error = "answered " + std::to_string(status);
      const auto wait = head[beast::http::field::retry_after];
      outcome.retry_after = parse_retry_after({wait.data(), wait.size()}, clock_.wall());
    }
    end(std::move(outcome));
  }

  Stream stream_;
  asio::steady_timer deadline_;
  const Clock& clock_;
  const std::string host_;
  Done done_;
  std::vector<tcp::endpoint> endpoints_;
  beast::http::request<beast::http::string_body> message_;
  beast::flat_buffer buffer_{kMaxHeadBytes + 4096};
  std::optional<beast::http::response_parser<beast::http::empty_body>> answer_;
  int interim_ = 0;
};

}  // namespace weir::webhook
