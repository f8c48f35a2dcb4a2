#include "api/core/audit_trail.hpp"

#include "api/runtime/timers.hpp"
#include "pkg/auth/audit_machine.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

constexpr Millis kLookAgain{500};
constexpr std::size_t kMostDetails = 4'096;  // bytes, as of the routes

void propose(Services& services, replica::Operation operation) {
  if (services.instance.resyncing()) {
    services.timers.set(services.clock.mono() + kLookAgain,
                        [&services, operation] { propose(services, operation); });
    return;
  }
  services.instance.propose(std::move(operation), [](const Result<replica::Reply>& reply) {
    if (!reply) log::warn("audit_record_lost", {{"error", describe(reply.error())}});
  });
}

}  // namespace

std::string actor_of(const rpc::Call& call, std::string_view action, std::string_view target,
                     std::string_view details) {
  return auth::to_json({.key_id = call.principal().key_id,
                        .key_name = call.principal().name,
                        .address = call.caller().address,
                        .request_id = call.request_id(),
                        .action = action,
                        .target = target,
                        .details = details.size() <= kMostDetails ? details : std::string_view()});
}

void record(Services& services, const rpc::Call& call, std::string_view action,
            std::string_view target, const Result<void>& outcome) {
  json::Writer body;
  body.begin_object().raw_member("actor", actor_of(call, action, target));
  body.member("operation", action).member("outcome", outcome ? "ok" : outcome.error().reason);
  propose(services, {"audit.record", body.end_object().take()});
}

}  // namespace weir::api
