#include "jobs/schema.hpp"

#include <array>

namespace weir::jobs {
namespace {

constexpr std::string_view kFirst = R"(
CREATE TABLE job_queues(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  paused INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  config TEXT NOT NULL);

CREATE TABLE jobs(
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  queue INTEGER NOT NULL,
  status INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  at INTEGER,
  attempt INTEGER NOT NULL,
  max_attempts INTEGER,
  lease_ms INTEGER,
  granted_ms INTEGER,
  created_at INTEGER NOT NULL,
  run_at INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  deadline INTEGER,
  cancel_at INTEGER,
  fence INTEGER NOT NULL,
  nonce INTEGER,
  revision INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  worker TEXT,
  type TEXT,
  key TEXT,
  target TEXT,
  options TEXT,
  error TEXT,
  result TEXT,
  payload TEXT);

CREATE UNIQUE INDEX jobs_id ON jobs(id);
CREATE INDEX jobs_ready ON jobs(queue, target, priority DESC, key) WHERE status=2;
CREATE INDEX jobs_types ON jobs(queue, target, type, priority DESC, key)
  WHERE status=2 AND type IS NOT NULL;
CREATE INDEX jobs_state ON jobs(status, queue, at) WHERE status<>2;

CREATE TABLE job_blobs(key INTEGER PRIMARY KEY, data TEXT NOT NULL);

CREATE TABLE job_attempts(
  job INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER NOT NULL,
  worker TEXT,
  error TEXT,
  PRIMARY KEY(job, fence)) WITHOUT ROWID;

CREATE TABLE job_logs(
  job INTEGER NOT NULL,
  line INTEGER NOT NULL,
  at INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  level INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY(job, line)) WITHOUT ROWID;
CREATE TABLE job_log_sums(
  job INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  next INTEGER NOT NULL,
  bytes INTEGER NOT NULL);

CREATE TABLE job_counts(
  queue INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(queue, kind)) WITHOUT ROWID;

CREATE TABLE job_lanes(
  queue INTEGER NOT NULL,
  key TEXT NOT NULL,
  turn INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  PRIMARY KEY(queue, key)) WITHOUT ROWID;

CREATE TABLE job_totals(kind INTEGER PRIMARY KEY, count INTEGER NOT NULL);

CREATE TABLE job_waiters(
  seq INTEGER PRIMARY KEY,
  node TEXT NOT NULL,
  waiter TEXT NOT NULL,
  until INTEGER NOT NULL,
  request TEXT NOT NULL,
  UNIQUE(node, waiter));

CREATE TABLE job_events(
  revision INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  queue INTEGER NOT NULL,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  job TEXT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY(revision, ordinal)) WITHOUT ROWID;
CREATE INDEX job_events_job ON job_events(job, revision, ordinal);
CREATE TABLE job_event_queues(queue INTEGER PRIMARY KEY, since INTEGER NOT NULL);

CREATE TABLE job_workers(
  name TEXT PRIMARY KEY,
  last_seen INTEGER NOT NULL,
  running INTEGER NOT NULL,
  labels TEXT NOT NULL,
  queues TEXT NOT NULL,
  drained_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE job_webhooks(
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  queue TEXT NOT NULL,
  subject TEXT NOT NULL,
  word TEXT NOT NULL,
  url TEXT NOT NULL,
  state INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  since INTEGER NOT NULL,
  due INTEGER,
  attempts INTEGER NOT NULL,
  ended_at INTEGER,
  last_at INTEGER,
  http_status INTEGER,
  error TEXT NOT NULL,
  event TEXT NOT NULL);
CREATE UNIQUE INDEX job_webhooks_id ON job_webhooks(id);
CREATE INDEX job_webhooks_due ON job_webhooks(queue, due) WHERE state=0;
CREATE INDEX job_webhooks_ended ON job_webhooks(state, ended_at) WHERE state<>0;
CREATE INDEX job_webhooks_dead ON job_webhooks(queue, ended_at) WHERE state=2;
CREATE TABLE job_webhook_sender(
  id INTEGER PRIMARY KEY,
  node TEXT NOT NULL,
  term INTEGER NOT NULL);

CREATE TABLE job_unique(
  job INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  key TEXT NOT NULL,
  scope INTEGER NOT NULL,
  until INTEGER,
  holds INTEGER NOT NULL);
CREATE UNIQUE INDEX job_unique_key ON job_unique(queue, key) WHERE holds=1;

CREATE TABLE job_expiries(
  job INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  waits INTEGER NOT NULL);
CREATE INDEX job_expiries_due ON job_expiries(at) WHERE waits=1;

CREATE TABLE job_retentions(job INTEGER PRIMARY KEY, at INTEGER NOT NULL);
CREATE INDEX job_retentions_due ON job_retentions(at);

CREATE TABLE job_owners(job INTEGER PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE job_quotas(key TEXT PRIMARY KEY, waiting INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE job_redrives(
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  state INTEGER NOT NULL,
  queue TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  request TEXT NOT NULL,
  ids INTEGER,
  due INTEGER,
  paid_at INTEGER NOT NULL,
  cursor TEXT NOT NULL,
  redriven INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  failed INTEGER NOT NULL);
CREATE INDEX job_redrives_due ON job_redrives(due, row) WHERE due IS NOT NULL;
CREATE TABLE job_redrive_ids(
  redrive INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY(redrive, seq)) WITHOUT ROWID;

CREATE TABLE job_parents(
  child INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  id TEXT NOT NULL,
  policy INTEGER NOT NULL,
  counted INTEGER,
  PRIMARY KEY(child, parent)) WITHOUT ROWID;
CREATE INDEX job_parents_children ON job_parents(parent, child) WHERE counted IS NULL;
CREATE INDEX job_parents_waiting ON job_parents(child, parent) WHERE counted IS NULL;
CREATE TABLE job_releases(parent INTEGER PRIMARY KEY, status INTEGER NOT NULL);

CREATE TABLE job_batches(
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT,
  state INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  seal_at INTEGER NOT NULL,
  sealed_at INTEGER,
  ended_at INTEGER,
  cancel_at INTEGER,
  swept INTEGER NOT NULL,
  home TEXT,
  due INTEGER,
  revision INTEGER NOT NULL,
  kept INTEGER NOT NULL,
  removed INTEGER NOT NULL,
  scheduled INTEGER NOT NULL,
  blocked INTEGER NOT NULL,
  unprocessed INTEGER NOT NULL,
  processing INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  dlq INTEGER NOT NULL);
CREATE INDEX job_batches_state ON job_batches(state, row);
CREATE INDEX job_batches_due ON job_batches(due, row) WHERE due IS NOT NULL;
CREATE TABLE job_batch_callbacks(
  batch INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  submitted_at INTEGER,
  id TEXT NOT NULL,
  queue TEXT NOT NULL,
  job TEXT NOT NULL,
  PRIMARY KEY(batch, kind)) WITHOUT ROWID;
CREATE TABLE job_batch_queues(
  batch INTEGER NOT NULL,
  queue TEXT NOT NULL,
  PRIMARY KEY(batch, queue)) WITHOUT ROWID;
CREATE TABLE job_members(job INTEGER PRIMARY KEY, batch INTEGER NOT NULL);
CREATE INDEX job_members_batch ON job_members(batch, job);

CREATE TABLE job_idempotency(
  row INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  part INTEGER NOT NULL,
  digest TEXT NOT NULL,
  job INTEGER,
  until INTEGER,
  answer TEXT NOT NULL);
CREATE UNIQUE INDEX job_idempotency_key ON job_idempotency(owner, key, part);
CREATE INDEX job_idempotency_job ON job_idempotency(job) WHERE job IS NOT NULL;
CREATE INDEX job_idempotency_until ON job_idempotency(until) WHERE until IS NOT NULL;

CREATE TABLE job_schedules(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  generation INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  spec TEXT NOT NULL,
  next_at INTEGER,
  last_at INTEGER,
  last_job TEXT,
  runs INTEGER NOT NULL,
  missed INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  waiting TEXT,
  problem TEXT);
CREATE INDEX job_schedules_next ON job_schedules(next_at) WHERE next_at IS NOT NULL;

CREATE TABLE job_schedule_runs(
  schedule INTEGER NOT NULL,
  at INTEGER NOT NULL,
  job INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  active INTEGER NOT NULL,
  PRIMARY KEY(schedule, at, job)) WITHOUT ROWID;
CREATE UNIQUE INDEX job_schedule_runs_job ON job_schedule_runs(job);
CREATE INDEX job_schedule_runs_active ON job_schedule_runs(schedule) WHERE active=1;

CREATE TABLE job_large(
  job INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  first INTEGER NOT NULL,
  stream TEXT NOT NULL,
  chunks TEXT NOT NULL,
  PRIMARY KEY(job, kind)) WITHOUT ROWID;
CREATE INDEX job_large_first ON job_large(first);
CREATE TABLE job_large_unused(
  first INTEGER PRIMARY KEY,
  stream TEXT NOT NULL,
  chunks TEXT NOT NULL);
)";

constexpr std::array<sqlite::Migration, 1> kMigrations{{{1, kFirst}}};

}  // namespace

std::span<const sqlite::Migration> job_migrations() {
  return kMigrations;
}

}  // namespace weir::jobs
