#include "tests/sim/ledger.hpp"

#include <algorithm>

#include "jobs/token.hpp"

namespace weir::sim {

void Ledger::submitted(const std::string& id, Told told) {
  auto& job = jobs_[id];
  job.accepted = job.accepted || told == Told::accepted;
  job.maybe = job.maybe || told == Told::unknown || told == Told::nothing;
}

void Ledger::leased(const std::string& id, const std::string& token, replica::Revision granted,
                    std::int64_t deadline_ms) {
  ++leases_seen_;
  const auto parsed = jobs::parse_token(token);
  if (!parsed) {
    at_once_.push_back("job " + id + " came with the bad token " + token);
    return;
  }
  auto& seen = jobs_[id].leases[parsed->fence];
  if (seen.granted != 0) {
    at_once_.push_back("job " + id + " was leased twice under fence " +
                       std::to_string(parsed->fence));
  }
  seen = {token, granted, deadline_ms, seen.end_tried};
}

void Ledger::extended(const std::string& id, std::int64_t fence, std::int64_t deadline_ms) {
  auto& lease = jobs_[id].leases[fence];
  lease.deadline_ms = std::max(lease.deadline_ms, deadline_ms);
}

std::vector<std::string> Ledger::violations(const Times& times) const {
  std::vector<std::string> out = at_once_;
  for (const auto& [id, job] : jobs_) check_job(id, job, times, out);
  check_once(out);
  check_times(times, out);
  return out;
}

// One key, one job, however often it is asked for (as long as that job is kept).
void Ledger::check_once(std::vector<std::string>& out) const {
  for (const auto& [key, ids] : once_) {
    const bool kept = std::none_of(ids.begin(), ids.end(),
                                   [&](const std::string& id) { return is_allowed_to_go(id); });
    if (ids.size() > 1 && kept) out.push_back(key + " made more than one job");
  }
}

// The test clock is never behind what was asked for. What came before the answer saw no later time
// than it says, what comes after it no earlier one.
void Ledger::check_times(const Times& times, std::vector<std::string>& out) const {
  for (const auto& told : times_told_) {
    const auto after = times.upper_bound(told.revision);
    const bool right = told.now >= told.asked &&
                       (after == times.begin() || std::prev(after)->second <= told.now) &&
                       (after == times.end() || after->second >= told.now);
    if (right) continue;
    out.push_back("at revision " + std::to_string(told.revision) + " the test clock was set to " +
                  std::to_string(told.asked) + " and said " + std::to_string(told.now) +
                  ", which is not what jobs saw");
  }
}

void Ledger::check_job(const std::string& id, const JobRecord& job, const Times& times,
                       std::vector<std::string>& out) const {
  const auto completions = std::count_if(job.answers.begin(), job.answers.end(),
                                         [](const Accepted& answer) { return answer.completed; });
  if (completions > 1) {
    out.push_back("job " + id + " was completed " + std::to_string(completions) + " times");
  }
  for (const auto& answer : job.answers) {
    for (const auto& [fence, lease] : job.leases) {
      const bool newer = fence > answer.fence && lease.granted < answer.revision;
      if (newer) {
        out.push_back("job " + id + ": fence " + std::to_string(answer.fence) +
                      " was accepted at revision " + std::to_string(answer.revision) +
                      " although fence " + std::to_string(fence) + " was granted at " +
                      std::to_string(lease.granted));
      }
      if (answer.completed && lease.granted > answer.revision) {
        out.push_back("job " + id + " was leased at revision " + std::to_string(lease.granted) +
                      " after it was completed at " + std::to_string(answer.revision));
      }
    }
  }
  if (job.cancelled) return;
  for (auto at = job.leases.begin(); at != job.leases.end(); ++at) {
    if (at->second.granted == 0 || at->second.end_tried) continue;
    for (auto later = std::next(at); later != job.leases.end(); ++later) {
      const auto granted = times.find(later->second.granted);
      if (granted == times.end()) continue;  // not a lease of the log: the witness says so
      const auto granted_ms = granted->second;
      if (granted_ms >= at->second.deadline_ms) continue;
      out.push_back("job " + id + " has two live leases: fence " + std::to_string(at->first) +
                    " until " + std::to_string(at->second.deadline_ms) + ", fence " +
                    std::to_string(later->first) + " from " + std::to_string(granted_ms));
    }
  }
}

}  // namespace weir::sim
