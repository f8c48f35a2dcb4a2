// What the leader's duties read of the tables, beside the applier. A failure is logged and reads as
// nothing: the leader asks again. Thread-safe, as the pool is.
#pragma once

#include <vector>

#include "pkg/replica/sys_machine.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

std::vector<Operation> read_proposals(sqlite::ReadPool& readers, const StateMachine& machine,
                                      Timestamp log_time);
std::vector<OwedEffect> read_effects(sqlite::ReadPool& readers, EffectId after, std::size_t limit);

}  // namespace weir::replica
