// What a coordinator proposes for itself before it serves: it blocks until the operation is applied
// here. Not for applier or I/O threads.
#pragma once

#include <optional>
#include <string>

#include "pkg/base/ids.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

// Errors: those of Instance::propose() and of the state machine; deadline_exceeded /
// outcome_unknown when nothing came within `wait`.
Result<replica::Reply> propose_and_wait(replica::Instance& instance, replica::Operation operation,
                                        Millis wait);

// Makes sure that there is an admin key. `given_key`: the operator's own (WEIR_API_KEY). The value
// is the text of a key made just now, to be shown once; empty when there was one, or it was given.
// Idempotent. Errors: also invalid / weak_api_key.
Result<std::optional<std::string>> ensure_admin_key(replica::Instance& instance, Random& random,
                                                    const std::optional<std::string>& given_key,
                                                    Millis wait);

}  // namespace weir::api
