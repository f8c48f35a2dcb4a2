// The verdict on a calm cluster: does the state of every replica keep what clients were told?
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/ledger.hpp"
#include "tests/sim/sim_node.hpp"
#include "tests/sim/simulation.hpp"
#include "tests/sim/witness.hpp"

namespace weir::sim {

// Jobs that have not come to an end.
std::int64_t unfinished(SimNode& node);

// Adds what is wrong to report.violations, and fills its counts.
void judge(std::vector<std::unique_ptr<SimNode>>& nodes, const SimLog& log,
           const EffectStream& effects, const Ledger& ledger, const Witness& witness,
           RunReport& report);

}  // namespace weir::sim
