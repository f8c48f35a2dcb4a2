// The audit log, for commands of the command API.
#pragma once

#include <string>
#include <string_view>

#include "api/core/services.hpp"
#include "api/rpc/command.hpp"

namespace weir::api {

// Who asks, for an operation that is recorded (replica::Operation::actor). `details` is JSON, or
// empty.
std::string actor_of(const rpc::Call& call, std::string_view action, std::string_view target,
                     std::string_view details = {});

// A record of what is no operation of the log, such as a stop: `outcome` is "ok" or a reason.
// Proposed when the log takes something; lost when that is not soon, or never.
void record(Services& services, const rpc::Call& call, std::string_view action,
            std::string_view target, const Result<void>& outcome);

}  // namespace weir::api
