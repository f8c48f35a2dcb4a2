// FaultyMachine: a real state machine whose node may lose its disk's favour or its life in the
// middle of a transaction.
#pragma once

#include "pkg/replica/state_machine.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

// The process dies here: passes through everything, nothing is rolled back by hand.
struct Crash {};

class FaultyMachine final : public replica::StateMachine {
 public:
  FaultyMachine(World& world, replica::StateMachine& inner) : world_(world), inner_(inner) {}

  std::string_view prefix() const override { return inner_.prefix(); }
  std::span<const sqlite::Migration> migrations() const override { return inner_.migrations(); }
  void open(sqlite::Database& db) override { inner_.open(db); }
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override {
    if (world_.fault(1)) fail("before an operation");
    auto result = inner_.apply(operation, body, context);
    if (world_.fault(1)) fail("after an operation");
    return result;
  }
  void after_gap(Millis gap, replica::ApplyContext& context) override {
    inner_.after_gap(gap, context);
  }
  void before_commit(sqlite::Database& db) override {
    if (world_.fault(3)) fail("before the commit");
    inner_.before_commit(db);
    if (world_.fault(3)) fail("at the commit");
  }
  void after_commit() override { inner_.after_commit(); }
  std::optional<Timestamp> next_due() const override { return inner_.next_due(); }
  std::optional<Timestamp> next_proposal() const override { return inner_.next_proposal(); }
  replica::Proposals proposals(sqlite::Database& db, Timestamp log_time) const override {
    return inner_.proposals(db, log_time);
  }

 private:
  void fail(const char* when) {
    if (world_.chance(500)) {
      world_.trace(std::string("crash ") + when);
      throw Crash{};
    }
    world_.trace(std::string("disk full ") + when);
    throw sqlite::Failure{Error{Code::out_of_space, "disk_full", "simulated", when}};
  }

  World& world_;
  replica::StateMachine& inner_;
};

}  // namespace weir::sim
