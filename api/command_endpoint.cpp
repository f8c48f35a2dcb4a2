#include "api/core/rpc_commands.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kMaxFrameBytes = 16U << 20U;

http::Response to_http(rpc::Outcome outcome) {
  http::Response response{.status = outcome.status, .body = std::move(outcome.frame)};
  if (outcome.retry_after.count() > 0) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(outcome.retry_after).count();
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  if (outcome.status == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"weir\"");
  }
  return response;
}

constexpr std::string_view kFrameSchema = R"({"oneOf":[
  {"type":"object","required":["command"],"properties":{
    "command":{"type":"string","example":"kv.set"},"payload":{"type":"object"},
    "request_id":{"type":"string","minLength":1,"maxLength":128},
    "type":{"type":"string","enum":["request","command"]}}},
  {"type":"object","required":["type","commands"],"properties":{
    "type":{"type":"string","const":"batch"},
    "request_id":{"type":"string","minLength":1,"maxLength":128},
    "commands":{"type":"array","minItems":1,"maxItems":1000,"items":{"type":"object",
      "required":["command"],
      "properties":{"command":{"type":"string"},"payload":{"type":"object"}}}}}}]})";

constexpr std::string_view kAnswerSchema = R"({"oneOf":[
  {"type":"object","required":["type","request_id","status","success"],"properties":{
    "type":{"type":"string","const":"response"},"request_id":{"type":"string"},
    "status":{"type":"string","enum":["success","error"]},"success":{"type":"boolean"},
    "payload":{"type":"object"},
    "error":{"type":"object","required":["code","message","details"],"properties":{
      "code":{"type":"string"},"message":{"type":"string"},"details":{"type":"object"}}}}},
  {"type":"object","required":["type","request_id","results"],"properties":{
    "type":{"type":"string","const":"batch_response"},"request_id":{"type":"string"},
    "results":{"type":"array","items":{"type":"object"}}}}]})";

std::string describe_commands(const rpc::CommandTable& table) {
  std::string text =
      "One frame, or a batch of up to 1000 that is not atomic. Errors have the same frame and the "
      "HTTP status of their code. Commands:\n";
  for (const auto& command : table) {
    text.append("\n- `").append(command.name).append("`: ").append(command.summary).append(".");
    std::string fields;
    for (const auto& field : command.payload) {
      fields.append(fields.empty() ? "" : ", ").append(field.name);
      if (field.required) fields.append("!");
    }
    if (!fields.empty()) text.append(" Takes ").append(fields).append(".");
    if (!command.answer.empty()) text.append(" Answers ").append(command.answer).append(".");
    text.append(" Scope `").append(auth::to_string(command.scope)).append("`.");
  }
  return text;
}

}  // namespace

void add_command_endpoint(CommandTable& table, rpc::Dispatcher& dispatcher) {
  // Descriptions are views; this one lives as long as its handler.
  const auto description =
      std::make_shared<const std::string>(describe_commands(dispatcher.table()));
  Command endpoint{.name = "command", .method = "POST", .path = "/api/v1/command"};
  endpoint.tag = "Command API";
  endpoint.any_key = true;
  endpoint.key_in_query = true;
  endpoint.body = Body::raw;
  endpoint.max_body_bytes = kMaxFrameBytes;
  endpoint.summary = "Run a command, or a batch of commands";
  endpoint.description = *description;
  endpoint.query = {{"api_key", "the API key, where no header can be sent"}};
  endpoint.request_schema = kFrameSchema;
  endpoint.answers = {{200, "The command succeeded, or the batch was run.", kAnswerSchema},
                      {400, "`INVALID_REQUEST`, `INVALID_COMMAND`", kAnswerSchema},
                      {401, "`UNAUTHORIZED`", kAnswerSchema},
                      {403, "`FORBIDDEN`", kAnswerSchema},
                      {404, "A `..._NOT_FOUND`", kAnswerSchema},
                      {409, "`KEY_EXISTS`, `QUEUE_EXISTS`, `CONFLICT`", kAnswerSchema},
                      {413, "`PAYLOAD_TOO_LARGE`", kAnswerSchema},
                      {422, "`INVALID_PAYLOAD`", kAnswerSchema},
                      {429, "`RATE_LIMIT_EXCEEDED`, `QUOTA_EXCEEDED`", kAnswerSchema},
                      {500, "`INTERNAL_ERROR`", kAnswerSchema},
                      {503, "`SERVICE_UNAVAILABLE`", kAnswerSchema},
                      {507, "`QUEUE_FULL`, `MEMORY_LIMIT_EXCEEDED`", kAnswerSchema}};
  endpoint.error_response = [](const Error& error, std::string_view request_id) {
    return to_http(rpc::refusal(request_id, error));
  };
  endpoint.handler = [&dispatcher, description](const Call& call) {
    rpc::Caller caller{.principal = call.principal_pointer(),
                       .address = call.request().remote_address};
    caller.on_closed = [call](std::function<void()> closed) {
      call.responder().on_closed(std::move(closed));
    };
    dispatcher.run(std::make_shared<const std::string>(call.request().body), std::move(caller),
                   [call](rpc::Outcome outcome) { call.send(to_http(std::move(outcome))); });
  };
  table.push_back(std::move(endpoint));
}

}  // namespace weir::api
