#include "tests/sim/referee.hpp"

#include "jobs/kept.hpp"
#include "tests/sim/fleet.hpp"

namespace weir::sim {
namespace {

using jobs::Status;

// Simulated workers that ask for types bear them in their names: "worker-3_t1_t2".
Wish wish_of(const std::string& worker) {
  Wish out{.types = {}, .worker = worker, .labels = labels_of(worker)};
  for (auto at = worker.find('_'); at != std::string::npos;) {
    const auto end = worker.find('_', at + 1);
    out.types.push_back(worker.substr(at + 1, end == std::string::npos ? end : end - at - 1));
    at = end;
  }
  return out;
}

}  // namespace

void Referee::begin(const SeenOperation& operation) {
  operation_ = operation;
  leased_ = 0;
  others_ready_ = any_ = false;
  if (operation.name == "jobs.limits" && operation.accepted) {
    limit_ = operation.body.find("concurrency").as_int().value_or(0);
  }
  if (operation.name == "jobs.worker_drain" && operation.accepted) {
    const auto worker = operation.body.find("worker").as_string().value_or("");
    draining_.erase(worker);
    if (operation.body.find("drain").as_bool().value_or(false)) draining_.insert(worker);
  }
  rules_.begin(operation);
}

void Referee::changed(const QueueChange& change) {
  any_ = true;
  if (change.gone) {
    if (const auto left = jobs_of_[change.id]; left != 0) {
      violations_.push_back("revision " + std::to_string(operation_.revision) + ": queue " +
                            change.name + " was removed with " + std::to_string(left) + " jobs");
    }
    queues_.erase(change.id);
  } else {
    queues_[change.id].set(change);
  }
}

void Referee::complain(const JobChange& change, const std::string& what) {
  if (violations_.size() >= 20) return;
  violations_.push_back("revision " + std::to_string(operation_.revision) + " (" +
                        std::string(operation_.name) + "): job " + change.id + " of row " +
                        std::to_string(change.row) + " " + what);
}

void Referee::changed(const JobChange& change) {
  any_ = true;
  auto& queue = queues_[change.queue];
  jobs_of_[change.queue] += (change.to ? 1 : 0) - (change.from ? 1 : 0);
  if (change.from == Status::processing) --running_;
  if (change.to == Status::processing) judge_lease(queue, change);
  if (change.to == Status::unprocessed) others_ready_ = true;
  queue.apply(change, operation_.now);
  const bool was_kept = operation_.body.raw().starts_with(jobs::kAcceptedHead);
  if (!change.from && !was_kept && rules_.submitted_now(change.id)) {
    const auto why = queue.too_many(change);
    if (!why.empty()) complain(change, "was accepted although " + why);
  }
  for (const auto& what : rules_.changed(change)) complain(change, what);
}

void Referee::judge_lease(QueueModel& queue, const JobChange& change) {
  ++leased_;
  ++running_;
  if (limit_ > 0 && running_ > limit_) {
    complain(change, "is one of " + std::to_string(running_) + " that run, the limit of all is " +
                         std::to_string(limit_));
  }
  if (draining_.contains(change.worker)) {
    complain(change, "was leased by " + change.worker + ", which is draining");
  }
  const auto why = queue.wrong_lease(change, wish_of(change.worker), operation_.now);
  if (!why.empty()) {
    complain(change,
             "of queue " + queue.name() + " was leased by " + change.worker + " although " + why);
  }
  granted_[{change.id, change.fence}] = operation_.revision;
}

void Referee::end() {
  if (!operation_.accepted) {
    if (any_) violations_.push_back("a refused " + std::string(operation_.name) + " changed jobs");
    return;
  }
  if (operation_.name == "jobs.lease" || operation_.name == "jobs.message_consume") {
    judge_rest(operation_.body);
  }
  if (operation_.name != "jobs.work") return;
  if (const auto call = operation_.body.find("lease"); !call.is_missing()) judge_rest(call);
}

// Who asks for jobs and could have more of them gets them.
void Referee::judge_rest(json::View call) {
  if (others_ready_ || leased_ >= call.find("max").as_int().value_or(1)) return;
  if (limit_ > 0 && running_ >= limit_) return;
  const auto worker = call.find("worker").as_string().value_or("");
  if (draining_.contains(worker)) return;
  const auto wish = wish_of(worker);
  for (const auto name : call.find("queues").elements()) {
    for (auto& [id, queue] : queues_) {
      if (queue.name() != name.as_string() || !queue.full(operation_.now).empty()) continue;
      const auto row = queue.next(wish, operation_.now);
      if (!row) continue;
      violations_.push_back("revision " + std::to_string(operation_.revision) + ": row " +
                            std::to_string(*row) + " of queue " + queue.name() +
                            " was not leased to who asked for more");
    }
  }
}

std::uint64_t Referee::granted(const std::string& job, std::int64_t fence) const {
  const auto found = granted_.find({job, fence});
  return found == granted_.end() ? 0 : found->second;
}

}  // namespace weir::sim
