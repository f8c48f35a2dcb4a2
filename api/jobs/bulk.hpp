// Bulk changes (purge, redrive): one request, as many bounded operations as it takes. Each is its
// own log entry, so other work goes on between them. Thread-safe.
#pragma once

#include <string>

#include "api/core/services.hpp"

namespace weir::api {

// Proposes `operation` and what follows from it, then answers 200
// {"<counted>":n,"missing"?:n,"revision":r}.
void answer_bulk(Services& services, const Call& call, Result<replica::Operation> operation,
                 const std::string& counted);

}  // namespace weir::api
