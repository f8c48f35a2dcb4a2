// MicroService: endpoints that other NATS clients call by request and reply and find with
// $SRV.PING, $SRV.INFO and $SRV.STATS, as the Service API of NATS has it (ADR-32). Instances of one
// name share the requests (queue group kQueueGroup). Over plain subscriptions: the library's own
// services are not in every version that Weir is built with.
//
// Lifecycle of a Service; requests that run at stop() may still be answered. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/service.hpp"
#include "pkg/nats/connection.hpp"

namespace weir::nats {

inline constexpr std::string_view kQueueGroup = "q";
inline constexpr std::string_view kServiceErrorHeader = "Nats-Service-Error";
inline constexpr std::string_view kServiceErrorCodeHeader = "Nats-Service-Error-Code";

struct ServiceEndpoint {
  std::string name;  // [A-Za-z0-9_-]+
  std::string subject;
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

// What an endpoint did since start.
class EndpointStats {
 public:
  struct Figures {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    std::string last_error = {};
    std::chrono::nanoseconds processing{0};
  };
  void add(std::chrono::nanoseconds took);
  void add_error(std::chrono::nanoseconds took, std::string text);
  Figures figures() const;

 private:
  mutable std::mutex mutex_;
  Figures figures_;  // guarded by mutex_
};

// One request on its way; to be answered once, from any thread. Nobody hears the answer to a
// message without a reply subject.
class ServiceRequest {
 public:
  ServiceRequest(std::shared_ptr<Connection> connection, const Clock& clock, Message message,
                 std::shared_ptr<EndpointStats> stats);

  const Message& message() const { return message_; }
  // Errors: too_large / message_too_large (then fail() can still be called); those of publish().
  Result<void> answer(std::string_view data);
  // `code` is one of HTTP's; `description` is for people and stands in a header.
  void fail(int code, std::string description, std::string_view data);

 private:
  const std::shared_ptr<Connection> connection_;
  const Clock& clock_;
  const Message message_;
  const std::shared_ptr<EndpointStats> stats_;  // null: no endpoint's subject
  const MonoTime began_;
};

class MicroService final : public Service {
 public:
  // On the subscription's thread: must not block.
  using Handler = std::function<void(std::shared_ptr<ServiceRequest>)>;
  struct Options {
    std::string name;     // [A-Za-z0-9_-]+
    std::string id;       // of this instance
    std::string version;  // as semver.org has it
    std::string description;
    std::string subject;  // subscribed to: takes those of all endpoints
    std::vector<ServiceEndpoint> endpoints;
  };
  MicroService(std::shared_ptr<Connection> connection, const Clock& clock, Options options,
               Handler handler);
  ~MicroService() override { stop(); }

  Result<void> start() override;
  void stop() override;

 private:
  void heard(Message message) const;
  void discover(const Message& message) const;
  std::string describe(std::string_view verb) const;  // empty: no such verb

  const std::shared_ptr<Connection> connection_;
  const Clock& clock_;
  const Options options_;
  const Handler handler_;
  std::map<std::string, std::shared_ptr<EndpointStats>, std::less<>> stats_;  // by subject
  Timestamp started_{};
  std::mutex mutex_;
  std::unique_ptr<Subscription> discovery_;  // guarded by mutex_
  std::unique_ptr<Subscription> requests_;   // guarded by mutex_
};

}  // namespace weir::nats
