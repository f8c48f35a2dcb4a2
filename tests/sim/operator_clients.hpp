// OperatorClients: who runs a simulated cluster: pauses queues, changes their limits, cancels,
// retries, promotes, edits and removes jobs, one or many, redrives dead letters.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "jobs/requests.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

class OperatorClients {
 public:
  struct Hooks {
    std::function<void(replica::Operation, replica::ReplyHandler)> propose;
  };

  // `job_ids`: those that were submitted, newest last.
  OperatorClients(World& world, const jobs::Requests& requests, Ledger& ledger,
                  const std::vector<std::string>& job_ids, Hooks hooks);

  void begin() { operate(); }
  void calm() { calm_ = true; }
  // Nothing holds jobs back any more.
  void resume_queues();

 private:
  void operate();
  void pause_for_a_while();
  void configure();
  void limit_all();
  void change_one();
  void change_many();
  void all_again();
  void redrive(const std::vector<std::string>& ids);
  void propose(Result<replica::Operation> operation);
  std::string config_text(const std::string& queue);
  std::string rate_text(std::int64_t limit);
  const std::string& any_id();

  World& world_;
  const jobs::Requests& requests_;
  Ledger& ledger_;
  const std::vector<std::string>& job_ids_;
  const Hooks hooks_;
  bool calm_ = false;
};

}  // namespace weir::sim
