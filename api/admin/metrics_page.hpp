// The numbers of /metrics that live in the replica, the job machine and the process: collected at
// each scrape. Label values are bounded: the queues with the most jobs, the rest as "_other".
#pragma once

#include "api/core/services.hpp"
#include "api/jobs/parked_leases.hpp"

namespace weir::api {

// Until the returned handle dies; `services` and `leases` outlive it.
[[nodiscard]] std::shared_ptr<void> add_collectors(Services& services, const ParkedLeases& leases);

}  // namespace weir::api
