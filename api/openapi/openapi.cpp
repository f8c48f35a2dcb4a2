#include "api/openapi/openapi.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "api/core/envelope.hpp"
#include "api/openapi/schemas.hpp"

namespace weir::api {
namespace {

using Json = nlohmann::ordered_json;

Json parse(std::string_view text) {
  return Json::parse(text);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c | 0x20);
  return out;
}

// The names between braces of "/v1/queues/{queue}/lease".
std::vector<std::string> path_parameters(std::string_view path) {
  std::vector<std::string> names;
  for (auto open = path.find('{'); open != std::string_view::npos; open = path.find('{', open)) {
    const auto close = path.find('}', open);
    names.emplace_back(path.substr(open + 1, close - open - 1));
    open = close;
  }
  return names;
}

Json parameter(std::string_view name, std::string_view where, std::string_view description,
               Json schema, bool required) {
  Json out = {{"name", name}, {"in", where}, {"required", required}, {"schema", std::move(schema)}};
  if (!description.empty()) out["description"] = description;
  return out;
}

Json parameters_of(const Command& command) {
  Json out = Json::array();
  for (const auto& name : path_parameters(command.path)) {
    out.push_back(parameter(name, "path", "", {{"type", "string"}}, true));
  }
  for (const auto& query : command.query) {
    out.push_back(parameter(query.name, "query", query.description, parse(query.schema), false));
  }
  if (command.reads_state) {
    out.push_back({{"$ref", "#/components/parameters/MinRevision"}});
  }
  if (command.idempotency_key) {
    out.push_back({{"$ref", "#/components/parameters/IdempotencyKey"}});
  }
  return out;
}

Json request_body(const Command& command) {
  const Json schema = parse(command.request_schema);
  Json content = {{"application/json", {{"schema", schema}}}};
  if (command.body == Body::json_or_ndjson) {
    content["application/x-ndjson"] = {{"schema", {{"type", "string"}}}};
  }
  return {{"required", command.body != Body::optional_json}, {"content", content}};
}

Json answer_json(const Answer& answer) {
  Json media = Json::object();
  if (!answer.schema.empty()) media["schema"] = parse(answer.schema);
  Json out = {{"description", answer.description},
              {"headers", {{"X-Request-Id", {{"$ref", "#/components/headers/RequestId"}}}}}};
  if (!answer.content_type.empty()) out["content"] = {{answer.content_type, media}};
  return out;
}

// The errors of a command: its own and those of what the gateway does for it.
std::vector<Problem> problems_of(const Command& command) {
  std::vector<Problem> out = command.errors;
  if (command.scope != auth::Scope::none) {
    out.push_back({Code::unauthenticated, "missing_credentials"});
    out.push_back({Code::unauthenticated, "bad_api_key"});
    out.push_back({Code::unauthenticated, "expired_api_key"});
    out.push_back({Code::too_many_requests, "too_many_wrong_keys"});
    out.push_back({Code::too_many_requests, "rate_limit_exceeded"});
    if (!command.any_key) out.push_back({Code::forbidden, "missing_scope"});
    out.push_back({Code::unavailable, "catching_up"});
  }
  if (!command.query.empty()) out.push_back({Code::bad_request, "unknown_parameter"});
  if (command.reads_state) {
    out.push_back({Code::bad_request, "bad_min_revision"});
    out.push_back({Code::deadline_exceeded, "revision_not_reached"});
  }
  if (command.body != Body::none && command.body != Body::raw) {
    out.push_back({Code::bad_request, "invalid_json"});
    out.push_back({Code::bad_request, "json_too_deep"});
    out.push_back({Code::bad_request, "body_not_object"});
    out.push_back({Code::bad_request, "unknown_field"});
    out.push_back({Code::bad_request, "wrong_type"});
    out.push_back({Code::too_large, "body_too_large"});
    out.push_back({Code::unsupported_media, "unsupported_content_type"});
  }
  if (command.body == Body::required_json || command.body == Body::json_or_ndjson) {
    out.push_back({Code::bad_request, "body_required"});
  }
  out.push_back({Code::internal, "internal"});
  return out;
}

Json responses_of(const Command& command) {
  Json out = Json::object();
  for (const auto& answer : command.answers) {
    out[std::to_string(answer.status)] = answer_json(answer);
  }
  std::map<int, std::string> by_status;
  for (const auto& problem : problems_of(command)) {
    std::string& reasons = by_status[http_status(problem.code)];
    const std::string quoted = "`" + std::string(problem.reason) + "`";
    if (reasons.find(quoted) != std::string::npos) continue;
    reasons.append(reasons.empty() ? "" : ", ").append(quoted);
  }
  for (const auto& [status, reasons] : by_status) {
    const auto key = std::to_string(status);
    if (out.contains(key)) continue;
    out[key] = {{"description", "reason: " + reasons},
                {"content",
                 {{"application/json", {{"schema", {{"$ref", "#/components/schemas/Error"}}}}}}}};
  }
  return out;
}

Json operation_of(const Command& command) {
  Json out = {{"operationId", command.name}, {"tags", {command.tag}}, {"summary", command.summary}};
  std::string description(command.description);
  if (command.scope == auth::Scope::none) {
    out["security"] = Json::array();
  } else {
    const std::string scope(auth::to_string(command.scope));
    if (!command.any_key) out["x-weir-scope"] = scope;
    description += (description.empty() ? "" : "\n\n") +
                   (command.any_key ? "Needs a key; each command has a scope of its own."
                                    : "Needs scope `" + scope + "`.");
  }
  if (!description.empty()) out["description"] = description;
  if (const Json parameters = parameters_of(command); !parameters.empty()) {
    out["parameters"] = parameters;
  }
  if (command.body != Body::none) out["requestBody"] = request_body(command);
  out["responses"] = responses_of(command);
  return out;
}

Json components() {
  Json schemas = Json::object();
  for (const auto& part :
       {job_schemas(), work_schemas(), batch_schemas(), schedule_schemas(), webhook_schemas(),
        worker_schemas(), stream_schemas(), system_schemas()}) {
    for (const auto& schema : part) schemas[schema.name] = parse(schema.json);
  }
  return {
      {"schemas", schemas},
      {"parameters",
       {{"MinRevision",
         parameter("Weir-Min-Revision", "header",
                   "Answer from a state at least this new; a number from a Weir-Revision header.",
                   {{"type", "integer"}, {"minimum", 0}}, false)},
        {"IdempotencyKey",
         parameter("Idempotency-Key", "header",
                   "The request happens once: sent again with the same body it gets the first "
                   "answer again, with another body 409. Kept as long as the job; 24 hours for a "
                   "batch.",
                   {{"type", "string"}, {"minLength", 1}, {"maxLength", 255}}, false)}}},
      {"headers",
       {{"RequestId",
         {{"description", "Echoed when the request had one."}, {"schema", {{"type", "string"}}}}}}},
      {"securitySchemes",
       {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"description", "An API key."}}},
        {"apiKey", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-API-Key"}}}}}};
}

}  // namespace

std::string openapi_json(const CommandTable& table, std::string_view version) {
  Json paths = Json::object();
  Json tags = Json::array();
  std::vector<std::string_view> seen_tags;
  for (const auto& command : table) {
    paths[std::string(command.path)][lower(command.method)] = operation_of(command);
    if (std::find(seen_tags.begin(), seen_tags.end(), command.tag) == seen_tags.end()) {
      seen_tags.push_back(command.tag);
      tags.push_back({{"name", command.tag}});
    }
  }
  const Json document = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "Weir"},
        {"version", version},
        {"description",
         "Job and stream coordinator beside NATS. Errors: every answer of 400 and "
         "above has the schema Error; docs/errors.md lists the reasons."},
        {"license", {{"name", "See LICENSE"}}}}},
      {"servers", {{{"url", "/"}}}},
      {"security", {{{"bearer", Json::array()}}, {{"apiKey", Json::array()}}}},
      {"tags", tags},
      {"paths", paths},
      {"components", components()}};
  return document.dump(2);
}

}  // namespace weir::api
