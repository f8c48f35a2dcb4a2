// What `weir doctor` says about the keys that payloads are encrypted with.
#include "cmd/weir/doctor/doctor_checks.hpp"
#include "pkg/crypto/key_ring.hpp"

namespace weir::cli {

Finding check_payload_keys(const std::string& path) {
  const auto ring = crypto::KeyRing::load(path);
  if (!ring) {
    return {Severity::error, "payload keys", ring.error().details,
            "repair the file, or make one: weir payload-key generate FILE; without the keys that "
            "sealed them payloads cannot be read"};
  }
  const auto more = ring->keys().size() - 1;
  return {Severity::ok, "payload keys",
          "sealing with " + ring->current().id + ", " + std::to_string(more) + " older for reading",
          ""};
}

}  // namespace weir::cli
