// Command: one thing a caller can ask, described once. Authorization, body checks, metrics,
// documentation (OpenAPI, /docs) and the HTTP binding all hang on this description; a handler only
// does the work. Commands are made at start and never change.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core/call.hpp"
#include "api/http/types.hpp"
#include "api/values/command_values.hpp"
#include "pkg/auth/scope.hpp"

namespace weir::api {

// What the request body may be. Only `ndjson` bodies reach the handler unchecked, line by line.
enum class Body : std::uint8_t {
  none,            // ignored
  optional_json,   // may be absent: reads as {}
  required_json,   // must be a JSON object
  json_or_ndjson,  // application/json, or application/x-ndjson in the request
  raw,             // whatever it is: the handler checks it
};

struct QueryParameter {
  std::string_view name;
  std::string_view description;
  std::string_view schema = R"({"type":"string"})";  // JSON Schema
};

class StoredValues;

struct Answer {
  int status;
  std::string_view description;
  std::string_view schema = {};  // JSON Schema; empty = not JSON (see content_type)
  std::string_view content_type = "application/json";
};

// An error a command can answer with, by its reason (docs/errors.md).
struct Problem {
  Code code;
  std::string_view reason;
};

struct Command {
  std::string_view name = {};              // "jobs.submit": in metrics and as OpenAPI operationId
  std::string_view method = {};            // "POST"
  std::string_view path = {};              // "/v1/jobs/{id}"
  std::string_view tag = {};               // group in the documentation
  auth::Scope scope = auth::Scope::admin;  // none = public
  bool any_key = false;                    // every valid key may come in; the handler checks scopes
  bool key_in_query = false;  // ?api_key= is taken too, for browsers that can send no header
  http::Lane lane = http::Lane::pool;
  Body body = Body::none;
  std::size_t max_body_bytes = 1U << 20U;
  // Honours Weir-Min-Revision: the handler reads replicated state.
  bool reads_state = false;
  // Takes an Idempotency-Key (api/jobs/idempotency.hpp).
  bool idempotency_key = false;
  bool upgrade = false;      // to a WebSocket (http::Route::upgrade)
  bool audited = false;      // see mark_audited()
  CommandValues holds = {};  // values_of() its name
  // Puts values back in its answers; null: there are none.
  const StoredValues* values = nullptr;
  std::string_view summary = {};
  std::string_view description = {};
  std::vector<QueryParameter> query = {};
  std::string_view request_schema = {};  // JSON Schema; empty when there is no body
  std::vector<Answer> answers = {};
  std::vector<Problem> errors = {};  // of its own, beyond those that every command can have
  std::function<void(Call)> handler = {};
  // The look of errors before the handler runs; empty: the envelope (api/core/envelope.hpp).
  std::function<http::Response(const Error&, std::string_view request_id)> error_response = {};
};

using CommandTable = std::vector<Command>;

}  // namespace weir::api
