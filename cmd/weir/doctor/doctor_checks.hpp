// What `weir doctor` looks at. Each check answers findings; a finding names its repair. The checks
// of the server's answers are pure, those of this machine only look.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cmd/weir/cli/output.hpp"
#include "pkg/base/clock.hpp"

namespace weir::cli {

enum class Severity : std::uint8_t { ok, warning, error };
std::string_view to_string(Severity severity);

struct Finding {
  Severity severity = Severity::ok;
  std::string check;    // "nats version"
  std::string message;  // what was seen
  std::string fix;      // what to do; empty when ok
};

// Known rules of NATS versions ("2.9.10"): what loses messages, fsync, recommended.
std::vector<Finding> check_nats_version(const std::string& version);
// These read /health/status. Components that are not well:
std::vector<Finding> check_health(const Json& body);
// Limits, discard policy and replicas of Weir's own streams:
std::vector<Finding> check_streams(const Json& body);
Finding check_fsync(const Json& body);
Finding check_nats_clock(const Json& body);
// Keys in use that are older than a year, of the answer to GET /v1/keys.
std::vector<Finding> check_keys(const Json& page, Timestamp now);
// `server` is the time in /health, `before` and `after` the local times around the request.
Finding check_clock(Timestamp server, Timestamp before, Timestamp after);
// What the server of an https URL shows; nothing when it cannot be asked.
std::optional<Timestamp> certificate_end(const std::string& server);
// Of the URL: whether others can listen, and how long the certificate is good.
Finding check_transport(const std::string& server, std::optional<Timestamp> certificate_ends,
                        Timestamp now);
// The file of payload keys: whether it can be used, and by others. Shows no key.
Finding check_payload_keys(const std::string& path);
Finding check_disk(const std::string& folder);
std::vector<Finding> check_permissions(const std::string& folder);
Finding check_open_files();

}  // namespace weir::cli
