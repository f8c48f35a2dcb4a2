#include "pkg/replica/housekeeper.hpp"

#include <algorithm>
#include <utility>

#include "pkg/log/log.hpp"

namespace weir::replica {
namespace {

constexpr Millis kLookAtLogEvery{2'000};
constexpr Millis kLookAgain{500};

std::vector<std::string> prefixes_of(const std::vector<StateMachine*>& machines) {
  std::vector<std::string> out;
  for (const StateMachine* machine : machines) out.emplace_back(machine->prefix());
  return out;
}

Error not_ready() {
  return {Code::unavailable,
          "replica_not_ready",
          "This coordinator cannot lead now",
          "it is catching up with the log, or stops",
          {},
          Millis{1'000}};
}

}  // namespace

Housekeeper::Housekeeper(const std::vector<StateMachine*>& machines, LeaderCore::Options leader,
                         LeaseStore& leases, EffectSink& sink, EffectsCore::Reader reader,
                         DigestCore digests, Hooks hooks, const Clock& clock)
    : ticks_(prefixes_of(machines)),
      proposals_(machines.size(), hooks.proposals),
      leader_(std::move(leader), leases),
      sink_(sink),
      effects_(sink, std::move(reader)),
      digests_(std::move(digests)),
      hooks_(std::move(hooks)),
      clock_(clock) {}

void Housekeeper::set_effect_id_prefix(std::string prefix) {
  effects_.set_id_prefix(std::move(prefix));
}

void Housekeeper::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  news_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeper::resign() {
  {
    const std::lock_guard lock(mutex_);
    resigned_ = true;
    woken_ = true;
  }
  news_.notify_one();
}

void Housekeeper::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  news_.notify_one();
}

void Housekeeper::look_now() {
  {
    const std::lock_guard lock(mutex_);
    look_now_ = true;
    woken_ = true;
  }
  news_.notify_one();
}

void Housekeeper::ask(Question question) {
  {
    const std::unique_lock lock(mutex_);
    if (!stopping_) {
      questions_.push_back(std::move(question));
      woken_ = true;
      news_.notify_one();
      return;
    }
  }
  question.done(not_ready());
}

void Housekeeper::answer_questions(bool may_lead) {
  std::vector<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    questions.swap(questions_);
  }
  for (const auto& question : questions) question.done(answer(question, may_lead));
}

Result<void> Housekeeper::answer(const Question& question, bool may_lead) {
  if (question.move == Move::hand_over) return leader_.hand_over(question.heir);
  if (!may_lead) return not_ready();
  return question.move == Move::claim ? leader_.claim(clock_.mono()) : leader_.take(clock_);
}

Timestamp Housekeeper::earliest(const State& state) {
  Timestamp first = Timestamp::max();
  for (const auto* times : {&state.due, &state.proposals}) {
    for (const auto& time : *times) {
      if (time) first = std::min(first, *time);
    }
  }
  return first;
}

void Housekeeper::on_commit(State& state) {
  bool matters = false;
  {
    const std::lock_guard lock(mutex_);
    state.stepped |= fresh_ && state_.stepped;
    std::swap(state_, state);
    state_at_ = clock_.mono();
    fresh_ = true;
    matters = state_.effects_waiting > 0 || earliest(state_) < armed_ || state_.stepped ||
              state_.digests.own.has_value();
    if (matters) woken_ = true;
  }
  if (matters) news_.notify_one();
}

void Housekeeper::run() {
  bool led = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    const bool look_now = std::exchange(look_now_, false);
    const bool resigned = resigned_;
    lock.unlock();
    take_news();
    Now now{clock_.wall(), clock_.mono()};
    if (look_now || now.mono >= look_at_log_) {
      const bool again = hooks_.look_at_log();
      now = {clock_.wall(), clock_.mono()};
      look_at_log_ = now.mono + (again ? kLookAgain : kLookAtLogEvery);
    }
    const bool may_lead = !resigned && hooks_.ready();
    answer_questions(may_lead);
    if (!may_lead) {
      leader_.resign();
    } else {
      leader_.step(now.mono);
      if (auto digest = digests_.digest(now.mono)) propose(std::move(*digest), Duty::digest, 0);
      if (leader_.leads(clock_.mono())) lead(now);
    }
    if (leads() != led) {
      led = !led;
      log::info(led ? "leader_won" : "leader_lost");
    }
    const MonoTime until = next_step({clock_.wall(), clock_.mono()});
    lock.lock();
    armed_ = led ? earliest(state_) : Timestamp::min();
    if (!stopping_ && !woken_ && told_.empty()) {
      news_.wait_for(lock, until - clock_.mono(),
                     [this] { return stopping_ || woken_ || !told_.empty(); });
    }
  }
  lock.unlock();
  leader_.resign();
  answer_questions(false);
}

void Housekeeper::take_news() {
  std::vector<Outcome> told;
  {
    const std::lock_guard lock(mutex_);
    told.swap(told_);
    if (fresh_) {
      for (std::size_t i = 0; i < state_.due.size(); ++i) ticks_.set_due(i, state_.due[i]);
      for (std::size_t i = 0; i < state_.proposals.size(); ++i) {
        proposals_.set_due(i, state_.proposals[i]);
      }
      ticks_.set_log_time(state_.log_time, state_at_);
      proposals_.set_log_time(state_.log_time, state_at_);
      ticks_.set_standing(state_.stands);
      proposals_.set_standing(state_.stands);
      if (state_.stepped) ticks_.on_step(), proposals_.on_step();
      owed_ = state_.effects_waiting;
      digests_.set(state_.digests, state_at_);
      fresh_ = false;
    }
  }
  const MonoTime now = clock_.mono();
  for (const auto& outcome : told) {
    switch (outcome.duty) {
      case Duty::tick:
        ticks_.on_reply(outcome.machine, outcome.result, now);
        break;
      case Duty::proposal:
        proposals_.on_reply(outcome.machine, outcome.result, now);
        break;
      case Duty::effects:
        effects_.on_watermark(outcome.result, now);
        break;
      case Duty::checkpoint:
        digests_.on_reply(DigestCore::Duty::checkpoint, outcome.result, now);
        break;
      case Duty::digest:
        digests_.on_reply(DigestCore::Duty::digest, outcome.result, now);
    }
  }
}

void Housekeeper::lead(const Now& now) {
  if (!sink_prepared_) sink_prepared_ = sink_.prepare();
  while (auto tick = ticks_.next(now)) {
    propose(std::move(tick->operation), Duty::tick, tick->machine);
  }
  while (auto round = proposals_.next(now)) {
    for (auto& operation : round->operations) {
      propose(std::move(operation), Duty::proposal, round->machine);
    }
  }
  if (auto watermark = effects_.step(owed_, now.mono)) {
    propose(std::move(*watermark), Duty::effects, 0);
  }
  effects_done_ = effects_.done();
  if (auto checkpoint = digests_.checkpoint(now.mono)) {
    propose(std::move(*checkpoint), Duty::checkpoint, 0);
  }
}

void Housekeeper::propose(Operation operation, Duty duty, std::size_t machine) {
  hooks_.propose(std::move(operation), [this, duty, machine](Result<Reply> reply) {
    Result<void> result;
    if (!reply) result = std::move(reply).error();
    {
      const std::lock_guard lock(mutex_);
      told_.push_back({duty, machine, std::move(result)});
    }
    news_.notify_one();
  });
}

MonoTime Housekeeper::next_step(const Now& now) const {
  MonoTime first = std::min(look_at_log_, now.mono + Millis{1'000});
  if (!hooks_.ready()) return first;
  first = std::min(first, leader_.next_step());
  if (const auto at = digests_.next_step(leader_.leads(now.mono))) first = std::min(first, *at);
  if (!leader_.leads(now.mono)) return first;
  if (const auto at = ticks_.next_step(now)) first = std::min(first, *at);
  if (const auto at = proposals_.next_step(now)) first = std::min(first, *at);
  if (const auto at = effects_.next_step(owed_)) first = std::min(first, *at);
  return first;
}

}  // namespace weir::replica
