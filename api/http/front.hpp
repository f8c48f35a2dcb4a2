// Front: the server's sockets. One port, a few I/O threads, no thread per client: it accepts, reads
// requests strictly and within limits, runs handlers on their lane, parks what is answered later,
// and drains when it stops.
//
// Lifecycle: construct -> start() -> send_away() if wanted -> stop(). Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/types.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/error.hpp"
#include "pkg/base/service.hpp"

namespace weir::http {

class TlsServer;

struct FrontOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7080;  // 0: any free one, see Front::port()
  unsigned io_threads = 2;
  unsigned pool_threads = 4;             // for handlers of Lane::pool
  std::size_t pool_queue = 4096;         // handlers waiting for a thread; more get 503
  std::size_t max_connections = 20'000;  // more get 503
  std::size_t max_streams = 10'000;      // answers that go on; more get 503
  std::size_t max_sockets = 10'000;      // WebSockets; more get 503
  // Web pages that may open WebSockets ("https://app.example.com"), beside those of this server's
  // own address; "*" is all of them. Clients that are not browsers send no Origin and may.
  std::vector<std::string> allowed_origins = {};
  std::size_t header_limit_bytes = 16 * 1024;
  Millis request_deadline{30'000};  // for the whole request to arrive, from its first byte
  Millis idle_timeout{75'000};      // of a keep-alive connection between requests
  Millis drain_timeout{10'000};     // for requests under way when stop() is called
  std::shared_ptr<const TlsServer> tls = nullptr;  // set: HTTPS, and nothing else
};

// One answer that has gone out, for metrics and the access log. A stream counts when it begins.
struct FinishedRequest {
  const Request* request;  // null when it could not be read
  std::string_view route;  // the pattern, empty when no route matched
  std::string_view request_id;
  int status = 0;
  std::size_t request_bytes = 0;
  std::size_t response_bytes = 0;
  std::chrono::nanoseconds duration{0};
};

struct FrontStats {
  std::uint64_t active = 0;  // connections open now
  std::uint64_t peak = 0;
  std::uint64_t total = 0;
  std::uint64_t streams = 0;  // answers that go on (event streams), open now
  std::uint64_t streams_total = 0;
  std::uint64_t streams_overflowed = 0;  // ended because the client did not read
  std::uint64_t sockets = 0;             // WebSockets, open now
  std::uint64_t sockets_total = 0;
  std::uint64_t sockets_overflowed = 0;  // ended because the client did not read
  std::uint64_t sockets_dropped = 0;     // messages dropped for clients that were too slow
};

struct FrontHooks {
  // How errors of the front itself look (malformed, too large, unknown route, ...).
  std::function<Response(const Error&, std::string_view request_id)> error_response;
  std::function<void(const FinishedRequest&)> on_finished = {};
};

class Front final : public Service {
 public:
  Front(FrontOptions options, std::vector<Route> routes, FrontHooks hooks);
  ~Front() override;

  // Error: conflict / address_in_use, invalid / bad_listen_address.
  Result<void> start() override;
  // For up to `limit`, or until no connection is open, everything is answered with Connection:
  // close, so that clients leave before stop() without a request being lost.
  void send_away(Millis limit);
  // Accepts no more, ends streams and sockets, lets requests under way finish (answers carry
  // Connection: close), then cuts.
  void stop() override;

  std::uint16_t port() const;
  FrontStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::http
