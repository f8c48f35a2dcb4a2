#include "pkg/replica/leader_reads.hpp"

#include "pkg/log/log.hpp"

namespace weir::replica {

std::vector<Operation> read_proposals(sqlite::ReadPool& readers, const StateMachine& machine,
                                      Timestamp log_time) {
  Proposals out;
  auto done = readers.read([&](sqlite::Database& db) -> Result<void> {
    out = machine.proposals(db, log_time);
    return {};
  });
  if (!done) out.problem = describe(done.error());
  if (!out.problem.empty()) log::warn("proposals_incomplete", {{"problem", out.problem}});
  return std::move(out.operations);
}

std::vector<OwedEffect> read_effects(sqlite::ReadPool& readers, EffectId after, std::size_t limit) {
  std::vector<OwedEffect> out;
  auto done = readers.read([&](sqlite::Database& db) -> Result<void> {
    out = SysMachine::effects_after(after, limit, db);
    return {};
  });
  if (!done) log::error("effects_not_read", {{"error", describe(done.error())}});
  return out;
}

}  // namespace weir::replica
