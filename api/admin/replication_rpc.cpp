// replication.*: how far the coordinators are with the log, which one leads, and building the state
// of one anew.
#include <algorithm>

#include "api/admin/node_board.hpp"
#include "api/core/audit_trail.hpp"
#include "api/core/rpc_commands.hpp"
#include "api/rpc/payload.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

constexpr Millis kNodesWait{250};
constexpr Millis kHandOverWait{3'000};
// From the lease to leading: by force, the one before may think for a while that it leads.
constexpr Millis kLeadsWait{6'000};
constexpr Millis kLookAgain{20};

const char* role_of(bool leads) {
  return leads ? "leader" : "follower";
}

void write_node(json::Writer& out, const NodeStatus& node, replica::Revision log_last) {
  const auto behind = log_last > node.applied ? log_last - node.applied : 0;
  out.member("role", role_of(node.role == replica::Role::leader));
  if (!node.state.empty()) out.member("state", node.state);
  out.member("applied", node.applied).member("lag_entries", behind);
  out.member("lag_ms", std::int64_t{node.lag.count()});
}

std::string replication_status(const Services& services) {
  const auto& clock = real_clock(services);
  const auto own = status_of(services.instance, clock);
  auto nodes =
      services.nodes != nullptr ? services.nodes->ask(kNodesWait) : std::vector<NodeStatus>{own};
  auto log_last = own.log_last;
  for (const auto& node : nodes) log_last = std::max(log_last, node.log_last);
  json::Writer out;
  out.begin_object().member("id", own.id).member("log_last", log_last);
  write_node(out, own, log_last);
  out.key("replicas").begin_array();
  for (const auto& node : nodes) {
    out.begin_object().member("id", node.id);
    write_node(out, node, log_last);
    out.member("last_seen", node.seen).end_object();
  }
  return out.end_array().end_object().take();
}

// --- promote -------------------------------------------------------------------------------------

struct Promotion {
  Services& services;
  replica::Leadership& leadership;
  rpc::Reply reply;
  std::string previous;  // the one that gave the lease away; empty: nobody did
  bool force;
  MonoTime until;
  rpc::Call call;

  void refuse(const Error& error) {
    record(services, call, "replication.promote", services.instance.node_id(), error);
    reply(error);
  }
  void succeed() {
    record(services, call, "replication.promote", services.instance.node_id(), {});
    reply(json());
  }
  std::string json() const {
    json::Writer out;
    out.begin_object().member("success", true).member("id", services.instance.node_id());
    out.member("role", role_of(leadership.leads())).member("forced", force);
    out.key("previous");
    if (previous.empty()) {
      out.null();
    } else {
      out.value(previous);
    }
    return out.end_object().take();
  }
};

// Timer thread.
void wait_until_it_leads(const std::shared_ptr<Promotion>& promotion) {
  if (promotion->leadership.leads()) return promotion->succeed();
  auto& services = promotion->services;
  const auto now = services.clock.mono();
  if (now >= promotion->until) {
    return promotion->refuse(Error{Code::conflict, "lease_lost_again",
                                   "Another coordinator took the lease meanwhile",
                                   "replication.status says which"});
  }
  services.timers.set(now + kLookAgain, [promotion] { wait_until_it_leads(promotion); });
}

void promote(Services& services, const rpc::Call& call, const rpc::Reply& reply) {
  rpc::Payload payload(call.payload());
  const bool force = payload.flag("force", false);
  if (const auto fine = payload.done(); !fine) return reply(fine.error());
  auto* leadership = services.instance.leadership();
  if (leadership == nullptr || !services.instance.health().applying) {
    return reply(Error{Code::unavailable,
                       "replica_not_ready",
                       "This coordinator cannot lead now",
                       "it has not caught up with the log",
                       {},
                       Millis{1'000}});
  }
  const auto promotion = std::make_shared<Promotion>(
      Promotion{services, *leadership, reply, "", force, services.clock.mono() + kLeadsWait, call});
  log::warn("promotion_asked", {{"key", call.principal().key_id}, {"force", force ? "yes" : "no"}});
  if (leadership->leads()) return reply(promotion->json());
  const auto claimed = [promotion](const Result<void>& taken) {
    if (!taken) return promotion->refuse(taken.error());
    wait_until_it_leads(promotion);
  };
  if (force) return leadership->take(claimed);
  Result<std::string> previous = std::string();
  if (services.nodes != nullptr) {
    previous = services.nodes->hand_over(leadership->holder(), kHandOverWait);
  }
  const bool silent = !previous && previous.error().reason == "leader_silent";
  if (!previous && !silent) return promotion->refuse(previous.error());
  if (previous) promotion->previous = *previous;
  // Nobody answered: it is well if nobody leads.
  leadership->claim([claimed, silent, previous](const Result<void>& taken) {
    const bool held = !taken && taken.error().reason == "lease_held";
    claimed(held && silent ? Result<void>(previous.error()) : taken);
  });
}

// --- resync --------------------------------------------------------------------------------------

void resync(Services& services, const rpc::Call& call, const rpc::Reply& reply) {
  rpc::Payload payload(call.payload());
  const auto log = payload.text("log", 16).value_or("jobs");
  if (log != "jobs" && log != "data") payload.complain("log", "must be jobs or data");
  if (const auto fine = payload.done(); !fine) return reply(fine.error());
  auto* instance = log == "jobs" ? &services.instance : services.data;
  if (instance == nullptr) {
    return reply(Error{Code::unavailable, "structures_off",
                       "Data structures are turned off on this coordinator.",
                       "The setting is named structures."});
  }
  log::warn("resync_asked", {{"key", call.principal().key_id}, {"log", log}});
  const auto log_last = instance->health().log_last;
  const auto id = instance->node_id();
  instance->resync([&services, call, reply, log, log_last, id](const Result<void>& begun) {
    record(services, call, "replication.resync", id + "/" + log, begun);
    if (!begun) return reply(begun.error());
    json::Writer out;
    out.begin_object().member("success", true).member("id", id).member("log", log);
    reply(out.member("log_last", log_last).end_object().take());
  });
}

}  // namespace

void add_replication_rpc(rpc::CommandTable& table, Services& services) {
  table.push_back({.name = "replication.status",
                   .scope = auth::Scope::health_read,
                   .summary = "How far the coordinators are with the log",
                   .answer = "id, role, state, log_last, applied, lag_entries, lag_ms, replicas",
                   .handler = [&services](const rpc::Call&, const rpc::Reply& reply) {
                     reply(replication_status(services));
                   }});
  table.push_back(
      {.name = "replication.promote",
       .scope = auth::Scope::admin,
       .summary = "The coordinator that is asked leads from now on: the leader hands over to it",
       .payload = {{"force", "do not ask the leader: it is dead, or cut off"}},
       .answer = "success, id, role, forced, previous: who handed over, or null",
       .handler = [&services](const rpc::Call& call, const rpc::Reply& reply) {
         promote(services, call, reply);
       }});
  table.push_back(
      {.name = "replication.resync",
       .scope = auth::Scope::admin,
       .summary =
           "The coordinator that is asked drops its state and builds it anew from the newest "
           "snapshot and the log",
       .payload = {{"log", "jobs (default), or data: that of the data structures"}},
       .answer = "success, id, log, log_last: as soon as it has begun",
       .handler = [&services](const rpc::Call& call, const rpc::Reply& reply) {
         resync(services, call, reply);
       }});
}

}  // namespace weir::api
