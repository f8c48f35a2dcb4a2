#include "pkg/replica/proposer.hpp"

namespace weir::replica {

void Proposer::propose(Operation operation, ReplyHandler done) {
  Result<void> taken;
  {
    std::unique_lock lock(mutex_);
    taken = stopped_ ? Result<void>(*stopped_) : core_.submit(operation, done, clock_.mono());
    if (taken) pump(lock);
  }
  if (!taken) done(std::move(taken).error());
}

// The mutex is not held while the log is called.
void Proposer::pump(std::unique_lock<std::mutex>& lock) {
  if (publishing_ || stopped_) return;
  publishing_ = true;
  while (!stopped_) {
    auto attempt = core_.next(clock_.mono());
    if (!attempt) break;
    lock.unlock();
    log_.append(attempt->message_id, *attempt->data, attempt->deadline,
                [self = shared_from_this(), sequence = attempt->sequence](Result<Appended> result) {
                  self->on_append(sequence, result);
                });
    lock.lock();
  }
  publishing_ = false;
}

void Proposer::on_append(std::uint64_t sequence, const Result<Appended>& result) {
  Completions completions;
  {
    std::unique_lock lock(mutex_);
    if (stopped_) return;
    core_.on_append(sequence, result, clock_.mono(), completions);
    pump(lock);
  }
  complete(completions);
}

void Proposer::applied(std::vector<OwnEntry> entries) {
  if (entries.empty()) return;
  Completions completions;
  {
    std::unique_lock lock(mutex_);
    for (auto& entry : entries) core_.on_applied(std::move(entry), completions);
    pump(lock);
  }
  complete(completions);
}

void Proposer::on_timer() {
  Completions completions;
  {
    std::unique_lock lock(mutex_);
    core_.on_timer(clock_.mono(), completions);
    pump(lock);
  }
  complete(completions);
}

std::optional<MonoTime> Proposer::next_timer() const {
  const std::lock_guard lock(mutex_);
  return core_.next_timer();
}

void Proposer::fail_all(const Error& error) {
  Completions completions;
  {
    const std::lock_guard lock(mutex_);
    core_.fail_all(error, completions);
  }
  complete(completions);
}

void Proposer::stop(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = error;
  }
  fail_all(error);
}

std::size_t Proposer::waiting() const {
  const std::lock_guard lock(mutex_);
  return core_.waiting();
}

ProposerCore::Counters Proposer::counters() const {
  const std::lock_guard lock(mutex_);
  return core_.counters();
}

void Proposer::complete(Completions& completions) {
  for (auto& completion : completions) completion.done(std::move(completion.reply));
}

}  // namespace weir::replica
