#include "jobs/lease_book.hpp"

#include <algorithm>

#include "jobs/job_row.hpp"
#include "jobs/schema.hpp"

namespace weir::jobs {

void LeaseBook::load(sqlite::Database& db, QueueBook& queues, WorkerBook& workers) {
  leases_.clear();
  by_end_.clear();
  auto rows = db.prepare(
      "SELECT row,fence,nonce,deadline,cancel_at,granted_ms,worker,parts,started_at,options,key"
      " FROM jobs"
      " WHERE status=3 AND status<>2 AND queue=?1");
  for (const auto& [id, queue] : queues.all()) {
    if (queue->count(Status::processing) == 0) continue;
    rows.bind_all(id);
    while (rows.step()) {
      Worker& worker = workers.get(rows.text(6));
      workers.started(worker);
      if ((rows.int64(7) & kKeyed) != 0) queue->lanes->restore_running(rows.text(10));
      add(rows.int64(0),
          Lease{.queue = queue.get(),
                .worker = &worker,
                .fence = rows.int64(1),
                .nonce = rows.int64(2),
                .lease_ms = rows.int64(5),
                .deadline = rows.int64(3),
                .ends_by =
                    (rows.int64(7) & kTimedBit) != 0 ? rows.int64(8) + timeout_of(rows.text(9)) : 0,
                .followed = rows.int64(7) & kNoted,
                .cancel_at = rows.int64(4),
                .started_at = rows.int64(8),
                .key = std::string(rows.text(10))});
    }
    rows.run();
  }
}

void LeaseBook::add(std::int64_t row, Lease lease) {
  by_end_.emplace(lease.ends_at(), row);
  leases_.insert_or_assign(row, std::move(lease));
}

Lease* LeaseBook::find(std::int64_t row) {
  const auto found = leases_.find(row);
  return found == leases_.end() ? nullptr : &found->second;
}

Lease* LeaseBook::find(const Token& token) {
  Lease* lease = find(token.row);
  if (lease == nullptr || lease->fence != token.fence || lease->nonce != token.nonce) {
    return nullptr;
  }
  return lease;
}

void LeaseBook::remove(std::int64_t row) {
  const auto found = leases_.find(row);
  if (found == leases_.end()) return;
  by_end_.erase({found->second.ends_at(), row});
  leases_.erase(found);
}

void LeaseBook::set_deadline(std::int64_t row, Lease& lease, std::int64_t deadline) {
  by_end_.erase({lease.ends_at(), row});
  lease.deadline = deadline;
  by_end_.emplace(lease.ends_at(), row);
}

void LeaseBook::set_cancel(std::int64_t row, Lease& lease, std::int64_t cancel_at) {
  by_end_.erase({lease.ends_at(), row});
  lease.cancel_at = cancel_at;
  by_end_.emplace(lease.ends_at(), row);
}

void LeaseBook::extend(sqlite::Database& db, std::int64_t now, std::int64_t gap,
                       std::int64_t revision) {
  auto write = db.prepare("UPDATE jobs SET deadline=?2,revision=?3 WHERE row=?1");
  for (auto& [row, lease] : leases_) {
    const auto deadline = std::min(lease.deadline + gap, lease.extended(now));
    if (lease.deadline < now - gap || deadline <= lease.deadline) continue;
    set_deadline(row, lease, deadline);
    write.bind_all(row, deadline, revision).run();
  }
}

std::pair<std::int64_t, std::int64_t> LeaseBook::first() const {
  return by_end_.empty() ? std::pair{kNever, std::int64_t{0}} : *by_end_.begin();
}

}  // namespace weir::jobs
