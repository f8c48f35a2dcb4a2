// What is kept beside the jobs must agree with them: log lines, retentions, quotas, redrives.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/sim_node.hpp"

namespace weir::sim {

void check_side_tables(SimNode& node, std::vector<std::string>& out);

}  // namespace weir::sim
