// What the command handlers work with. Made once by Api; outlives every route.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "api/core/gateway.hpp"
#include "api/core/stored_values.hpp"
#include "api/core/system_probe.hpp"
#include "api/http/front.hpp"
#include "api/runtime/timers.hpp"
#include "api/runtime/workers.hpp"
#include "jobs/requests.hpp"
#include "jobs/stats.hpp"
#include "pkg/auth/key_machine.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/kv/service.hpp"
#include "pkg/metrics/registry.hpp"
#include "pkg/pubsub/hub.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/replica/test_clock.hpp"
#include "pkg/structures/machine.hpp"

namespace weir::rooms {
class Rooms;
}

namespace weir::streams {
class Service;
class Tails;
}  // namespace weir::streams

namespace weir::api {

// What the services beside the job engine count, for admin.stats.
struct ServiceFigures {
  std::uint64_t kv_keys = 0;
  double kv_per_second = 0;
  std::uint64_t rooms = 0;
  std::uint64_t room_subscribers = 0;
  std::uint64_t topics = 0;
  std::uint64_t topic_subscribers = 0;
};

class NodeBoard;

struct Services {
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
  const jobs::Requests& requests;
  const StoredValues& values;
  Timers& timers;
  Workers& workers;
  pubsub::Hub& pubsub;
  RequestLimits& limits;
  LiveKeys& live_keys;
  AuthMode auth = AuthMode::keys;
  MonoTime started_at{};
  std::function<http::FrontStats()> connections;  // empty: none are known
  std::atomic<std::uint64_t> reads{0};            // of replicated state, since start
  std::atomic<bool> leaving{false};               // the server stops soon
  // Each service adds its own, before start.
  std::vector<std::function<void(ServiceFigures&)>> figures = {};
  // The log of the data structures; null when they are turned off.
  replica::Instance* data = nullptr;
  const structures::Machine* structures = nullptr;
  std::deque<std::string> names = {};  // texts that command tables made at start point into
  const replica::TestClock* test_clock = nullptr;  // null: real time
  const NodeBoard* nodes = nullptr;                // null: nobody else is asked
  std::string config = "{}";                       // settings as they may be shown, JSON
  std::function<void()> shut_down = {};            // empty: cannot be asked for
};

// The time that everybody else has: for what is compared with the outside.
const Clock& real_clock(const Services& services);

// Runs `query` on a local snapshot and answers 200 with what it gives. Pool lane only.
void answer_read(Services& services, const Call& call,
                 const std::function<Result<std::string>(sqlite::Database&)>& query);

// Proposes and answers `status` with the reply.
void answer_write(Services& services, const Call& call, Result<replica::Operation> operation,
                  int status = 200);

// The same for what may wait while NATS is away: then 202 says that it is kept.
void answer_write_or_keep(Services& services, const Call& call,
                          Result<replica::Operation> operation, int status = 200);
// Answers 202 for a kept operation.
void answer_kept(const Services& services, const Call& call, const replica::Reply& reply);

}  // namespace weir::api
