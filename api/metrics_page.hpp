// The numbers of /metrics that live in the replica, the job machine and the process: collected at
// each scrape. Label values are bounded: the queues with the most jobs, the rest as "_other".
#pragma once

#include "api/parked_leases.hpp"
#include "api/services.hpp"

namespace weir::api {

// `services` and `leases` outlive the registry's last render.
void add_collectors(Services& services, const ParkedLeases& leases);

}  // namespace weir::api
