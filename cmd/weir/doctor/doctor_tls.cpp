// What `weir doctor` says about the way to the server: plain or TLS, and for how long.
#include "cmd/weir/doctor/doctor_checks.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/config/loader.hpp"
#include "pkg/crypto/certificate.hpp"

namespace weir::cli {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr Millis kSoon = std::chrono::hours(24 * 14);
constexpr Millis kNow = std::chrono::hours(24);

struct Place {
  std::string host;
  std::string port;
};

// Of a URL with a scheme.
Place place_of(const std::string& server) {
  const auto place = server.substr(server.find("://") + 3);
  if (const auto address = config::parse_address(place)) {
    return {address->host, std::to_string(address->port)};
  }
  const bool brackets = place.starts_with('[') && place.ends_with(']');
  return {brackets ? place.substr(1, place.size() - 2) : place,
          server.starts_with(kHttps) ? "443" : "80"};
}

}  // namespace

std::optional<Timestamp> certificate_end(const std::string& server) {
  if (!server.starts_with(kHttps)) return std::nullopt;
  const auto place = place_of(server);
  return crypto::certificate_end(place.host, place.port);
}

Finding check_transport(const std::string& server, std::optional<Timestamp> certificate_ends,
                        Timestamp now) {
  if (!server.starts_with(kHttps)) {
    if (config::is_loopback(place_of(server).host)) {
      return {Severity::ok, "transport", "plain HTTP on loopback", ""};
    }
    return {Severity::warning, "transport",
            "plain HTTP: keys and payloads can be read and changed on the way",
            "set http_tls_cert and http_tls_key, or speak TLS to a proxy in front of Weir"};
  }
  if (!certificate_ends) {
    return {Severity::warning, "transport", "HTTPS, but the certificate was not shown",
            "look at it with: openssl s_client -connect HOST:PORT"};
  }
  const auto ends = format_rfc3339(*certificate_ends);
  const auto left = *certificate_ends - now;
  if (left > kSoon) return {Severity::ok, "transport", "HTTPS, certificate until " + ends, ""};
  return {left > kNow ? Severity::warning : Severity::error, "transport",
          "the server's certificate ends at " + ends,
          "renew the file of http_tls_cert; the server reads it again by itself"};
}

}  // namespace weir::cli
