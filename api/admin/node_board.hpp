// NodeBoard: what the coordinators of one log say of themselves when one of them asks. A question
// on the subject weir.nodes.<shard> over core NATS, and as many answers as there are coordinators:
// nothing is stored, and who is away is not there.
//
// Lifecycle of a Service: between start() and stop() it answers. Thread-safe; ask() blocks for as
// long as it waits.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/service.hpp"
#include "pkg/nats/connection.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

// One coordinator as it sees itself.
struct NodeStatus {
  std::string id;
  replica::Role role = replica::Role::follower;
  replica::Revision applied = 0;
  replica::Revision log_last = 0;  // as far as it knows
  Millis lag{0};                   // age of what it applied last, while it is behind
  Timestamp seen{};                // when it said so

  std::uint64_t lag_entries() const { return log_last > applied ? log_last - applied : 0; }
};

NodeStatus status_of(const replica::Instance& instance, const Clock& clock);

class NodeBoard final : public Service {
 public:
  struct Parts {
    std::shared_ptr<nats::Connection> connection;
    const replica::Instance& instance;
    const Clock& clock;
    unsigned shard = 0;
  };
  explicit NodeBoard(Parts parts);
  ~NodeBoard() override { stop(); }

  Result<void> start() override;
  void stop() override;

  // Those who answer within `wait`, this one among them, by id. Only this one while NATS is away.
  std::vector<NodeStatus> ask(Millis wait) const;

 private:
  const Parts parts_;
  const std::string subject_;
  std::unique_ptr<nats::Subscription> questions_;
};

}  // namespace weir::api
