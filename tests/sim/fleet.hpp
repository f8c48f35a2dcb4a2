// The workers of a simulated run: names, labels, and the targets that jobs may have.
#pragma once

#include <cstddef>
#include <string>

#include "tests/sim/world.hpp"

namespace weir::sim {

// One that takes everything. Those that name types bear them in their names: "worker-3_t1_t2".
std::string worker_name(std::size_t worker);
// JSON; those of a worker are always the same, and follow from any of its names.
std::string labels_of(std::size_t worker);
std::string labels_of(const std::string& name);
// `,"target":"..."`, which at least one of the workers matches; mostly nothing.
std::string target_text(World& world, std::size_t workers);

}  // namespace weir::sim
