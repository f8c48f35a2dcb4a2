// Gateway: binds commands to HTTP routes, doing for each what is the same for all: authorization,
// request limits, content type, JSON check, query parameter names, Weir-Min-Revision. Thread-safe;
// must outlive the routes it made.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "api/core/command.hpp"
#include "api/core/key_attempts.hpp"
#include "api/core/request_limits.hpp"
#include "api/core/stored_values.hpp"
#include "api/http/types.hpp"
#include "api/runtime/workers.hpp"
#include "pkg/auth/key_machine.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

enum class AuthMode : std::uint8_t {
  keys,  // every command with a scope needs a key
  off,   // --dev-no-auth: everybody is admin
};

class Gateway {
 public:
  struct Parts {
    const auth::KeyMachine& keys;
    replica::Instance& instance;
    Workers& workers;
    const Clock& clock;
    const StoredValues& values;
    RequestLimits& limits;
    LiveKeys& live_keys;
    AuthMode auth = AuthMode::keys;
  };
  explicit Gateway(Parts parts);

  // The table must outlive the route.
  http::Route bind(const Command& command) const;

  // Whose credentials a request carries: X-API-Key, Authorization with Bearer or Basic (the key as
  // password) or, only when `key_in_query`, ?api_key=. Errors: unauthenticated /
  // missing_credentials, bad_api_key, expired_api_key; unavailable / catching_up.
  Result<std::shared_ptr<const auth::Principal>> authenticate(const http::Request& request,
                                                              bool key_in_query) const;

 private:
  using Request = std::shared_ptr<const http::Request>;

  using Shared = std::optional<RequestLimits::Shared>;

  // Whose request it is, and whether it may be made; then answer().
  void serve(const Command& command, const Shared& shared, Request request,
             http::Responder responder) const;
  std::optional<ratelimit::Verdict> judge(
      const Command& command, const Shared& shared, const http::Request& request,
      const Result<std::shared_ptr<const auth::Principal>>& principal) const;
  void answer(const Command& command, const Request& request, const http::Responder& responder,
              const std::shared_ptr<const auth::Principal>& principal) const;
  // The rest of answer(): blocks when StoredValues::may_block() says so.
  void handle(const Command& command, const Request& request, const http::Responder& responder,
              const std::shared_ptr<const auth::Principal>& principal, json::View body) const;
  Result<std::shared_ptr<const auth::Principal>> authorize(const Command& command,
                                                           const http::Request& request) const;
  void run_when_applied(const Command& command, const Call& call) const;

  Parts parts_;
  std::unique_ptr<KeyAttempts> attempts_;
  std::shared_ptr<const auth::Principal> nobody_;     // on public commands
  std::shared_ptr<const auth::Principal> everybody_;  // when auth is off
};

// The media type of a Content-Type value, lower case, without parameters: "application/json".
std::string media_type(std::string_view content_type);

}  // namespace weir::api
