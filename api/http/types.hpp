// What a handler sees of HTTP, free of any library's types. A handler answers now, or keeps the
// Responder and answers later from any thread: a parked request costs no thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/error.hpp"

namespace weir::http {

struct Request {
  std::string method;                                      // "GET"
  std::string path;                                        // decoded, without the query: "/v1/jobs"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::vector<std::pair<std::string, std::string>> params;   // of the route pattern: {"id", "..."}
  std::string body;
  std::string remote_address;  // of the peer, without the port
  std::string id;              // X-Request-Id: echoed when given and sane, else made here
  bool secure = false;         // came over TLS

  std::string_view header(std::string_view lower_case_name) const;  // empty when absent
  std::optional<std::string_view> query_value(std::string_view name) const;
  std::string_view param(std::string_view name) const;  // empty when absent
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

struct StreamStart;     // api/http/event_stream.hpp
struct WebSocketStart;  // api/http/websocket.hpp

// The right to answer one request, once. Copies share it. Thread-safe. When every copy dies without
// send(), the client gets 500 internal.
class Responder {
 public:
  class Sink {  // implemented by the front
   public:
    virtual ~Sink() = default;
    virtual void send(Response response) = 0;
    virtual void open_stream(StreamStart start) = 0;
    virtual void open_socket(WebSocketStart start) = 0;
    virtual void on_closed(std::function<void()> closed) = 0;
  };

  explicit Responder(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  // Only the first call counts. After the client has gone it is a no-op.
  void send(Response response) const { sink_->send(std::move(response)); }
  // Answers 200 with a body that goes on; see EventStream. When that cannot be (answered already,
  // client gone, too many streams) the queue is abandoned, which tells its producer.
  void open_stream(StreamStart start) const;
  // Answers 101 on a route with `upgrade`; see WebSocket. The rest as with open_stream().
  void open_socket(WebSocketStart start) const;
  // `closed` runs once (any thread) if the client goes away before send().
  void on_closed(std::function<void()> closed) const { sink_->on_closed(std::move(closed)); }

 private:
  std::shared_ptr<Sink> sink_;
};

using Handler = std::function<void(std::shared_ptr<const Request>, Responder)>;

// Where a handler runs.
enum class Lane : std::uint8_t {
  inline_,  // on the I/O thread: memory only, microseconds, never blocks
  pool,     // on a bounded worker pool: may read SQLite or ask NATS
};

struct Route {
  std::string method;
  std::string pattern;  // "/v1/jobs/{id}/cancel"; a parameter is one whole segment
  Lane lane = Lane::pool;
  std::size_t max_body_bytes = 1 << 20;
  // To a WebSocket. The front has checked the handshake and the origin when the handler runs; that
  // refuses with an answer, or opens the socket. The method is GET, without a body.
  bool upgrade = false;
  Handler handler;
  // The look of the front's own errors on this route; empty: FrontHooks::error_response.
  std::function<Response(const Error&, std::string_view request_id)> error_response = {};
};

}  // namespace weir::http
