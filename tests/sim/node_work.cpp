// What a simulated coordinator does: proposing, applying, leading.
#include "jobs/requests.hpp"
#include "pkg/base/assert.hpp"
#include "tests/sim/sim_node.hpp"

namespace weir::sim {
namespace {
using namespace std::chrono_literals;
}  // namespace

// --- proposing -----------------------------------------------------------------------------------

void SimNode::propose(replica::Operation operation, replica::ReplyHandler done) {
  if (!serving() || !life_->log->connected()) {
    done(replica::nats_unavailable());
    return;
  }
  WEIR_ASSERT(json::check(operation.body, {.max_depth = replica::kOperationMaxDepth}).has_value());
  auto taken = life_->proposer->submit(operation, done, clock_.mono());
  if (!taken) {
    done(std::move(taken).error());
    return;
  }
  pump();
}

// As LocalInstance does.
void SimNode::propose_or_keep(replica::Operation operation, replica::ReplyHandler done) {
  if (!up() || halted_) {
    done(replica::nats_unavailable());
    return;
  }
  auto& outbox = *life_->outbox;
  if (!outbox.empty() || !life_->log->connected() || !serving()) {
    outbox.keep(std::move(operation), std::move(done));
    return;
  }
  auto copy = std::make_shared<replica::Operation>(operation);
  propose(std::move(operation), [this, copy, done](Result<replica::Reply> reply) {
    const bool away = !reply && (reply.error().reason == "nats_unavailable" ||
                                 reply.error().reason == "outcome_unknown");
    if (!away) return done(std::move(reply));
    life_->outbox->keep(std::move(*copy), done);
  });
}

void SimNode::pump() {
  while (auto attempt = life_->proposer->next(clock_.mono())) {
    life_->log->append(attempt->message_id, *attempt->data, attempt->deadline,
                       [this, number = life_->number,
                        sequence = attempt->sequence](Result<replica::Appended> result) {
                         if (life_ == nullptr || life_->number != number) return;
                         replica::Completions completions;
                         life_->proposer->on_append(sequence, result, clock_.mono(), completions);
                         complete(completions);
                         later(Micros{1}, [this] { pump(); });
                       });
  }
}

void SimNode::complete(replica::Completions& completions) {
  for (auto& completion : completions) completion.done(std::move(completion.reply));
}

// --- applying ------------------------------------------------------------------------------------

void SimNode::apply_soon(Micros delay) {
  if (life_->applying) return;
  life_->applying = true;
  later(delay, [this] {
    life_->applying = false;
    apply();
  });
}

// The entries before the first that does not follow: then the log was truncated meanwhile.
std::size_t SimNode::in_order() const {
  auto last = life_->core->position().applied;
  for (std::size_t i = 0; i < life_->inbox.size(); ++i) {
    const auto revision = life_->inbox[i].revision();
    if (revision > last + 1) return i;
    last = std::max(last, revision);
  }
  return life_->inbox.size();
}

void SimNode::apply() {
  if (life_->inbox.empty()) return;
  const std::size_t count = in_order();
  const auto entries = std::span(life_->inbox).first(count);
  life_->journal->add(entries);
  replica::AppliedBatch batch;
  Result<void> applied;
  try {
    applied = life_->core->apply(entries, batch);
  } catch (const Crash&) {
    crash();
    return;
  }
  if (world_.fault(3)) {
    say("dies after a commit");
    crash();
    return;
  }
  const bool gap = applied && count < life_->inbox.size();
  if (applied) life_->inbox.clear();
  note_position();
  if (stop_if_diverged()) return;
  if (gap) {
    say("misses entries");
    life_->tail.reset();
    later(1us, [this] { join(); });
  }
  hand_out(batch);
  if (!up()) return;
  if (!applied) {
    WEIR_ASSERT(!life_->core->stopped());
    apply_soon(Micros{world_.between(10'000, 500'000)});
    return;
  }
  if (world_.fault(30)) files_.save_image();
}

void SimNode::note_position() {
  const auto& position = life_->core->position();
  for (std::size_t i = 0; i < life_->machines.size(); ++i) {
    life_->ticks->set_due(i, life_->machines[i]->next_due());
    life_->proposals->set_due(i, life_->machines[i]->next_proposal());
  }
  life_->ticks->set_log_time(position.time, clock_.mono());
  life_->proposals->set_log_time(position.time, clock_.mono());
  life_->digests->set(life_->core->digests().news(), clock_.mono());
  note_clock();
  if (life_->serving || life_->tail == nullptr || position.applied < life_->catch_up_to) return;
  life_->serving = true;
  say("serves at " + std::to_string(position.applied));
  propose(jobs::node_started(id_), [](const Result<replica::Reply>&) {});
}

// As LocalInstance and its housekeeper do.
void SimNode::note_clock() {
  const auto& shift = life_->core->position().shift;
  const bool stepped = shown_.shift() != shift;
  shown_.set(shift);
  life_->ticks->set_standing(shift.stands_at.has_value());
  life_->proposals->set_standing(shift.stands_at.has_value());
  if (stepped) life_->ticks->on_step(), life_->proposals->on_step();
}

void SimNode::hand_out(replica::AppliedBatch& batch) {
  const auto number = life_->number;
  replica::Completions completions;
  for (auto& own : batch.own) life_->proposer->on_applied(std::move(own), completions);
  complete(completions);
  for (auto& delivery : batch.deliveries) {
    const auto waiter = waiters_.find(delivery.waiter);
    if (waiter != waiters_.end()) {
      const auto deliver = waiter->second;
      deliver(std::move(delivery.json), delivery.revision);
    } else if (orphan_ && delivery.revision > life_->catch_up_to) {
      orphan_(std::move(delivery.json));
    }
    if (life_ == nullptr || life_->number != number) return;
  }
  pump();
}

// --- timer and leader ----------------------------------------------------------------------------

void SimNode::beat() {
  replica::Completions completions;
  life_->proposer->on_timer(clock_.mono(), completions);
  complete(completions);
  pump();
  if (life_->serving) {
    look_at_log();
    life_->outbox->drain(life_->core->position().applied);
    life_->leader->step(clock_.mono());
    propose_digest(replica::DigestCore::Duty::digest, life_->digests->digest(clock_.mono()));
    if (rogue_ || life_->leader->leads(clock_.mono())) lead();
  }
  later(Micros{world_.between(5'000, 40'000)}, [this] { beat(); });
}

void SimNode::propose_digest(replica::DigestCore::Duty duty,
                             std::optional<replica::Operation> operation) {
  if (!operation) return;
  propose(std::move(*operation), [this, duty](Result<replica::Reply> reply) {
    Result<void> result;
    if (!reply) result = std::move(reply).error();
    life_->digests->on_reply(duty, result, clock_.mono());
  });
}

void SimNode::lead() {
  if (takes_snapshots_ && world_.fault(3)) (void)life_->snapshotter->take();
  propose_digest(replica::DigestCore::Duty::checkpoint, life_->digests->checkpoint(clock_.mono()));
  while (auto tick = life_->ticks->next({shown_.wall(), clock_.mono()})) {
    propose(std::move(tick->operation),
            [this, machine = tick->machine](Result<replica::Reply> reply) {
              Result<void> result;
              if (!reply) result = std::move(reply).error();
              life_->ticks->on_reply(machine, result, clock_.mono());
            });
  }
  while (auto round = life_->proposals->next({shown_.wall(), clock_.mono()})) {
    for (auto& operation : round->operations) {
      propose(std::move(operation), [this, machine = round->machine](Result<replica::Reply> reply) {
        Result<void> result;
        if (!reply) result = std::move(reply).error();
        life_->proposals->on_reply(machine, result, clock_.mono());
      });
    }
  }
  auto watermark = life_->effects->step(life_->core->effects_waiting(), clock_.mono());
  if (!watermark) return;
  propose(std::move(*watermark), [this](Result<replica::Reply> reply) {
    Result<void> result;
    if (!reply) result = std::move(reply).error();
    life_->effects->on_watermark(result, clock_.mono());
  });
}

}  // namespace weir::sim
