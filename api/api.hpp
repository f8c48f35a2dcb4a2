// Api: everything a caller can ask of a coordinator, as HTTP routes for the front. It composes the
// command table, the gateway, the parked requests and the health documents; it owns no socket.
//
// Lifecycle: construct (before the instance starts: it sets the orphan handler) -> start() ->
// serve routes() -> leave() and drain() when stopping -> let the front finish -> stop() -> stop the
// instance -> destroy: callbacks of the instance lead here. The parts outlive it. Thread-safe after
// construction.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/admin/http_metrics.hpp"
#include "api/admin/large_value_sweeper.hpp"
#include "api/admin/node_board.hpp"
#include "api/core/gateway.hpp"
#include "api/core/request_limits.hpp"
#include "api/core/services.hpp"
#include "api/core/system_probe.hpp"
#include "api/http/types.hpp"
#include "pkg/base/service.hpp"
#include "pkg/kv/service.hpp"
#include "pkg/replica/test_clock.hpp"

namespace weir::rooms {
class Rooms;
}

namespace weir::streams {
class Service;
class Tails;
}  // namespace weir::streams

namespace weir::api {

struct ApiOptions {
  AuthMode auth = AuthMode::keys;  // off: --dev-no-auth, loopback only
  AccessLog access_log = AccessLog::off;
  jobs::Requests::Options requests = {};
  std::size_t inline_bytes = 1U << 20U;  // longer values are kept as blobs
  SweepOptions sweep = {};
  PublicLimits public_limits = {};
  unsigned shard = 0;              // of the log, which encrypted values are bound to
  std::size_t worker_threads = 2;  // for reads of requests that were parked
};

struct ApiParts {
  replica::Instance& instance;
  const auth::KeyMachine& keys;
  const jobs::StatsBoard& job_stats;
  SystemProbe& probe;
  kv::Service& kv;
  rooms::Rooms& rooms;
  const streams::Service& streams;
  streams::Tails& tails;
  const Clock& clock;
  Random& random;
  metrics::Registry& metrics;
  pubsub::Hub& pubsub;  // started by who made it
  // The log of the data structures; null: they are turned off.
  replica::Instance* data = nullptr;
  const structures::Machine* structures = nullptr;
  const PayloadKeys* payload_keys = nullptr;  // null: nothing is encrypted
  replica::BlobStore* blobs = nullptr;        // null: no value may be longer than `inline_bytes`
  const replica::TestClock* test_clock = nullptr;             // null: real time; then it is `clock`
  std::shared_ptr<nats::Connection> commands_over = nullptr;  // null: none over NATS
  const NodeBoard* nodes = nullptr;      // null: the other coordinators are not known
  std::string config = "{}";             // settings as they may be shown, JSON
  std::function<void()> shut_down = {};  // asks for a graceful stop; empty: nobody can
};

class Api final : public Service {
 public:
  Api(const ApiParts& parts, const ApiOptions& options);
  ~Api() override;

  Result<void> start() override;
  void stop() override;
  // From here on /ready says no, and another node leads as soon as it can.
  void leave();
  // Answers parked lease requests now, and no more are parked.
  void drain();

  std::vector<http::Route> routes() const;
  // For the front: the look of its errors, metrics and the access log.
  http::FrontHooks hooks() const;
  // Where /health, /stats and /metrics learn of client connections. Before start().
  void set_connections(std::function<http::FrontStats()> connections);

  const std::string& openapi() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::api
