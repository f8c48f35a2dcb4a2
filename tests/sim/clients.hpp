// Clients: the outside world of a simulated run. Producers submit (again, until they know), workers
// lease, run, heartbeat, finish, come too late or vanish, operators change everything that can be
// changed (OperatorClients), and the toy machine gets additions that must happen exactly once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/requests.hpp"
#include "tests/sim/batch_clients.hpp"
#include "tests/sim/clock_clients.hpp"
#include "tests/sim/drain_clients.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/message_clients.hpp"
#include "tests/sim/operator_clients.hpp"
#include "tests/sim/schedule_clients.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/sim/structure_clients.hpp"
#include "tests/sim/webhook_clients.hpp"

namespace weir::sim {

class Clients {
 public:
  // `test_clock`: the log has one.
  Clients(World& world, std::vector<std::unique_ptr<SimNode>>& nodes, Ledger& ledger,
          bool test_clock);

  void begin();
  // No new work; workers only finish what is there.
  void calm() {
    calm_ = true;
    batches_.calm();
    operators_.calm();
    drains_.calm();
    webhooks_.calm();
    messages_.calm();
    structures_.calm();
    if (test_clock_) time_.calm();
  }
  // After the faults: schedules without an end are paused.
  void pause_schedules() { schedules_.calm(); }
  // A time that stood still may keep the last ones waiting for long.
  bool beats_are_over() { return log_time().value_or(Timestamp{}) >= schedules_.last_beat(); }
  void resume_queues() { operators_.resume_queues(); }
  // Nobody asks for anything any more.
  void end() {
    ended_ = true;
    webhooks_.end();
    messages_.end();
  }

 private:
  struct Leased {
    std::string id;
    std::string token;
    std::int64_t fence = 0;
  };

  SimNode* any_node();  // one that serves, if any
  std::optional<Timestamp> log_time();
  void propose(replica::Operation operation, replica::ReplyHandler done);
  // The same, also to a node that has lost the log: it may keep the operation.
  void propose_or_keep(replica::Operation operation, replica::ReplyHandler done);
  auto proposer() {
    return [this](replica::Operation operation, replica::ReplyHandler done) {
      propose(std::move(operation), std::move(done));
    };
  }

  void produce();
  void submit(const std::string& id, const replica::Operation& operation, int tries);
  void submit_once(const std::string& key, const std::string& id, const std::string& text,
                   int tries);
  void submit_batch(const std::vector<std::string>& ids, const std::string& body);
  Told answered(const std::string& id, json::View result);
  std::string job_text(const std::string& id);
  std::string submit_text(const std::string& id);  // the same, perhaps in a batch
  std::string unique_text(bool delayed);
  std::string parents_text();

  void work(std::size_t worker);
  void lease(SimNode& node, std::size_t worker);
  void take(std::string_view json, replica::Revision granted);
  void check_types(std::string_view json, std::string_view types);
  void park(SimNode& node, const jobs::LeaseWaiter& waiter, Millis wait);
  void run(Leased leased);
  void heartbeat(const Leased& leased);
  std::string log_text(int lines);
  std::string large_value();  // a reference, as the API makes them
  void finish(const Leased& leased, int tries);
  void note_answer(const Leased& leased, const Result<replica::Reply>& reply, bool completed);

  void add();

  World& world_;
  std::vector<std::unique_ptr<SimNode>>& nodes_;
  Ledger& ledger_;
  SimClock clock_;
  SimRandom random_;
  UuidGenerator ids_;
  jobs::Requests requests_;
  std::vector<std::string> job_ids_;
  ScheduleClients schedules_;
  BatchClients batches_;
  OperatorClients operators_;
  DrainClients drains_;
  WebhookClients webhooks_;
  MessageClients messages_;
  StructureClients structures_;
  ClockClients time_;
  const bool test_clock_;
  std::uint64_t next_id_ = 0;
  std::int64_t next_chunk_ = 1;  // of large values
  std::uint64_t waiters_ = 0;
  std::size_t workers_ = 0;
  bool calm_ = false;
  bool ended_ = false;
};

}  // namespace weir::sim
