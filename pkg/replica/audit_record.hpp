// What becomes of an operation that carries an actor: another one, for the machine `audit`, applied
// right after it in the same transaction. Pure function.
#pragma once

#include <string>

#include "pkg/replica/state_machine.hpp"

namespace weir::replica {

// {"actor":{...},"operation":"jobs.pause","outcome":"ok"}; of an error, its reason.
Operation audit_record(const Operation& operation, const Result<std::string>& outcome);

}  // namespace weir::replica
