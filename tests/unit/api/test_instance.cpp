#include "tests/unit/api/test_instance.hpp"

#include <gtest/gtest.h>

#include "pkg/replica/audit_record.hpp"

namespace weir::api {

using Lock = std::lock_guard<std::recursive_mutex>;

TestInstance::TestInstance(const Clock& clock, std::vector<replica::StateMachine*> machines)
    : clock_(clock), machines_(std::move(machines)) {
  db_ = *sqlite::Database::open({.path = ":memory:"});
  for (auto* machine : machines_) {
    EXPECT_TRUE(db_->migrate(machine->prefix(), machine->migrations()));
    EXPECT_TRUE(db_->transaction([&]() -> Result<void> {
      machine->open(*db_);
      return {};
    }));
  }
  health_.log_connected = true;
  health_.applying = true;
  health_.role = replica::Role::leader;
}

void TestInstance::propose(replica::Operation operation, replica::ReplyHandler done) {
  Callbacks callbacks;
  {
    const Lock lock(mutex_);
    proposed_.push_back(operation.name);
    proposed_text_.append(operation.body).append(operation.actor).append("\n");
    if (!health_.log_connected) {
      callbacks.push_back([done] {
        done(Error{Code::unavailable, "nats_unavailable", "NATS is not reachable.", ""});
      });
    } else {
      auto answer = apply(operation);
      const auto revision = health_.applied;
      callbacks.push_back([done, answer, revision] {
        if (answer) {
          done(replica::Reply{*answer, revision});
        } else {
          done(answer.error());
        }
      });
      for (auto& callback : after_commit()) callbacks.push_back(std::move(callback));
    }
  }
  run(std::move(callbacks));
}

Result<std::string> TestInstance::apply(const replica::Operation& operation) {
  Result<std::string> answer(std::string{});
  const Timestamp now = std::max(clock_.wall(), health_.applied_time);
  const auto done = db_->transaction([&]() -> Result<void> {
    const std::function<void(replica::Effect)> no_effects = [](replica::Effect) {};
    replica::ApplyContext context{*db_, health_.applied + 1, now, true, *this, no_effects};
    for (auto* machine : machines_) {
      if (!operation.name.starts_with(std::string(machine->prefix()) + ".")) continue;
      answer = machine->apply(operation, json::View(operation.body), context);
      machine->before_commit(*db_);
      if (!operation.actor.empty()) record(operation, answer, context);
    }
    return {};
  });
  EXPECT_TRUE(done) << operation.name << ": " << (done ? "" : describe(done.error()));
  health_.applied = health_.log_last = health_.applied + 1;
  health_.applied_time = now;
  ++totals_.entries_proposed;
  ++totals_.operations_proposed;
  ++totals_.entries_applied;
  ++totals_.operations_applied;
  ++totals_.transactions;
  return answer;
}

void TestInstance::record(const replica::Operation& operation, const Result<std::string>& answer,
                          replica::ApplyContext& context) {
  for (auto* machine : machines_) {
    if (machine->prefix() != "audit") continue;
    const auto entry = replica::audit_record(operation, answer);
    EXPECT_TRUE(machine->apply(entry, json::View(entry.body), context));
  }
}

TestInstance::Callbacks TestInstance::after_commit() {
  Callbacks callbacks;
  for (auto* machine : machines_) machine->after_commit();
  for (auto& [waiter, json] : deliveries_) {
    callbacks.push_back([this, waiter, json] { deliver_to(waiter, json); });
  }
  for (const auto& [id, watch] : watches_) {
    if (touched_.contains(watch.first)) callbacks.push_back(watch.second);
  }
  for (const auto& [id, heard] : listeners_) {
    callbacks.push_back([heard = heard, revision = health_.applied, events = published_] {
      heard({revision, revision, true, events});
    });
  }
  published_.clear();
  deliveries_.clear();
  touched_.clear();
  return callbacks;
}

void TestInstance::run(Callbacks callbacks) {
  {
    const Lock lock(mutex_);
    if (holding_) {
      for (auto& callback : callbacks) held_.push_back(std::move(callback));
      return;
    }
  }
  for (const auto& callback : callbacks) callback();
}

Result<replica::Revision> TestInstance::read(
    const std::function<Result<void>(sqlite::Database&)>& body) {
  const Lock lock(mutex_);
  WEIR_TRY(db_->read([&]() -> Result<void> { return body(*db_); }));
  return health_.applied;
}

void TestInstance::when_applied(replica::Revision revision, MonoTime,
                                std::function<void(Result<void>)> done) {
  if (revision <= health().applied) return done({});
  done(Error{Code::deadline_exceeded, "revision_not_reached", "Not reached.", ""});
}

void TestInstance::open_waiter(const std::string& id, std::function<void(std::string)> deliver) {
  const Lock lock(mutex_);
  waiters_[id] = std::move(deliver);
}

void TestInstance::close_waiter(const std::string& id) {
  const Lock lock(mutex_);
  waiters_.erase(id);
}

void TestInstance::set_orphan_handler(std::function<void(std::string)> handler) {
  orphan_ = std::move(handler);
}

std::shared_ptr<void> TestInstance::watch(const std::string& key, std::function<void()> changed) {
  const Lock lock(mutex_);
  const auto id = ++last_watch_;
  watches_.emplace(id, std::pair(key, std::move(changed)));
  return {this, [id](TestInstance* self) {
            const Lock inner(self->mutex_);
            self->watches_.erase(id);
          }};
}

std::shared_ptr<void> TestInstance::listen(std::function<void(const replica::EventBatch&)> heard) {
  const Lock lock(mutex_);
  const auto id = ++last_watch_;
  listeners_.emplace(id, std::move(heard));
  return {this, [id](TestInstance* self) {
            const Lock inner(self->mutex_);
            self->listeners_.erase(id);
          }};
}

void TestInstance::publish(std::string json) {
  published_.push_back({health_.applied + 1, std::move(json)});
}

replica::Health TestInstance::health() const {
  const Lock lock(mutex_);
  return health_;
}

replica::Totals TestInstance::totals() const {
  const Lock lock(mutex_);
  return totals_;
}

void TestInstance::set_connected(bool connected) {
  const Lock lock(mutex_);
  health_.log_connected = connected;
}

void TestInstance::set_problem(std::string problem) {
  const Lock lock(mutex_);
  health_.problem = std::move(problem);
  health_.applying = health_.problem.empty();
}

void TestInstance::set_catching_up(bool catching_up) {
  const Lock lock(mutex_);
  health_.applying = !catching_up;
}

void TestInstance::hold_replies() {
  const Lock lock(mutex_);
  holding_ = true;
}

void TestInstance::release_replies() {
  Callbacks held;
  {
    const Lock lock(mutex_);
    holding_ = false;
    held.swap(held_);
  }
  for (const auto& callback : held) callback();
}

void TestInstance::deliver_to(const std::string& waiter, const std::string& json) {
  std::function<void(std::string)> deliver;
  {
    const Lock lock(mutex_);
    const auto found = waiters_.find(waiter);
    deliver = found == waiters_.end() ? orphan_ : found->second;
  }
  deliver(json);
}

std::vector<std::string> TestInstance::proposed() const {
  const Lock lock(mutex_);
  return proposed_;
}

std::string TestInstance::proposed_text() const {
  const Lock lock(mutex_);
  return proposed_text_;
}

std::size_t TestInstance::open_waiters() const {
  const Lock lock(mutex_);
  return waiters_.size();
}

std::size_t TestInstance::watches() const {
  const Lock lock(mutex_);
  return watches_.size();
}

void TestInstance::deliver(std::string_view node, std::string_view waiter, std::string json) {
  if (node == node_) deliveries_.emplace_back(waiter, std::move(json));
}

void TestInstance::touch(std::string_view key) {
  touched_.emplace(key);
}

}  // namespace weir::api
