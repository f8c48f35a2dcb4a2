// From a client's JSON to operations for the log. Everything that could differ between replicas
// (ids, salts) is chosen here; everything a client can get wrong is refused here, all errors of a
// request at once.
//
// Every View must stand on text that passed json::check(). Errors, with the field named in
// Error::fields ("jobs[3].priority"):
//   bad_request / unknown_field      a member the API does not know
//   bad_request / wrong_type         a member of the wrong JSON type; invalid_request: not an
//   object invalid / invalid_job            a job with values that are not allowed invalid /
//   invalid_request        the same for every other request too_large / payload_too_large payload,
//   result or checkpoint over max_payload_bytes too_large / batch_too_large      an atomic batch
//   that does not fit one log entry
//
// Thread-safe: holds only references to thread-safe generators.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/idempotency.hpp"
#include "jobs/item_error.hpp"
#include "jobs/limits.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/replica/state_machine.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct JobRequestOptions;

// How a queue of messages begins.
struct MessageQueue {
  std::int64_t max_depth = kDefaultMaxDepth;
  Millis ack_deadline = kDefaultLease;
  std::int64_t max_retries = kDefaultMaxRetries;
  std::int64_t default_priority = kDefaultPriority;
};

// Who answers for which message; see jobs/messages.hpp.
struct MessageAnswer {
  std::string queue;
  std::string id;
  std::string key;
  std::optional<std::string> consumer = {};
  std::optional<std::string> socket = {};
};
enum class Requeue : std::uint8_t { yes, no };
// The worker that a consumer is.
std::string message_worker(const MessageAnswer& consumer);

// Who waits when nothing is ready: the node and the id that Instance::open_waiter() was given.
struct LeaseWaiter {
  std::string node;
  std::string waiter;
};

// `wait` > 0: the operation registers the waiter; open it BEFORE proposing. If the reply
// is_parked(), keep the client until a delivery (finish_parked), or time out after `wait` (propose
// waiter_close, answer finish_timed_out). 0: the answer comes at once, no waiter is needed.
struct LeaseRequest {
  replica::Operation operation;
  Millis wait{0};
};

// A batch of jobs, possibly several log entries long.
struct Batch {
  struct Part {
    replica::Operation operation;
    std::vector<std::size_t> items;  // positions in the request, in the operation's order
  };
  struct Rejected {
    std::size_t item;
    Error error;
  };
  std::vector<Part> parts;         // empty when every job was rejected
  std::vector<Rejected> rejected;  // in order
  std::size_t size = 0;            // jobs in the request
};

class Requests {
 public:
  struct Options {
    std::size_t max_payload_bytes = (1U << 20U) - (16U << 10U);   // of one payload, result, ...
    std::size_t max_operation_bytes = (1U << 20U) - (4U << 10U);  // body of one operation
    // This coordinator has a secret for the webhooks of jobs whose queue has none.
    bool signs_webhooks = false;
    // What a waiter is kept beyond its wait, unless its node closes it: long where log time jumps.
    Millis waiter_slack{0};
  };

  Requests(UuidGenerator& ids, Random& random, Options options)
      : ids_(ids), random_(random), options_(options) {}

  // --- jobs ---
  // Reply: {id,status,queue,created_at,revision}, and "duplicate":true as the LAST member when the
  // id was there before (see is_duplicate).
  // With `once` the request happens once; errors: conflict / idempotency_key_reused.
  Result<replica::Operation> submit(json::View body, const Idempotency& once = {}) const;
  // {"jobs":[...],"atomic":false}. Invalid jobs of a batch that is not atomic are `rejected`, the
  // others go on; propose every part, then merge_batch().
  Result<Batch> submit_batch(json::View body, const Idempotency& once = {}) const;
  // One job per line; never atomic; empty lines are skipped. `text` is unchecked: a line that is
  // not JSON is a rejected item.
  Result<Batch> submit_ndjson(std::string_view text, const Idempotency& once = {}) const;
  Result<replica::Operation> cancel(std::string_view id, json::View body) const;
  // {"as_new":false}. Reply {id,status,queue,revision}, with as_new the id of the copy.
  Result<replica::Operation> retry(std::string_view id, json::View body) const;
  Result<replica::Operation> promote(std::string_view id, json::View body) const;
  Result<replica::Operation> remove(std::string_view id) const;
  // Changes a job that waits: priority, run_at or delay_ms, max_attempts, tags, metadata, headers,
  // payload. Reply {id,status,queue,revision}.
  Result<replica::Operation> edit(std::string_view id, json::View body) const;

