// NodeBoard: what the coordinators of one log say to each other. A question on the subject
// weir.nodes.<shard> over core NATS: an empty one is answered by each of them with how far it is;
// {"hand_over_to":"<holder>"} by the one that leads, which then leads no more. Nothing is stored,
// and who is away is not there.
//
// Lifecycle of a Service: between start() and stop() it answers. Thread-safe; ask() and hand_over()
// block for as long as they wait.
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
  std::string state;  // serving, starting, resyncing or stopped; empty: an older one, that said no
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
    replica::Instance& instance;
    const Clock& clock;
    unsigned shard = 0;
  };
  explicit NodeBoard(Parts parts);
  ~NodeBoard() override { stop(); }

  Result<void> start() override;
  void stop() override;

  // Those who answer within `wait`, this one among them, by id. Only this one while NATS is away.
  std::vector<NodeStatus> ask(Millis wait) const;

  // Asks the leader to give the lease to `heir` (replica::Leadership::holder()), and says which one
  // it was. Errors: conflict / leader_silent: nobody answered within `wait`; what kept it from
  // giving the lease away, as unavailable / hand_over_failed; unavailable / nats_unavailable.
  Result<std::string> hand_over(const std::string& heir, Millis wait) const;

 private:
  void answer(const nats::Message& question) const;

  const Parts parts_;
  const std::string subject_;
  std::unique_ptr<nats::Subscription> questions_;
};

}  // namespace weir::api
