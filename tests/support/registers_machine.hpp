// RegistersMachine: a toy state machine (prefix `toy`) for tests of the replica: named counters.
//
//   toy.add    {"key","by"}         the new value; "effect":true also owes an effect, "watch":true
//                                   touches the key, "deliver":{"node","waiter"} delivers the value
//   toy.refuse {}                   answers conflict / refused
//   toy.alarm  {"at_ms"}            next_due(); cleared by toy.tick when log time has reached it
//   toy.break  {}                   fails inside SQLite while fail_next() says so
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "pkg/replica/state_machine.hpp"

namespace weir::test {

class RegistersMachine final : public replica::StateMachine {
 public:
  std::string_view prefix() const override { return "toy"; }
  std::span<const sqlite::Migration> migrations() const override;
  void open(sqlite::Database& db) override;
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override;
  void after_gap(Millis gap, replica::ApplyContext&) override { gaps_.push_back(gap); }
  void before_commit(sqlite::Database& db) override;
  void after_commit() override { ++commits_; }
  std::optional<Timestamp> next_due() const override { return alarm_; }

  void fail_next(int times) { fail_ = times; }  // of toy.break, and of commits
  void fail_commits(int times) { fail_commits_ = times; }
  int opened() const { return opened_.load(); }
  int commits() const { return commits_.load(); }
  int ticks() const { return ticks_.load(); }
  // Applier thread, or while nothing is applied.
  const std::vector<Millis>& gaps() const { return gaps_; }
  std::int64_t value(const std::string& key) const;

 private:
  Result<std::string> add(json::View body, replica::ApplyContext& context);

  std::map<std::string, std::int64_t> values_;
  std::map<std::string, std::int64_t> dirty_;
  std::vector<Millis> gaps_;
  std::optional<Timestamp> alarm_;
  bool alarm_dirty_ = false;
  std::atomic<int> fail_{0};
  std::atomic<int> fail_commits_{0};
  std::atomic<int> opened_{0};
  std::atomic<int> commits_{0};
  std::atomic<int> ticks_{0};
};

// The body of a toy.add.
replica::Operation add_operation(const std::string& key, int by, const std::string& more = "");

}  // namespace weir::test
