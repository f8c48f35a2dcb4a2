#include "api/jobs/idempotency.hpp"

#include <algorithm>

#include "jobs/limits.hpp"

namespace weir::api {

Result<jobs::Idempotency> idempotency_of(const Services& services, const Call& call) {
  const auto& request = call.request();
  const auto key = request.header("idempotency-key");
  if (key.empty()) return jobs::Idempotency();
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (key.size() > jobs::kMaxIdempotencyKeyBytes || !printable) {
    return Error{Code::bad_request, "bad_idempotency_key", "The Idempotency-Key is not acceptable.",
                 "It must have 1 to " + std::to_string(jobs::kMaxIdempotencyKeyBytes) +
                     " printable ASCII characters."};
  }
  auto digests =
      services.values.sealer().digest(request.method + " " + request.path + "\n" + request.body);
  return jobs::Idempotency{.key = std::string(key),
                           .by = call.principal().key_id,
                           .digest = std::move(digests.digest),
                           .others = std::move(digests.others)};
}

}  // namespace weir::api
