// Times and durations as text: RFC 3339 in UTC with milliseconds, the date of HTTP, and "1h30m".
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir {

// "2026-11-21T10:30:00.000Z" (RFC 3339 section 5.6). Times outside the years 0000 to 9999, which
// the format cannot say, are written as the nearest that it can.
std::string format_rfc3339(Timestamp time);
void append_rfc3339(std::string& out, Timestamp time);

// Accepts any RFC 3339 offset and 0-9 fraction digits. Error: invalid / bad_time.
Result<Timestamp> parse_rfc3339(std::string_view text);

// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 section 5.6.7).
std::string format_http_date(Timestamp time);

// "1h30m", "250ms", "2d", "90s", "1h 5m"; units ms s m h d w. Error: invalid / bad_duration.
Result<Millis> parse_duration(std::string_view text);

// "2h30m", "45s", "120ms": the largest two units that are not zero, as seed 003's uptime.
std::string format_duration(Millis duration);

}  // namespace weir
