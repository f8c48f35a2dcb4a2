// The Retry-After header (RFC 9110 section 10.2.3). Pure.
#pragma once

#include <string_view>

#include "pkg/base/clock.hpp"

namespace weir::webhook {

// Seconds, or a date; 0 when it is neither or is over.
Millis parse_retry_after(std::string_view text, Timestamp now);

}  // namespace weir::webhook
