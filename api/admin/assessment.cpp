#include "api/admin/assessment.hpp"

#include <algorithm>

namespace weir::api {
namespace {

// NATS that does not answer the probe for this long is down, whatever its connection says.
constexpr std::chrono::seconds kSilenceIsDown{5};
// Entries that a replica may be behind while under load without being called degraded.
constexpr replica::Revision kLagTolerated = 10'000;

Component nats_component(const replica::Health& health, const std::optional<SystemFacts>& facts,
                         Timestamp now) {
  Component nats{"nats", State::ok, ""};
  if (!health.log_connected) {
    nats.state = State::down;
    nats.problem = "NATS is not reachable";
  } else if (facts && !facts->fresh) {
    nats.state = now - facts->taken_at > kSilenceIsDown ? State::down : State::degraded;
    nats.problem = facts->problem;
  }
  return nats;
}

Component replica_component(const replica::Health& health) {
  if (!health.problem.empty()) return {"replica", State::down, health.problem};
  if (health.resyncing) return {"replica", State::degraded, "its state is built anew"};
  if (!health.applying) return {"replica", State::degraded, "catching up with the log"};
  return {"replica", State::ok, ""};
}

Component outbox_component(const replica::OutboxHealth& outbox) {
  if (outbox.operations == 0) return {"outbox", State::ok, ""};
  return {"outbox", State::degraded,
          std::to_string(outbox.operations) + " operations (" + std::to_string(outbox.bytes) +
              " bytes) wait for NATS"};
}

Component replication_component(const replica::Health& health, const Component& nats) {
  if (nats.state == State::down) return {"replication", State::down, nats.problem};
  const auto behind = health.log_last > health.applied ? health.log_last - health.applied : 0;
  if (behind > kLagTolerated) {
    return {"replication", State::degraded,
            std::to_string(behind) + " entries behind the end of the log"};
  }
  if (!health.digest.differing.empty()) {
    return {"replication", State::degraded,
            "state_diverged: another state than here is on " + health.digest.differing};
  }
  return {"replication", State::ok, ""};
}

Component worst_of(std::string_view name, const Component& a, const Component& b) {
  const Component& worse = a.state >= b.state ? a : b;
  return {name, worse.state, worse.problem};
}

}  // namespace

void add_structures(Assessment& assessment, const replica::Health& data) {
  const Component nats = assessment.component("nats");
  const Component behind = replication_component(data, nats);
  const Component local = worst_of("structures", replica_component(data), behind);
  assessment.components.push_back(worst_of("structures", nats, local));
  const Component& added = assessment.components.back();
  if (added.state == State::ok || assessment.overall != State::ok) return;
  assessment.overall = State::degraded;
  assessment.problem = added.problem;
}

void add_encryption(Assessment& assessment, const std::string& problem) {
  const State state = problem.empty() ? State::ok : State::degraded;
  assessment.components.push_back({"encryption", state, problem});
  if (problem.empty() || assessment.overall != State::ok) return;
  assessment.overall = State::degraded;
  assessment.problem = problem;
}

const Component& Assessment::component(std::string_view name) const {
  const auto found = std::find_if(components.begin(), components.end(),
                                  [&](const auto& entry) { return entry.name == name; });
  WEIR_ASSERT(found != components.end());
  return *found;
}

Assessment assess(const replica::Health& health, const std::optional<SystemFacts>& facts,
                  Timestamp now) {
  Assessment out;
  const Component nats = nats_component(health, facts, now);
  const Component local = replica_component(health);
  out.components = {nats,
                    local,
                    {"kv_store", nats.state, nats.problem},
                    worst_of("queue_system", nats, local),
                    {"event_stream", nats.state, nats.problem},
                    {"pubsub", nats.state, nats.problem},
                    replication_component(health, nats)};
  const auto& outbox = health.outbox;
  if (outbox.max_bytes > 0) out.components.push_back(outbox_component(outbox));
  const auto worst =
      std::max_element(out.components.begin(), out.components.end(),
                       [](const auto& a, const auto& b) { return a.state < b.state; });
  out.overall = worst->state;
  out.problem = worst->problem;
  out.falls_back =
      nats.state == State::down && local.state != State::down && outbox.bytes < outbox.max_bytes;
  out.can_write = out.falls_back || (nats.state != State::down && local.state == State::ok);
  out.can_read = local.state != State::down;
  return out;
}

}  // namespace weir::api
