// Harness: one structures machine on a database of its own, driven as the applier drives it; reads
// on the same database, time by hand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "pkg/structures/command.hpp"
#include "pkg/structures/machine.hpp"

namespace weir::structures {

class Harness : private replica::Outbound {
 public:
  Harness();

  // A command as it comes: the payload is read, then applied or answered from the tables.
  Result<std::string> call(std::string_view command, std::string_view payload);
  // The answer, or "!" and the reason of the error.
  std::string answer(std::string_view command, std::string_view payload);

  Result<std::string> apply(const replica::Operation& operation);
  // In one transaction, which is rolled back at the end when `then_fail`.
  std::vector<Result<std::string>> apply_all(const std::vector<replica::Operation>& operations,
                                             bool then_fail = false);
  void tick() { static_cast<void>(apply({"structures.tick", "{}"}).value()); }
  // Ticks while something is due.
  void settle();
  void restart();  // a new machine on the same tables

  std::int64_t number(std::string_view sql);  // the first column of the first row
  std::string dump();                         // every table, row by row
  // The counts and bytes of keys and totals are what counting the rows gives.
  void expect_counts_true();

  ManualClock clock;
  std::unique_ptr<sqlite::Database> db;
  std::unique_ptr<Machine> machine;
  replica::Revision revision = 0;

 private:
  void deliver(std::string_view, std::string_view, std::string) override {}
  void touch(std::string_view) override {}
  bool anyone_watches() const override { return false; }
};

}  // namespace weir::structures
