#include "jobs/machine.hpp"

#include <algorithm>
#include <unordered_map>

#include "jobs/batches.hpp"
#include "jobs/drain.hpp"
#include "jobs/events.hpp"
#include "jobs/followers.hpp"
#include "jobs/kept.hpp"
#include "jobs/large_values.hpp"
#include "jobs/lease.hpp"
#include "jobs/manage.hpp"
#include "jobs/messages.hpp"
#include "jobs/quota.hpp"
#include "jobs/redrives.hpp"
#include "jobs/schedule_due.hpp"
#include "jobs/scheduler.hpp"
#include "jobs/schema.hpp"
#include "jobs/step.hpp"
#include "jobs/submit.hpp"
#include "jobs/tick.hpp"
#include "jobs/webhooks.hpp"
#include "jobs/work.hpp"

namespace weir::jobs {
namespace {

using Handler = Result<std::string> (*)(Step& step, json::View body);

template <Result<std::string> (Manager::*member)(json::View)>
Result<std::string> manage(Step& step, json::View body) {
  return (Manager(step).*member)(body);
}

template <FinishItem member>
Result<std::string> finish(Step& step, json::View body) {
  return apply_item(step, body, member);
}

template <Result<std::string> (Scheduler::*member)(json::View)>
Result<std::string> schedule(Step& step, json::View body) {
  return (Scheduler(step).*member)(body);
}

template <Result<std::string> (Batches::*member)(json::View)>
Result<std::string> batch(Step& step, json::View body) {
  return (Batches(step).*member)(body);
}

template <Result<std::string> (Redrives::*member)(json::View)>
Result<std::string> redrives(Step& step, json::View body) {
  return (Redrives(step).*member)(body);
}

template <Result<std::string> (Webhooks::*member)(json::View)>
Result<std::string> webhook(Step& step, json::View body) {
  return (Webhooks(step).*member)(body);
}

template <Result<std::string> (Messages::*member)(json::View)>
Result<std::string> messages(Step& step, json::View body) {
  return (Messages(step).*member)(body);
}

Result<std::string> submit(Step& step, json::View body) {
  return Submitter(step).apply(body);
}

Result<std::string> lease(Step& step, json::View body) {
  return Leaser(step).apply(body);
}

Result<std::string> tick(Step& step, json::View) {
  return Ticker(step).apply();
}

Result<std::string> waiter_close(Step& step, json::View body) {
  step.state.waiters.close(step.db, body.find("node").as_string().value_or(""),
                           body.find("waiter").as_string().value_or(""));
  return std::string("{\"ok\":true}");
}

Result<std::string> node_started(Step& step, json::View body) {
  step.state.waiters.close_node(step.db, body.find("node").as_string().value_or(""));
  return std::string("{\"ok\":true}");
}

const std::unordered_map<std::string_view, Handler>& handlers() {
  static const std::unordered_map<std::string_view, Handler> table{
      {"jobs.submit", submit},
      {"jobs.lease", lease},
      {"jobs.work", apply_work},
      {"jobs.complete", finish<&Finisher::complete>},
      {"jobs.fail", finish<&Finisher::fail>},
      {"jobs.release", finish<&Finisher::release>},
      {"jobs.heartbeat", finish<&Finisher::heartbeat>},
      {"jobs.cancel", manage<&Manager::cancel>},
      {"jobs.cancel_many", manage<&Manager::cancel_many>},
      {"jobs.retry", manage<&Manager::retry>},
      {"jobs.promote", manage<&Manager::promote>},
      {"jobs.remove", manage<&Manager::remove>},
      {"jobs.edit", manage<&Manager::edit>},
      {"jobs.queue_config", manage<&Manager::configure>},
      {"jobs.limits", manage<&Manager::set_limits>},
      {"jobs.queue_remove", manage<&Manager::remove_queue>},
      {"jobs.queue_drop", manage<&Manager::drop_queue>},
      {"jobs.pause", manage<&Manager::pause>},
      {"jobs.resume", manage<&Manager::resume>},
      {"jobs.purge", manage<&Manager::purge>},
      {"jobs.dlq_redrive", manage<&Manager::redrive>},
      {"jobs.dlq_purge", manage<&Manager::purge_dead>},
      {"jobs.redrive_start", redrives<&Redrives::start>},
      {"jobs.redrive_cancel", redrives<&Redrives::cancel>},
      {"jobs.schedule_set", schedule<&Scheduler::set>},
      {"jobs.schedule_remove", schedule<&Scheduler::remove>},
      {"jobs.schedule_pause", schedule<&Scheduler::pause>},
      {"jobs.schedule_resume", schedule<&Scheduler::resume>},
      {"jobs.schedule_trigger", schedule<&Scheduler::trigger>},
      {"jobs.schedule_backfill", schedule<&Scheduler::backfill>},
      {"jobs.schedule_fire", schedule<&Scheduler::fire>},
      {"jobs.batch_create", batch<&Batches::create>},
      {"jobs.batch_seal", batch<&Batches::seal>},
      {"jobs.batch_cancel", batch<&Batches::cancel>},
      {"jobs.worker_drain", drain_worker},
      {"jobs.message_queue", messages<&Messages::create>},
      {"jobs.message_publish", messages<&Messages::publish>},
      {"jobs.message_consume", messages<&Messages::consume>},
      {"jobs.message_ack", messages<&Messages::ack>},
      {"jobs.message_nack", messages<&Messages::nack>},
      {"jobs.webhook_lead", webhook<&Webhooks::lead>},
      {"jobs.webhook_report", webhook<&Webhooks::report>},
      {"jobs.webhook_redrive", webhook<&Webhooks::redrive>},
      {"jobs.webhook_purge", webhook<&Webhooks::purge>},
      {"jobs.webhook_test", webhook<&Webhooks::test>},
      {"jobs.large_removed", large_removed},
      {"jobs.waiter_close", waiter_close},
      {"jobs.node_started", node_started},
      {"jobs.tick", tick}};
  return table;
}

// A waiter is closed by its node when its time is over; the tick only cleans up after dead nodes.
constexpr std::int64_t kWaiterSlackMs = 5'000;

std::int64_t earliest_due(const State& state) {
  if (state.releases_owed > 0) return 0;
  auto earliest =
      std::min({state.queues.next_due(), state.leases.first().first, state.events.next_due(),
                state.webhooks.next_due(), state.batches.next_due(), state.next_expiry,
                state.next_retention, state.next_redrive});
  if (const auto until = state.waiters.next_expiry()) {
    earliest = std::min(earliest, *until + kWaiterSlackMs);
  }
  return earliest;
}

}  // namespace

struct Machine::Impl {
  State state;
  StatsBoard board;
  std::int64_t next_due = kNever;
};

Machine::Machine() : impl_(std::make_unique<Impl>()) {
  impl_->state.times = &impl_->board.times();
}
Machine::~Machine() = default;

std::span<const sqlite::Migration> Machine::migrations() const {
  return job_migrations();
}

void Machine::open(sqlite::Database& db) {
  impl_->state.load(db);
  impl_->next_due = earliest_due(impl_->state);
  after_commit();
}

Result<std::string> Machine::apply(const replica::Operation& operation, json::View body,
                                   replica::ApplyContext& context) {
  const auto found = handlers().find(operation.name);
  if (found == handlers().end()) {
    return Error{Code::internal, "unknown_operation", "This version does not know the operation",
                 operation.name};
  }
  Step step(impl_->state, context);
  OwnedBody owned;
  if (body.raw().starts_with(kOwnerHead)) {
    owned = parse_owned(body);
    step.owner = owned.owner;
    body = json::View(owned.rest);
  }
  step.accepted = body.raw().starts_with(kAcceptedHead);
  auto reply = found->second(step, body);
  if (reply) {
    // A waiter that is served changes a job, which something may follow, which may make jobs ready.
    do {
      follow_changes(step);
      record_events(step);
      Leaser(step).serve_waiters();
    } while (!step.changes.empty() || !step.noted.empty());
  }
  return reply;
}

// A lease ended long before this entry and no tick said so: the log could not be written.
void Machine::after_gap(Millis gap, replica::ApplyContext& context) {
  const auto now = to_unix_ms(context.now);
  const auto ended = impl_->state.leases.first().first;
  if (ended == kNever || ended > now - replica::kLogGap.count()) return;
  impl_->state.leases.extend(context.db, now, gap.count(),
                             static_cast<std::int64_t>(context.revision));
}

void Machine::before_commit(sqlite::Database& db) {
  impl_->state.save(db);
  impl_->next_due = earliest_due(impl_->state);
}

void Machine::after_commit() {
  StatsBoard::Update update;
  impl_->state.queues.publish(update);
  impl_->state.workers.publish(update);
  update.totals = impl_->state.totals;
  update.webhooks = {.pending = impl_->state.webhooks.pending(),
                     .dead = impl_->state.webhooks.count(DeliveryState::dead)};
  update.waiters = static_cast<std::int64_t>(impl_->state.waiters.size());
  impl_->board.publish(std::move(update));
}

std::optional<Timestamp> Machine::next_due() const {
  if (impl_->next_due == kNever) return std::nullopt;
  return from_unix_ms(impl_->next_due);
}

std::optional<Timestamp> Machine::next_proposal() const {
  const auto due = impl_->state.schedules.next_due();
  if (due == kNever) return std::nullopt;
  return from_unix_ms(due);
}

replica::Proposals Machine::proposals(sqlite::Database& db, Timestamp log_time) const {
  return due_schedules(db, log_time);
}

const StatsBoard& Machine::stats() const {
  return impl_->board;
}

}  // namespace weir::jobs
