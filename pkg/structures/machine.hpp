// Machine: hashes, lists, sets and sorted sets as replicated state (prefix `structures`), with the
// semantics of the Redis command of the same name. It lives on a log of its own, because its load
// is its own.
//
// Operations: structures.<verb> for each command of command.hpp that writes, and
//   structures.limits {"max_bytes","max_elements"}  what the state may grow to, for every replica
//   structures.tick   {}                            removes what has expired, sweeps removed rows
// Answers: the payload of the command's response.
// Errors: conflict / wrong_structure_type; out_of_space / memory_limit_exceeded, too_many_elements;
//         invalid / not_an_integer, increment_overflow, score_not_a_number.
//
// Threads: StateMachine's members as declared there; stats() from any thread, at any time.
#pragma once

#include "pkg/replica/state_machine.hpp"
#include "pkg/structures/key_store.hpp"

namespace weir::structures {

replica::Operation limits_operation(const StateLimits& limits);

class Machine final : public replica::StateMachine {
 public:
  std::string_view prefix() const override { return "structures"; }
  std::span<const sqlite::Migration> migrations() const override { return KeyStore::migrations(); }
  void open(sqlite::Database& db) override { keys_.open(db); }
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override;
  void before_commit(sqlite::Database& db) override { keys_.flush(db); }
  void after_commit() override { keys_.publish(); }
  std::optional<Timestamp> next_due() const override { return keys_.next_due(); }

  Stats stats() const { return keys_.stats(); }

 private:
  KeyStore keys_;
};

}  // namespace weir::structures
