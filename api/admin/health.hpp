// The health documents as JSON text: /health, /health/status, /ready, /stats. Each looks at
// memory only, save /health/status, which asks NATS through the probe within its bound. Pure of
// HTTP; thread-safe.
#pragma once

#include <string>

#include "api/admin/assessment.hpp"
#include "api/admin/rates.hpp"
#include "api/core/services.hpp"

namespace weir::api {

// Longest wait for NATS in /health/status.
inline constexpr Millis kProbeWait{300};

struct Document {
  int status = 200;  // HTTP
  std::string json;
};

Document health_document(const Services& services);
Document system_status_document(const Services& services);
Document ready_document(const Services& services);
Document stats_document(const Services& services, const Rates& rates);

}  // namespace weir::api
