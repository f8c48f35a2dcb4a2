// Structures: the commands on data structures (pkg/structures) as commands of the command API and
// as HTTP routes. Writes go through the log DATA, reads are answered by this coordinator's replica
// of it.
#pragma once

#include <functional>

#include "api/core/command.hpp"
#include "api/core/services.hpp"
#include "api/rpc/command.hpp"
#include "pkg/structures/command.hpp"

namespace weir::api {

// Runs a command and gives its answer, a JSON object, to `done`: at once or from the applier
// thread. A read blocks. Errors: as the command, and unavailable / structures_off.
void run_structure(Services& services, const structures::Command& command, json::View payload,
                   std::function<void(Result<std::string>)> done);

// hash.*, list.*, set.*, sortedset.*, structure.*, memory.usage.
void add_structure_rpc(rpc::CommandTable& table, Services& services);
// /hash/{key}/..., /list/{key}/..., /set/{key}/..., /sortedset/{key}/..., /memory/{key}/usage,
// /structures...
void add_structure_commands(CommandTable& table, Services& services);

}  // namespace weir::api
