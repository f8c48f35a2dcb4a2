// MessageClients: publishers and consumers of plain queues (queue.publish, queue.consume, ...).
// Queue `mail` stays; `post` is deleted with everything in it now and then, and comes again.
// Consumers acknowledge, give back, or vanish; strangers try to acknowledge what they do not hold.
#pragma once

#include <functional>
#include <string>

#include "jobs/requests.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

class MessageClients {
 public:
  struct Hooks {
    std::function<SimNode*()> any_node;
    std::function<void(replica::Operation, replica::ReplyHandler)> propose;
  };
  MessageClients(World& world, const jobs::Requests& requests, Ledger& ledger, Hooks hooks)
      : world_(world), requests_(requests), ledger_(ledger), hooks_(std::move(hooks)) {}

  void begin();
  // Consumers acknowledge what there is.
  void calm() { calm_ = true; }
  void end() { ended_ = true; }

 private:
  void make_queue(const std::string& queue);
  void publish();
  void send(const std::string& id, const replica::Operation& operation, int tries);
  void consume();
  void take(const jobs::MessageAnswer& consumer, const replica::Reply& reply);
  void answer(const jobs::MessageAnswer& consumer, std::int64_t fence, int tries);
  void intrude(jobs::MessageAnswer consumer);
  void drop();
  void drop_next(const replica::Operation& operation, int tries);

  World& world_;
  const jobs::Requests& requests_;
  Ledger& ledger_;
  const Hooks hooks_;
  std::uint64_t next_message_ = 0;
  std::uint64_t next_consumer_ = 0;
  bool calm_ = false;
  bool ended_ = false;
};

}  // namespace weir::sim
