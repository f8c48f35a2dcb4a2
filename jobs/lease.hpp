// Leasing: the picker and the assignment to parked waiters.
#pragma once

#include <string>

#include "jobs/filtered_picker.hpp"
#include "jobs/picker.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {

class Leaser {
 public:
  explicit Leaser(Step& step) : step_(step) {}

  // jobs.lease: a LeaseCall, and {"node","waiter","wait_ms"} to be parked when nothing is ready.
  // Errors: too_many_requests / too_many_waiters.
  Result<std::string> apply(json::View body);

  // Whether a call that would wait can be parked. Errors: too_many_requests / too_many_waiters.
  Result<void> check_room(json::View body) const;

  // Leases what is ready to the caller, else parks it. Appends the array of jobs to `out`, for a
  // worker that is draining an empty one and the member that says so; true when parked.
  // check_room() has passed.
  bool lease_or_park(json::View body, std::string& out);

  // Serves the parked waiters of every queue that got ready jobs in this operation.
  void serve_waiters();

 private:
  struct Picked {
    std::int64_t row = 0;
    std::int64_t fence = 0;
    std::int64_t granted_ms = 0;
    std::int64_t priority = 0;
    std::int64_t noted = 0;
    std::int64_t ends_by = 0;   // of the attempt's timeout; 0: none
    std::int64_t deadline = 0;  // unix ms
    std::int64_t since = 0;     // ready, unix ms
    std::string key = {};
  };

  // Leases at most call.max jobs, appending them to `out` as JSON objects (when `wanted`).
  std::int64_t grant(const LeaseCall& call, bool wanted, std::string& out);
  std::int64_t grant_from(Queue& queue, const LeaseCall& call, std::int64_t max, bool wanted,
                          std::string& out);
  std::int64_t lease_plain(Queue& queue, const LeaseCall& call, std::int64_t max, bool wanted,
                           std::string& out);
  std::int64_t lease_filtered(Queue& queue, const LeaseCall& call, FilteredPicker picker,
                              std::int64_t max, bool wanted, std::string& out);
  void lease_row(Queue& queue, const LeaseCall& call, std::int64_t row, bool wanted,
                 std::string& out);
  void lease_head(Queue& queue, const LeaseCall& call, const Picker::Choice& choice, bool wanted,
                  std::string& out);
  Picked pick(const Queue& queue, const LeaseCall& call, const sqlite::Statement& rows, bool wanted,
              std::string& out);
  void take(Queue& queue, const LeaseCall& call, Worker& worker, const Picked& picked);
  void append_job(std::string& out, const Queue& queue, const LeaseCall& call,
                  const sqlite::Statement& row, const Picked& picked, std::string_view payload);
  void append_deadline(std::string& out, std::int64_t deadline);
  void wake_all();
  void serve(Queue& queue);

  Step& step_;
  std::vector<Picked> picked_;
  std::size_t reply_bytes_ = 0;  // payloads leased so far in this call
  std::int64_t formatted_deadline_ = 0;
  std::string deadline_text_;
};

}  // namespace weir::jobs
