// LeaseBook: who holds which job until when. Mirrors the rows with status processing, so that a
// completion needs no read and lease deadlines need no index.
//
// Thread rule: the applier thread only.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>

#include "jobs/queue_book.hpp"
#include "jobs/token.hpp"
#include "jobs/worker_book.hpp"

namespace weir::jobs {

struct Lease {
  Queue* queue = nullptr;
  Worker* worker = nullptr;
  std::int64_t fence = 0;
  std::int64_t nonce = 0;
  std::int64_t lease_ms = 0;   // a heartbeat extends by this
  std::int64_t deadline = 0;   // unix ms
  std::int64_t ends_by = 0;    // unix ms, the end of the attempt's timeout; 0: none
  std::int64_t followed = 0;   // the bits of jobs.parts that are in kNoted
  std::int64_t cancel_at = 0;  // unix ms, when a cancel was asked for; 0: none
  std::int64_t started_at = 0;
  std::string key = {};  // of the job; empty: none
  // What a heartbeat at `now` extends it to.
  std::int64_t extended(std::int64_t now) const {
    return ends_by != 0 && ends_by < now + lease_ms ? ends_by : now + lease_ms;
  }
  // The moment it is revoked.
  std::int64_t ends_at() const {
    return cancel_at != 0 && cancel_at < deadline ? cancel_at : deadline;
  }
};

class LeaseBook {
 public:
  void load(sqlite::Database& db, QueueBook& queues, WorkerBook& workers);
  void add(std::int64_t row, Lease lease);
  // The live lease that the token names; null when it is lost.
  Lease* find(const Token& token);
  Lease* find(std::int64_t row);
  void remove(std::int64_t row);
  void set_deadline(std::int64_t row, Lease& lease, std::int64_t deadline);
  void set_cancel(std::int64_t row, Lease& lease, std::int64_t cancel_at);
  // Time that nobody could use, `gap` ms up to `now`, is given back to the leases that were live
  // when it began; none lasts longer than after a heartbeat at `now`. Writes the rows.
  void extend(sqlite::Database& db, std::int64_t now, std::int64_t gap, std::int64_t revision);
  // The earliest lease to end: {ends_at, row}; {kNever, 0} when there is none.
  std::pair<std::int64_t, std::int64_t> first() const;
  std::size_t size() const { return leases_.size(); }

 private:
  std::unordered_map<std::int64_t, Lease> leases_;
  std::set<std::pair<std::int64_t, std::int64_t>> by_end_;
};

}  // namespace weir::jobs
