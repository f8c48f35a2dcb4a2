#include "tests/sim/job_rules.hpp"

#include <algorithm>
#include <iterator>

namespace weir::sim {
namespace {

using jobs::Status;

std::string text(json::View view, std::string_view name) {
  return view.find(name).as_string().value_or("");
}

bool ended(std::optional<Status> status) {
  return status && jobs::is_finished(*status);
}

}  // namespace

void JobRules::begin(const SeenOperation& operation) {
  operation_ = operation;
  asked_.clear();
  constexpr std::string_view kAsking[] = {"jobs.submit", "jobs.batch_create",
                                          "jobs.message_publish"};
  if (std::ranges::find(kAsking, operation.name) == std::end(kAsking)) return;
  if (const auto job = operation.body.find("job"); !job.is_missing()) ask(job);
  for (const auto job : operation.body.find("jobs").elements()) ask(job);
}

void JobRules::ask(json::View job) {
  Asked asked;
  const auto unique = job.find("unique");
  if (!unique.is_missing()) {
    asked.unique = text(unique, "key");
    asked.scope = text(unique, "scope");
    asked.ttl_ms = unique.find("ttl_ms").as_int().value_or(0);
  }
  for (const auto parent : job.find("depends_on").elements()) {
    asked.parents.push_back(parent.as_string().value_or(""));
  }
  const auto policy = text(job, "on_failure");
  asked.fails_with_parents = policy.empty() || policy == "fail";
  asked_.emplace(text(job, "id"), std::move(asked));
}

std::vector<std::string> JobRules::changed(const JobChange& change) {
  std::vector<std::string> out;
  Job& job = change.from ? jobs_[change.row] : come(change, out);
  judge_time(change, out);
  if (change.to == Status::processing) judge_start(change, job, out);
  if (!change.to) {
    if (!ended(change.from)) tell_children(change.row, false);
    std::erase_if(holders_, [&](const auto& item) { return item.second == change.row; });
    rows_.erase(change.id);
    jobs_.erase(change.row);
    return out;
  }
  const bool again = ended(change.from) && !ended(change.to);
  job.status = *change.to;
  if (ended(change.to)) job.may_expire = false;
  if (change.from) judge_unique(change, job);
  if (again) wait_for_parents(change.row, job);
  if (ended(change.to) && !ended(change.from)) {
    tell_children(change.row, change.to == Status::completed);
  }
  return out;
}

// --- a new job -----------------------------------------------------------------------------------

JobRules::Job& JobRules::come(const JobChange& change, std::vector<std::string>& out) {
  Job& job = jobs_[change.row];
  job.id = change.id;
  job.status = *change.to;
  if (!rows_.emplace(change.id, change.row).second) out.emplace_back("is there twice");
  const auto asked = asked_.find(change.id);
  if (asked == asked_.end()) return job;  // a run of a schedule, a callback, a copy
  job.asked = asked->second;
  for (const auto& id : job.asked.parents) {
    const auto parent = rows_.find(id);
    if (parent != rows_.end()) job.parents.push_back(parent->second);
  }
  wait_for_parents(change.row, job);
  if (job.asked.fails_with_parents) {
    for (const auto parent : job.parents) {
      const auto status = jobs_[parent].status;
      job.doomed = job.doomed || (ended(status) && status != Status::completed);
    }
  }
  if (job.asked.unique.empty()) return job;
  if (job.asked.scope == "ttl") job.until = operation_.now + job.asked.ttl_ms;
  const Key key{change.queue, job.asked.unique};
  if (const auto other = holder(key)) {
    out.push_back("was accepted although job " + jobs_[*other].id + " holds the unique key " +
                  job.asked.unique);
  }
  holders_[key] = change.row;
  return job;
}

// --- unique keys ---------------------------------------------------------------------------------

bool JobRules::in_scope(const Job& job) const {
  if (job.asked.scope == "queued") return job.status <= Status::unprocessed;
  if (job.asked.scope == "active") return !jobs::is_finished(job.status);
  if (job.asked.scope == "ttl") return job.until && *job.until > operation_.now;
  return true;
}

// Who has the key now. A time to live ends by itself.
std::optional<std::int64_t> JobRules::holder(const Key& key) {
  const auto found = holders_.find(key);
  if (found == holders_.end()) return std::nullopt;
  if (jobs_[found->second].until && !in_scope(jobs_[found->second])) {
    holders_.erase(found);
    return std::nullopt;
  }
  return found->second;
}

// Who comes back into its scope has the key again when nobody else has it.
void JobRules::judge_unique(const JobChange& change, Job& job) {
  if (job.asked.unique.empty()) return;
  const Key key{change.queue, job.asked.unique};
  const auto now = holder(key);
  const bool inside = in_scope(job);
  if (now == change.row && !inside) holders_.erase(key);
  if (!now && inside) holders_[key] = change.row;
}

// --- parents -------------------------------------------------------------------------------------

// For those that have not ended.
void JobRules::wait_for_parents(std::int64_t row, Job& job) {
  job.doomed = false;
  job.waits_for.clear();
  for (const auto parent : job.parents) {
    const auto found = jobs_.find(parent);
    if (found == jobs_.end() || jobs::is_finished(found->second.status)) continue;
    job.waits_for.insert(parent);
    children_[parent].insert(row);
  }
}

void JobRules::tell_children(std::int64_t parent, bool success) {
  const auto found = children_.find(parent);
  if (found == children_.end()) return;
  for (const auto row : found->second) {
    const auto child = jobs_.find(row);
    if (child == jobs_.end() || child->second.waits_for.erase(parent) == 0) continue;
    if (!success && child->second.asked.fails_with_parents) child->second.doomed = true;
  }
  children_.erase(found);
}

// --- leases and times ----------------------------------------------------------------------------

void JobRules::judge_start(const JobChange& change, const Job& job,
                           std::vector<std::string>& out) const {
  for (const auto parent : job.waits_for) {
    const auto found = jobs_.find(parent);
    out.push_back("ran before its parent " +
                  (found == jobs_.end() ? std::to_string(parent) : found->second.id) + " ended");
  }
  if (job.doomed) out.emplace_back("ran although a parent of it failed");
  const json::View options{change.options};
  const auto expires = options.find("expires_at").as_int();
  if (expires && job.may_expire && *expires <= operation_.now) {
    out.emplace_back("ran after its expires_at");
  }
  const auto timeout = options.find("timeout_ms").as_int();
  if (timeout && change.started_at && change.deadline &&
      *change.deadline > *change.started_at + *timeout) {
    out.emplace_back("may run longer than its timeout_ms");
  }
}

void JobRules::judge_time(const JobChange& change, std::vector<std::string>& out) const {
  if (operation_.name != "jobs.tick") return;
  const bool due = change.from == Status::scheduled && change.to == Status::unprocessed;
  if (due && change.due_before.value_or(0) > operation_.now) {
    out.push_back("became ready " + std::to_string(*change.due_before - operation_.now) +
                  " ms too early");
  }
  if (change.from != Status::processing) return;
  const bool over = change.deadline_before.value_or(0) <= operation_.now ||
                    (change.cancel_before != 0 && change.cancel_before <= operation_.now);
  if (!over) out.emplace_back("lost its lease before the deadline");
}

}  // namespace weir::sim
