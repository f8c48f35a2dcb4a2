// NatsCommands: the command API over NATS request and reply. A message on weir.cmd.<command> (of
// another shard than 0: weir.cmd-N.<command>) has the payload as its body and the API key in its
// header Authorization (or X-API-Key), as HTTP has them; Weir-Request-Id may hold the request id.
// The answer is the payload of the answer, or, with the headers of a service error, the error's
// {"code","message","details"}. Whichever coordinator gets a message answers it.
//
// Lifecycle of a Service. Bounded in messages and bytes that wait; what is over that is refused at
// once. Parts outlive it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "api/core/gateway.hpp"
#include "api/rpc/dispatcher.hpp"
#include "api/runtime/workers.hpp"
#include "pkg/nats/micro_service.hpp"

namespace weir::api {

class NatsCommands final : public Service {
 public:
  struct Parts {
    std::shared_ptr<nats::Connection> connection;
    rpc::Dispatcher& dispatcher;
    const Gateway& gateway;
    RequestLimits& limits;
    const Clock& clock;
    Random& random;
    unsigned shard = 0;
  };
  explicit NatsCommands(const Parts& parts);
  ~NatsCommands() override { stop(); }

  Result<void> start() override;
  // What waits is still run and answered.
  void stop() override;

 private:
  using Request = std::shared_ptr<nats::ServiceRequest>;
  struct Load {
    std::atomic<std::size_t> messages{0};
    std::atomic<std::size_t> bytes{0};
  };

  void take(Request request);
  void serve(const Request& request, std::shared_ptr<void> held);

  const Parts parts_;
  const std::string prefix_;  // of subjects
  const std::shared_ptr<Load> load_ = std::make_shared<Load>();
  Workers workers_;
  nats::MicroService service_;
};

}  // namespace weir::api
