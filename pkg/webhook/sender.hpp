// Sender: posts webhooks over HTTP and HTTPS. One thread carries all requests, so a receiver that
// is slow holds up nobody; names are resolved on a few threads beside it.
//
// A request connects only to addresses that the policy allows, the very ones that were looked at;
// it follows no redirects and reads no more of an answer than its head. HTTPS receivers must have a
// certificate for their name from a known authority.
//
// Lifecycle: make() -> start() -> stop(). send() is thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "pkg/base/clock.hpp"
#include "pkg/base/service.hpp"
#include "pkg/webhook/address_policy.hpp"
#include "pkg/webhook/target.hpp"

namespace weir::webhook {

struct Post {
  Target target = {};
  std::string id = {};
  std::int64_t unix_seconds = 0;
  std::string signature = {};
  std::string body = {};
};

struct Outcome {
  int status = 0;          // of the answer; 0: there was none
  std::string error = {};  // why it did not succeed; empty: 2xx. Names no more than the host
  Millis retry_after{0};
  bool final = false;  // trying again is no use
};

struct SenderOptions {
  AddressPolicy policy = {};
  std::string ca_file = {};  // authorities for https; empty: the system's
  Millis timeout{15'000};    // for one request as a whole
  std::string user_agent = "weir";
};

class Sender final : public Service {
 public:
  // Errors: invalid / bad_webhook_ca.
  static Result<std::unique_ptr<Sender>> make(const SenderOptions& options, const Clock& clock);
  ~Sender() override;

  Result<void> start() override;
  void stop() override;  // drops what is under way without telling

  // `done` is called once, on the sender's thread, and must not block; never after stop().
  void send(Post post, std::function<void(Outcome)> done);

 private:
  struct Impl;
  explicit Sender(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::webhook
