// WebhookClients: the senders of webhooks in a simulated run. Any node may take the lead at any
// time; those that led before go on reporting. Receivers take about half of what they get.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "jobs/requests.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/sim_node.hpp"

namespace weir::sim {

class WebhookClients {
 public:
  WebhookClients(World& world, Ledger& ledger, std::function<SimNode*()> any_node);

  void begin() { beat(); }
  // From now on receivers take everything.
  void calm() { calm_ = true; }
  void end() { ended_ = true; }

  // Members of the configuration of a queue whose events are kept and all of them sent.
  static std::string config();
  // Of a job of its own: ",\"webhook\":{...}".
  static std::string job_text();

 private:
  struct Sender {
    SimNode* node;
    std::int64_t term;
  };

  void beat();
  void lead(SimNode& node);
  void deliver(const Sender& sender);
  jobs::WebhookReport outcome(std::string id, std::int64_t attempt);
  void report(const Sender& sender, std::vector<jobs::WebhookReport> reports);

  World& world_;
  Ledger& ledger_;
  const std::function<SimNode*()> any_node_;
  std::vector<Sender> senders_;  // in the order of their terms
  bool calm_ = false;
  bool ended_ = false;
};

}  // namespace weir::sim
