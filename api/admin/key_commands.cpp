#include "api/core/commands.hpp"
#include "jobs/quota.hpp"
#include "pkg/auth/key_request.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

// The applied key with its text as one more member. The only place where a secret leaves Weir.
std::string with_secret(const std::string& key_json, const std::string& text) {
  std::string out = key_json.substr(0, key_json.rfind('}'));
  out += ",\"key\":";
  json::append_quoted(out, text);
  return out + "}";
}

void propose_with_secret(Services& services, const Call& call, replica::Operation operation,
                         const auth::NewKey& key, int status) {
  operation.actor = call.actor();
  services.instance.propose(
      std::move(operation), [call, text = key.text, status](const Result<replica::Reply>& reply) {
        if (!reply) return call.fail(reply.error());
        http::Response response{.status = status, .body = with_secret(reply->json, text)};
        response.headers.emplace_back("Cache-Control", "no-store");
        response.headers.emplace_back("Weir-Revision", std::to_string(reply->revision));
        call.send(std::move(response));
      });
}

void create(Services& services, const Call& call) {
  const auto key = auth::make_key(services.random);
  auto operation = auth::create_key(call.body(), key, services.clock.wall());
  if (!operation) return call.fail(operation.error());
  propose_with_secret(services, call, std::move(*operation), key, 201);
}

// {items} as people see them: each with a quota says how much of it is used.
Result<std::string> list_keys(Services& services, sqlite::Database& db) {
  const auto waiting = jobs::waiting_by_key(db);
  const auto keys = services.keys.list_json();
  json::Writer out(keys.size() + 256);
  out.begin_object().key("items").begin_array();
  for (const auto key : json::View(keys).elements()) {
    const auto used = waiting.find(key.find("id").as_string().value_or(""));
    out.begin_object();
    for (const auto& member : key.members()) out.raw_member(member.key(), member.value.raw());
    if (!key.find("max_waiting").is_null()) {
      out.member("waiting", used == waiting.end() ? std::int64_t{0} : used->second);
    }
    out.end_object();
  }
  out.end_array().key("next_cursor").null().end_object();
  return out.take();
}

void rotate(Services& services, const Call& call) {
  const std::string id(call.param("id"));
  const auto key = auth::make_secret(services.random, id);
  if (auth::key_id_of(key.text) != id) {
    const auto known = services.keys.find_json(id);
    if (known) {
      return call.fail({Code::conflict, "key_not_rotatable",
                        "A key that the operator chose cannot be rotated here.",
                        "Start the server with another WEIR_API_KEY."});
    }
  }
  propose_with_secret(services, call, auth::rotate_key(key), key, 200);
}

Command key_command(std::string_view name, std::string_view method, std::string_view path) {
  return {.name = name,
          .method = method,
          .path = path,
          .tag = "Keys",
          .scope = auth::Scope::admin,
          .errors = {{Code::unavailable, "nats_unavailable"},
                     {Code::deadline_exceeded, "outcome_unknown"}}};
}

}  // namespace

void add_key_commands(CommandTable& table, Services& services) {
  Command make = key_command("keys.create", "POST", "/v1/keys");
  make.body = Body::required_json;
  make.summary = "Create an API key";
  make.description = "The key is shown in this answer and never again.";
  make.request_schema = R"({"$ref":"#/components/schemas/NewKey"})";
  make.answers = {{201, "The key.", R"({"$ref":"#/components/schemas/KeyWithSecret"})"}};
  make.errors.push_back({Code::invalid, "invalid_request"});
  make.errors.push_back({Code::conflict, "too_many_keys"});
  make.handler = [&services](const Call& call) { create(services, call); };
  table.push_back(std::move(make));

  Command list = key_command("keys.list", "GET", "/v1/keys");
  list.reads_state = true;
  list.summary = "List API keys, without their secrets";
  list.answers = {{200, "All keys.", R"({"$ref":"#/components/schemas/KeyPage"})"}};
  list.errors.clear();
  list.handler = [&services](const Call& call) {
    answer_read(services, call, [&](sqlite::Database& db) { return list_keys(services, db); });
  };
  table.push_back(std::move(list));

  Command revoke = key_command("keys.revoke", "DELETE", "/v1/keys/{id}");
  revoke.summary = "Revoke an API key, at once and for ever";
  revoke.answers = {{200, "Revoked.", R"({"$ref":"#/components/schemas/Key"})"}};
  revoke.errors.push_back({Code::not_found, "key_not_found"});
  revoke.errors.push_back({Code::conflict, "last_admin_key"});
  revoke.handler = [&services](const Call& call) {
    answer_write(services, call, auth::revoke_key(call.param("id")));
  };
  table.push_back(std::move(revoke));

  Command turn = key_command("keys.rotate", "POST", "/v1/keys/{id}/rotate");
  turn.summary = "Give an API key a new secret; the old one stops at once";
  turn.answers = {{200, "The key.", R"({"$ref":"#/components/schemas/KeyWithSecret"})"}};
  turn.errors.push_back({Code::not_found, "key_not_found"});
  turn.errors.push_back({Code::conflict, "key_revoked"});
  turn.errors.push_back({Code::conflict, "key_not_rotatable"});
  turn.handler = [&services](const Call& call) { rotate(services, call); };
  table.push_back(std::move(turn));
}

}  // namespace weir::api