  // --- batches ---
  // {"id"?,"name"?,"on_success"?,"on_complete"?,"jobs"?,"seal"?,"seal_after_ms"?}. Reply: the
  // batch as get_batch() shows it, "results" with one for each job, and "duplicate":true as the
  // LAST member when the id was there before. The jobs are atomic. With `once` as submit().
  Result<replica::Operation> batch_create(json::View body, const Idempotency& once = {}) const;
  Result<replica::Operation> batch_seal(std::string_view id, json::View body) const;
  Result<replica::Operation> batch_cancel(std::string_view id, json::View body) const;

  // --- leases ---
  // `queues` is the path parameter: one name or a comma list, in order of preference.
  Result<LeaseRequest> lease(std::string_view queues, json::View body,
                             const LeaseWaiter& waiter) const;
  Result<LeaseRequest> work(json::View body, const LeaseWaiter& waiter) const;
  // Replies: {"ok":true}, heartbeat {"ok":true,"deadline":...,"cancel":false}.
  Result<replica::Operation> complete(std::string_view token, json::View body) const;
  Result<replica::Operation> fail(std::string_view token, json::View body) const;
  Result<replica::Operation> release(std::string_view token, json::View body) const;
  Result<replica::Operation> heartbeat(std::string_view token, json::View body) const;

  // --- queues ---
  // Replaces the configuration (PUT). Reply: the queue as get_queue() shows its config.
  Result<replica::Operation> queue_config(std::string_view queue, json::View body) const;
  // {"concurrency":n?}: the limit of all queues together; without it there is none. Reply as
  // get_limits().
  Result<replica::Operation> set_limits(json::View body) const;
  Result<replica::Operation> queue_remove(std::string_view queue) const;  // only without jobs
  Result<replica::Operation> pause(std::string_view queue) const;
  Result<replica::Operation> resume(std::string_view queue) const;
  // Deletes waiting jobs, a bounded number per operation: see next_step().
  Result<replica::Operation> purge(std::string_view queue) const;

  // Deletes the queue with its jobs, a bounded number per operation: see next_step().
  Result<replica::Operation> queue_drop(std::string_view queue) const;

  // --- messages --- see jobs/messages.hpp, which has their replies and errors
  Result<replica::Operation> message_queue(std::string_view queue,
                                           const MessageQueue& settings) const;
  // `job` as for submit().
  Result<replica::Operation> message_publish(json::View job) const;
  // As lease(), of queues that must exist.
  Result<LeaseRequest> message_consume(std::string_view queue, json::View body,
                                       const LeaseWaiter& waiter) const;
  Result<replica::Operation> message_ack(const MessageAnswer& answer) const;
  Result<replica::Operation> message_nack(const MessageAnswer& answer, Requeue requeue) const;

  // --- schedules --- `now`: see schedule_clock()
  // Makes or replaces (PUT). Reply: as get_schedule(). Errors: invalid / invalid_schedule.
  Result<replica::Operation> schedule_set(std::string_view name, json::View body,
                                          Timestamp now) const;
  Result<replica::Operation> schedule_remove(std::string_view name) const;
  Result<replica::Operation> schedule_pause(std::string_view name) const;
  // Runs it now, paused or not. Reply {id,schedule,at,queue,revision}.
  Result<replica::Operation> schedule_trigger(std::string_view name) const;
  // These two read the schedule they change; errors not_found / schedule_not_found.
  static Result<replica::Operation> schedule_resume(sqlite::Database& db, std::string_view name,
                                                    Timestamp now);
  // {"from","to"}: the runs in between, at most kMaxBackfill, none later than now. Reply
  // {schedule,submitted,known,revision}. Errors: invalid / backfill_too_large.
  static Result<replica::Operation> schedule_backfill(sqlite::Database& db, std::string_view name,
                                                      json::View body, Timestamp now);

