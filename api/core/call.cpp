#include "api/core/call.hpp"

#include <charconv>

#include "api/core/command.hpp"
#include "api/core/envelope.hpp"
#include "api/core/live_keys.hpp"
#include "api/core/stored_values.hpp"
#include "pkg/auth/audit_machine.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

std::optional<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A request as the audit log keeps it: the secret of a webhook and the patch of a redrive are
// hidden.
std::string without_secrets(json::View body) {
  constexpr std::string_view kHidden = "\"***\"";
  json::Writer out(body.raw().size());
  out.begin_object();
  for (const auto& member : body.members()) {
    if (member.raw_key == "webhook" && member.value.is_object()) {
      out.key("webhook").begin_object();
      for (const auto& each : member.value.members()) {
        out.raw_member(each.raw_key, each.raw_key == "secret" ? kHidden : each.value.raw());
      }
      out.end_object();
    } else {
      out.raw_member(member.raw_key, member.raw_key == "patch" ? kHidden : member.value.raw());
    }
  }
  return out.end_object().take();
}

}  // namespace

void Call::reply(int status, std::string json, std::optional<replica::Revision> revision) const {
  const auto* values = command_ == nullptr ? nullptr : command_->values;
  if (values == nullptr || !mentions_stored_form(json)) {
    return reply_plain(status, std::move(json), revision);
  }
  values->answer(*this, command_->holds.gives, status, std::move(json), revision);
}

void Call::reply_plain(int status, std::string json,
                       std::optional<replica::Revision> revision) const {
  http::Response response{.status = status, .body = std::move(json)};
  if (revision) response.headers.emplace_back("Weir-Revision", std::to_string(*revision));
  responder_.send(std::move(response));
}

void Call::fail(const Error& error) const {
  responder_.send(error_response(error, request_->id));
}

Result<void> check_stream_name(const auth::Principal& principal, std::string_view name) {
  if (principal.allows_stream(name)) return {};
  return Error{Code::forbidden, "stream_not_allowed", "The API key is not for this stream or room.",
               std::string(name)};
}

http::EventStream Call::open_stream(http::EventStream::Options options) const {
  auto stream = http::EventStream::open(responder_, std::move(options));
  if (live_keys_ != nullptr) live_keys_->add(*principal_, stream);
  return stream;
}

std::string Call::actor() const {
  if (command_ == nullptr || !command_->audited) return {};
  // Nothing of keys, and no payloads of jobs nor parts of them.
  const bool asked = command_->scope == auth::Scope::queues_admin && body_.is_object() &&
                     body_.members().begin() != body_.members().end() &&
                     body_.find("job").is_missing();
  const std::string details = asked ? without_secrets(body_) : std::string();
  auto target = request_->params.empty() ? std::string() : request_->params.front().second;
  if (target.empty()) target = body_.find("name").as_string().value_or("");
  return auth::to_json({.key_id = principal_->key_id,
                        .key_name = principal_->name,
                        .address = request_->remote_address,
                        .request_id = request_->id,
                        .action = command_->name,
                        .target = target,
                        .details = details});
}

Result<void> Call::check_queue(std::string_view queue) const {
  if (principal_->allows_queue(queue)) return {};
  return Error{Code::forbidden, "queue_not_allowed", "The API key is not for this queue.",
               "queue: " + std::string(queue) + "; key: " + principal_->key_id};
}

Error bad_parameter(std::string_view name, std::string_view what) {
  return {Code::bad_request, "bad_parameter", "A query parameter is not acceptable.",
          std::string(name) + ": " + std::string(what)};
}

std::string only_allowed(const Call& call, std::string page, std::string (*queue_of)(json::View)) {
  if (call.principal().queues.empty()) return page;
  const json::View view(page);
  json::Writer out(page.size());
  out.begin_object().key("items").begin_array();
  for (const json::View item : view.find("items").elements()) {
    if (call.principal().allows_queue(queue_of(item))) out.raw(item.raw());
  }
  out.end_array();
  return out.raw_member("next_cursor", view.find("next_cursor").raw()).end_object().take();
}

Result<std::int64_t> query_int(const http::Request& request, std::string_view name,
                               std::int64_t fallback, std::int64_t low, std::int64_t high) {
  const auto text = request.query_value(name);
  if (!text) return fallback;
  const auto value = parse_int(*text);
  if (!value || *value < low || *value > high) {
    return bad_parameter(
        name, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return *value;
}

Result<bool> query_bool(const http::Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text || *text == "false" || *text == "0") return false;
  if (*text == "true" || *text == "1" || text->empty()) return true;
  return bad_parameter(name, "true or false");
}

Result<Millis> query_duration(const http::Request& request, std::string_view name, Millis longest) {
  const auto text = request.query_value(name);
  if (!text) return Millis{0};
  const std::string allowed =
      "milliseconds or a text like 30s, at most " + format_duration(longest);
  Millis value{-1};
  if (const auto number = parse_int(*text)) {
    value = Millis{*number};
  } else if (const auto parsed = parse_duration(*text)) {
    value = *parsed;
  }
  if (value.count() < 0 || value > longest) return bad_parameter(name, allowed);
  return value;
}

}  // namespace weir::api
