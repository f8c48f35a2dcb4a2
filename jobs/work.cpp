#include "jobs/work.hpp"

#include "jobs/drain.hpp"
#include "jobs/item_error.hpp"
#include "jobs/lease.hpp"

namespace weir::jobs {
namespace {

std::uint64_t salt_of(json::View body) {
  return static_cast<std::uint64_t>(body.find("salt").as_int().value_or(0));
}

void apply_list(Finisher& finisher, FinishItem item, json::View list, std::string& out) {
  bool first = true;
  for (const auto element : list.elements()) {
    if (!first) out += ',';
    first = false;
    const auto done = (finisher.*item)(element, out);
    if (!done) out += item_error(done.error());
  }
}

}  // namespace

Result<std::string> apply_work(Step& step, json::View body) {
  json::View complete, fail, release, heartbeat, lease, worker;
  for (const auto& member : body.members()) {
    if (member.raw_key == "complete") complete = member.value;
    if (member.raw_key == "fail") fail = member.value;
    if (member.raw_key == "release") release = member.value;
    if (member.raw_key == "heartbeat") heartbeat = member.value;
    if (member.raw_key == "lease") lease = member.value;
    if (member.raw_key == "worker") worker = member.value;
  }
  Leaser leaser(step);
  WEIR_TRY(leaser.check_room(lease));
  const auto& who = step.state.workers.seen(step.db, worker.as_string().value_or(""), step.now);
  const bool draining = who.drained_at != 0;
  Finisher finisher(step, salt_of(body));
  std::string out = "\"complete\":[";
  apply_list(finisher, &Finisher::complete, complete, out);
  out += "],\"fail\":[";
  apply_list(finisher, &Finisher::fail, fail, out);
  out += "],\"release\":[";
  apply_list(finisher, &Finisher::release, release, out);
  out += "],\"heartbeat\":[";
  apply_list(finisher, &Finisher::heartbeat, heartbeat, out);
  out += "],\"jobs\":";
  bool parked = false;
  if (lease.is_missing()) {
    out += "[]";
    if (draining) out += kDraining;
  } else {
    leaser.serve_waiters();  // who came before goes before
    parked = leaser.lease_or_park(lease, out);
  }
  return (parked ? "{\"parked\":true," : "{") + out + "}";
}

Result<std::string> apply_item(Step& step, json::View body, FinishItem item) {
  Finisher finisher(step, salt_of(body));
  std::string out;
  WEIR_TRY((finisher.*item)(body, out));
  return out;
}

}  // namespace weir::jobs
