// POST /kv/<command>: each kv.* command as a route of its own; the body is its payload, the answer
// its payload, errors are the plain envelope's.
#include "api/core/commands.hpp"

namespace weir::api {
namespace {

constexpr std::string_view kPrefix = "kv.";

// ["key", value] is the older form of a msetnx of one key.
std::string payload_of(std::string_view body) {
  const json::View view(body);
  if (!view.is_array()) return std::string(body);
  return "{\"pairs\":[" + std::string(body) + "]}";
}

void run(rpc::Dispatcher& dispatcher, std::string_view command, const Call& call) {
  const auto& body = call.request().body;
  const auto text = std::make_shared<const std::string>(body.empty() ? "{}" : body);
  if (const auto checked = json::check(*text); !checked) return call.fail(checked.error());
  const auto payload = std::make_shared<const std::string>(payload_of(*text));
  const json::View view(*payload);
  if (!view.is_object()) {
    return call.fail({Code::bad_request, "body_not_object", "The body must be a JSON object.", ""});
  }
  dispatcher.call(command, payload, view,
                  {.principal = call.principal_pointer(), .address = call.request().remote_address},
                  "", [call](Result<std::string> answer) {
                    if (!answer) return call.fail(answer.error());
                    call.reply(200, std::move(*answer));
                  });
}

}  // namespace

void add_plain_kv_commands(CommandTable& table, Services& services, rpc::Dispatcher& dispatcher) {
  for (const auto& each : dispatcher.table()) {
    if (!each.name.starts_with(kPrefix) || each.needs_session) continue;
    const auto verb = std::string(each.name.substr(kPrefix.size()));
    // Views of the table point into these for as long as the services live.
    const auto& path = services.names.emplace_back("/kv/" + verb);
    const auto& name = services.names.emplace_back("kv.plain." + verb);
    table.push_back(
        {.name = name,
         .method = "POST",
         .path = path,
         .tag = "Key-value",
         .scope = each.scope,
         .key_in_query = true,
         .body = Body::raw,
         .max_body_bytes = 16U << 20U,
         .summary = each.summary,
         .description = each.answer,
         .query = {{"api_key", "the API key, where no header can be sent"}},
         .request_schema = R"({"type":["object","array"]})",
         .answers = {{200, "The payload of the command's answer.", R"({"type":"object"})"}},
         .errors = {{Code::invalid, "invalid_payload"},
                    {Code::bad_request, "invalid_json"},
                    {Code::unavailable, "nats_unavailable"}},
         .handler = [&dispatcher, command = each.name](const Call& call) {
           run(dispatcher, command, call);
         }});
  }
}

}  // namespace weir::api