  // --- dead letters ---
  // {"filter":{"ids":[...]} } or {"filter":{"queue":"q"}}, also {"ids":[...]}, {"queue":"q"}.
  // Bounded per operation: see next_step(). Replies {"redriven":n,...} / {"purged":n,...}.
  Result<replica::Operation> dlq_redrive(json::View body) const;
  Result<replica::Operation> dlq_purge(json::View body) const;
  // {"filter":{...},"rate_per_s"?,"patch"?}; also {"ids":[...]} or {"queue":"q"} for the filter.
  // Reply: as get_redrive(). Errors: too_many_requests / too_many_redrives.
  Result<replica::Operation> redrive_start(json::View body) const;
  static Result<replica::Operation> redrive_cancel(std::string_view id);

  // --- webhooks ---
  // {"ids":[...]} or {"queue":"q"}. Bounded per operation: see next_step(). Replies
  // {"redriven":n,...} / {"purged":n,...}.
  Result<replica::Operation> webhook_redrive(json::View body) const;
  Result<replica::Operation> webhook_purge(json::View body) const;
  Result<replica::Operation> webhook_test(std::string_view queue) const;  // reply {"id",...}

 private:
  JobRequestOptions job_options() const;
  Result<replica::Operation> lease_item(std::string_view name, std::string_view token,
                                        json::View body) const;

  UuidGenerator& ids_;
  Random& random_;
  Options options_;
};

// --- what is not parsed from a client ---
replica::Operation waiter_close(const LeaseWaiter& waiter);
// At start of a node: waiters of its former life are dropped. Propose before serving.
replica::Operation node_started(std::string_view node);
// A worker gets no more jobs, or does again. Reply and errors: jobs/drain.hpp.
replica::Operation worker_drain(std::string_view worker);
replica::Operation worker_undrain(std::string_view worker);
// Of the coordinator that delivers webhooks (jobs/webhooks.hpp).
replica::Operation webhook_lead(std::string_view node);
struct WebhookReport {
  std::string id = {};
  std::int64_t attempt = 0;
  int status = 0;          // 0: no answer
  std::string error = {};  // empty: the receiver took it
  Millis retry_after{0};
  bool final = false;  // trying again is no use
};
replica::Operation webhook_report(std::int64_t term, std::span<const WebhookReport> reports);
// Gives back the jobs of a delivery that nobody took (orphans). Nothing when it holds no job.
std::optional<replica::Operation> release_delivery(std::string_view delivered_json);

// --- what to do with replies ---
bool is_duplicate(std::string_view submit_reply);
bool is_parked(std::string_view reply);
// The HTTP answer of a parked lease or work request: its reply with the delivered jobs, or without.
std::string finish_parked(std::string_view reply, std::string_view delivered_json);
std::string finish_timed_out(std::string_view reply);
// One answer {"results":[...],"revision":n} in the order of the request from the replies of the
// parts. An error only when no job was accepted and no job was rejected for itself.
Result<std::string> merge_batch(const Batch& batch,
                                std::span<const Result<replica::Reply>> replies);
// A purge or redrive that reached its bound answers "more":true: propose the next operation and add
// up. Empty when it was the last.
struct Bulk {
  std::int64_t done = 0;                   // rows changed by this step
  std::optional<replica::Operation> next;  // the rest
};
Bulk next_step(const replica::Operation& operation, std::string_view reply);

}  // namespace weir::jobs
