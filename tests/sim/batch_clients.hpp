// BatchClients: who makes batches in a simulated run, with jobs and callbacks or open, and who
// seals and cancels them. Producers let their jobs join (join_text).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "jobs/requests.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/sim_node.hpp"

namespace weir::sim {

class BatchClients {
 public:
  struct Hooks {
    std::function<void(replica::Operation, replica::ReplyHandler)> propose;
    std::function<std::string()> next_job_id;
    std::function<std::string(const std::string& id)> job_text;
    // This job was asked for; it may come into being.
    std::function<void(const std::string& id)> sent;
    // A submit was answered for this job.
    std::function<void(const std::string& id, json::View result)> answered;
  };

  BatchClients(World& world, const jobs::Requests& requests, Ledger& ledger, Hooks hooks);

  void begin() { operate(); }
  // Nothing new; open batches are sealed by time.
  void calm() { calm_ = true; }
  // `,"batch":"..."` of a recent one, sealed or not; empty when there is none.
  std::string join_text();

 private:
  struct Creation {
    replica::Operation operation;
    std::vector<std::string> jobs;  // ids, in the order of the request
  };

  void operate();
  void make();
  void send(const Creation& creation, int tries);
  void told(const Creation& creation, json::View reply);

  World& world_;
  const jobs::Requests& requests_;
  Ledger& ledger_;
  const Hooks hooks_;
  std::vector<std::string> ids_;
  bool calm_ = false;
};

}  // namespace weir::sim
