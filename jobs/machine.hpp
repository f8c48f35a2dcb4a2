// Machine: the replicated job state machine, prefix "jobs". Given the same operations it makes the
// same tables on every replica; its memory (queues, leases, waiters, workers) mirrors the tables.
//
// Operations (bodies are made by jobs/requests.hpp): submit, lease, work, complete, fail, release,
// heartbeat, cancel, cancel_many, retry, promote, remove, purge, pause, resume, limits,
// queue_config, queue_remove, dlq_redrive, dlq_purge, schedule_set, schedule_remove,
// schedule_pause, schedule_resume, schedule_trigger, schedule_backfill, schedule_fire,
// batch_create, batch_seal, batch_cancel, worker_drain, waiter_close, node_started,
// tick.
//
// Thread rule: as StateMachine; stats() is thread-safe.
// Errors answered by apply(): conflict / lease_lost, job_not_cancellable, job_not_retryable,
// job_not_scheduled, job_not_finished, queue_not_empty; not_found / job_not_found,
// queue_not_found, schedule_not_found, batch_not_found, worker_not_found; conflict / no_workers,
// too_many_workers, job_id_taken, schedule_changed, run_refused, batch_sealed,
// batch_not_cancellable, webhook_sender_replaced, webhook_not_set; invalid /
// webhook_without_secret; too_many_requests / too_many_queues, too_many_waiters,
// too_many_schedules, too_many_batches, queue_full; internal / unknown_operation.
#pragma once

#include <memory>

#include "jobs/stats.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::jobs {

class Machine final : public replica::StateMachine {
 public:
  Machine();
  ~Machine() override;

  std::string_view prefix() const override { return "jobs"; }
  std::span<const sqlite::Migration> migrations() const override;
  void open(sqlite::Database& db) override;
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override;
  // Nobody could renew a lease while nothing could be written.
  void after_gap(Millis gap, replica::ApplyContext& context) override;
  void before_commit(sqlite::Database& db) override;
  void after_commit() override;
  std::optional<Timestamp> next_due() const override;
  std::optional<Timestamp> next_proposal() const override;
  replica::Proposals proposals(sqlite::Database& db, Timestamp log_time) const override;

  const StatsBoard& stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::jobs
