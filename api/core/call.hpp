// Call: one authorised request on its way through a command's handler. Cheap to copy; copies answer
// the same request, once. A handler that parks keeps a copy and answers later from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/event_stream.hpp"
#include "api/http/types.hpp"
#include "pkg/auth/scope.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

struct Command;
class LiveKeys;

class Call {
 public:
  Call(std::shared_ptr<const http::Request> request, http::Responder responder,
       std::shared_ptr<const auth::Principal> principal, json::View body,
       const Command* command = nullptr, std::shared_ptr<const std::string> stored = nullptr,
       LiveKeys* live_keys = nullptr)
      : request_(std::move(request)),
        responder_(std::move(responder)),
        principal_(std::move(principal)),
        body_(body),
        command_(command),
        stored_(std::move(stored)),
        live_keys_(live_keys) {}

  const http::Request& request() const { return *request_; }
  const auth::Principal& principal() const { return *principal_; }
  const std::shared_ptr<const auth::Principal>& principal_pointer() const { return principal_; }
  const http::Responder& responder() const { return responder_; }
  // The checked JSON body; an empty body reads as `{}`. Values of jobs are in the form that is
  // stored (api/core/stored_values.hpp): the request has them as they came. Lives as long as the
  // call.
  json::View body() const { return body_; }
  // The whole body in that form; for NDJSON.
  std::string_view body_text() const { return stored_ ? *stored_ : request_->body; }
  std::string_view param(std::string_view name) const { return request_->param(name); }

  // Answers with JSON; `revision` becomes the Weir-Revision header. Stored values in it are put
  // back first, perhaps by a worker.
  void reply(int status, std::string json,
             std::optional<replica::Revision> revision = std::nullopt) const;
  // The same with the JSON as it is.
  void reply_plain(int status, std::string json, std::optional<replica::Revision> revision) const;
  void send(http::Response response) const { responder_.send(std::move(response)); }
  void fail(const Error& error) const;
  // Answers with events until the client goes, or its key is no longer good.
  http::EventStream open_stream(http::EventStream::Options options) const;

  // Who asks, for the operation of an audited command (replica::Operation::actor); else empty.
  std::string actor() const;

  // forbidden / queue_not_allowed when the key's patterns exclude `queue`.
  Result<void> check_queue(std::string_view queue) const;

 private:
  std::shared_ptr<const http::Request> request_;
  http::Responder responder_;
  std::shared_ptr<const auth::Principal> principal_;
  json::View body_;
  const Command* command_;                     // null: no command's
  std::shared_ptr<const std::string> stored_;  // what body_ points into; null: the request
  LiveKeys* live_keys_;                        // null: streams go on whatever the key
};

// forbidden / stream_not_allowed when the key's patterns exclude a stream or room.
Result<void> check_stream_name(const auth::Principal& principal, std::string_view name);

// A page {"items","next_cursor"} without the items of queues that the key is not for; `queue_of`
// tells an item's.
std::string only_allowed(const Call& call, std::string page, std::string (*queue_of)(json::View));

// Readers of query parameters. Errors: bad_request / bad_parameter naming it.
Result<std::int64_t> query_int(const http::Request& request, std::string_view name,
                               std::int64_t fallback, std::int64_t low, std::int64_t high);
Result<bool> query_bool(const http::Request& request, std::string_view name);  // false when absent
Result<Millis> query_duration(const http::Request& request, std::string_view name, Millis longest);
Error bad_parameter(std::string_view name, std::string_view what);

}  // namespace weir::api
