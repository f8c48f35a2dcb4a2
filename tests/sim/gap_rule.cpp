#include "tests/sim/gap_rule.hpp"

#include <algorithm>

#include "pkg/json/view.hpp"

namespace weir::sim {
namespace {

constexpr std::int64_t kShortest = 2'000;  // ms that a lease must have been over

}  // namespace

// The alias tells these statements from the product's, whose plans are looked at.
GapRule::GapRule(sqlite::Database& db, const Gap& gap) {
  bool any_over = false;
  auto rows = db.prepare(
      "SELECT row,id,deadline,ifnull(cancel_at,0),granted_ms,started_at,options FROM jobs seen"
      " WHERE status=3");
  while (rows.step()) {
    Lease lease{.job = std::string(rows.text(1)), .deadline = rows.int64(2), .must_be = 0};
    const auto cancel_at = rows.int64(3);
    const auto ends = cancel_at != 0 ? std::min(cancel_at, lease.deadline) : lease.deadline;
    any_over = any_over || ends <= gap.now - kShortest;
    auto longest = gap.now + rows.int64(4);
    const auto timeout = json::View(rows.text(6)).find("timeout_ms").as_int();
    if (timeout) longest = std::min(longest, rows.int64(5) + *timeout);
    const bool was_live = lease.deadline >= gap.now - gap.length;
    lease.must_be = was_live
                        ? std::max(lease.deadline, std::min(lease.deadline + gap.length, longest))
                        : lease.deadline;
    leases_.emplace(rows.int64(0), std::move(lease));
  }
  if (any_over) return;
  for (auto& [row, lease] : leases_) lease.must_be = lease.deadline;
}

std::vector<std::string> GapRule::judge(sqlite::Database& db) const {
  std::vector<std::string> out;
  auto rows = db.prepare("SELECT deadline FROM jobs seen WHERE row=?1 AND status=3");
  for (const auto& [row, lease] : leases_) {
    rows.bind_all(row);
    const auto is = rows.step() ? rows.int64(0) : 0;
    rows.run();
    if (is == lease.must_be) continue;
    out.push_back("after a gap the lease of job " + lease.job + " ends at " + std::to_string(is) +
                  ", not at " + std::to_string(lease.must_be));
  }
  return out;
}

}  // namespace weir::sim
