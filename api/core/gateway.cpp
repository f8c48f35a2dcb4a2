#include "api/core/gateway.hpp"

#include <algorithm>
#include <charconv>

#include "api/core/envelope.hpp"
#include "pkg/auth/key_text.hpp"
#include "pkg/base/base64.hpp"
#include "pkg/json/view.hpp"
#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

constexpr std::chrono::seconds kLongestRevisionWait{10};
constexpr json::Limits kBodyLimits{.max_bytes = 80U << 20U, .max_depth = 64};

// What follows the scheme in an Authorization header; empty when it has another one.
std::string_view after_scheme(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return {};
  const bool same = std::equal(scheme.begin(), scheme.end(), header.begin(),
                               [](char a, char b) { return a == (b | 0x20); });
  const auto first = header.find_first_not_of(' ', scheme.size());
  return same && first != std::string_view::npos ? header.substr(first) : std::string_view();
}

std::string credentials_of(const http::Request& request, bool key_in_query) {
  const auto header = request.header("authorization");
  if (const auto bearer = after_scheme(header, "bearer"); !bearer.empty()) {
    return std::string(bearer);
  }
  if (const auto basic = after_scheme(header, "basic"); !basic.empty()) {
    const auto pair = base64_decode(basic).value_or("");  // RFC 7617: user-id ":" password
    const auto colon = pair.find(':');
    if (colon != std::string::npos) return pair.substr(colon + 1);
  }
  if (const auto key = request.header("x-api-key"); !key.empty()) return std::string(key);
  return std::string(key_in_query ? request.query_value("api_key").value_or("") : "");
}

// Checks the body against what the command takes; the View is of the checked text.
Result<json::View> body_of(const Command& command, const http::Request& request) {
  static constexpr std::string_view kEmpty = "{}";
  if (command.body == Body::none || command.body == Body::raw) return json::View(kEmpty);
  if (request.body.empty()) {
    if (command.body == Body::optional_json) return json::View(kEmpty);
    return Error{Code::bad_request, "body_required", "The request needs a JSON body.",
                 std::string(command.method) + " " + std::string(command.path) +
                     " takes an object; see /docs"};
  }
  const std::string type = media_type(request.header("content-type"));
  if (command.body == Body::json_or_ndjson && type == "application/x-ndjson") return json::View();
  if (type != "application/json") {
    return Error{
        Code::unsupported_media, "unsupported_content_type",
        "The content type is not accepted here.",
        "Send Content-Type: application/json" +
            std::string(command.body == Body::json_or_ndjson ? " or application/x-ndjson" : "") +
            (type.empty() ? "; none was given" : "; got " + type)};
  }
  WEIR_TRY(json::check(request.body, kBodyLimits));
  const json::View view(request.body);
  if (!view.is_object()) {
    return Error{Code::bad_request, "body_not_object", "The body must be a JSON object.", ""};
  }
  return view;
}

Result<void> check_query(const Command& command, const http::Request& request) {
  for (const auto& [name, value] : request.query) {
    const bool known = std::any_of(command.query.begin(), command.query.end(),
                                   [&](const auto& parameter) { return parameter.name == name; });
    if (known || (command.key_in_query && name == "api_key")) continue;
    std::string allowed;
    for (const auto& parameter : command.query) {
      allowed.append(allowed.empty() ? "" : ", ").append(parameter.name);
    }
    return Error{Code::bad_request, "unknown_parameter", "A query parameter is not known.",
                 name + (allowed.empty() ? "; none are taken here" : "; known: " + allowed)};
  }
  return {};
}

Result<replica::Revision> parse_revision(std::string_view text) {
  replica::Revision revision = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (problem != std::errc{} || end != text.data() + text.size()) {
    return Error{Code::bad_request, "bad_min_revision", "Weir-Min-Revision must be a revision.",
                 "Send the number from a Weir-Revision header."};
  }
  return revision;
}

Error too_many_wrong_keys(Millis wait) {
  return {Code::too_many_requests,
          "too_many_wrong_keys",
          "Too many wrong API keys came from this address.",
          "Repair the client that sends them; this key was not looked at.",
          {},
          wait};
}

// Before there is a call: in the look that the command has for errors.
void refuse(const Command& command, const http::Request& request, const http::Responder& responder,
            const Error& error) {
  responder.send(command.error_response ? command.error_response(error, request.id)
                                        : error_response(error, request.id));
}

// Of routes below a stream or a room.
Result<void> check_stream(const Command& command, const http::Request& request,
                          const auth::Principal& principal) {
  if (principal.streams.empty()) return {};
  for (const auto* route : {"/v1/streams/{stream}", "/v1/rooms/{room}"}) {
    if (!command.path.starts_with(route)) continue;
    const std::string_view pattern(route);
    const auto open = pattern.find('{') + 1;
    return check_stream_name(principal,
                             request.param(pattern.substr(open, pattern.size() - open - 1)));
  }
  return {};
}

Error overloaded() {
  return {Code::unavailable, "overloaded", "Too many requests wait for a worker.",
          "Try again in a moment."};
}

}  // namespace

std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return type;
}

Gateway::Gateway(Parts parts) : parts_(parts), attempts_(std::make_unique<KeyAttempts>()) {
  nobody_ = std::make_shared<const auth::Principal>();
  auto everybody = std::make_shared<auth::Principal>();
  everybody->name = "dev-no-auth";
  everybody->scopes.add(auth::Scope::admin);
  everybody_ = std::move(everybody);
}

http::Route Gateway::bind(const Command& command) const {
  return {.method = std::string(command.method),
          .pattern = std::string(command.path),
          .lane = command.lane,
          .max_body_bytes = command.upgrade ? 0 : command.max_body_bytes,
          .upgrade = command.upgrade,
          .handler =
              [this, &command, shared = parts_.limits.shared_limit(command.path)](
                  Request request, const http::Responder& responder) {
                serve(command, shared, std::move(request), responder);
              },
          .error_response = command.error_response};
}

void Gateway::serve(const Command& command, const Shared& shared, Request request,
                    http::Responder responder) const {
  const auto principal = authorize(command, *request);
  if (const auto verdict = judge(command, shared, *request, principal)) {
    responder = with_headers(responder, parts_.limits.headers(*verdict));
    if (!verdict->allowed) {
      const bool of_key = principal && (*principal)->rate;
      if (!of_key) return responder.send(rate_limited_response(*verdict));
      return refuse(command, *request, responder, rate_limit_exceeded(*verdict));
    }
  }
  if (!principal) return refuse(command, *request, responder, principal.error());
  answer(command, request, responder, *principal);
}

std::optional<ratelimit::Verdict> Gateway::judge(
    const Command& command, const Shared& shared, const http::Request& request,
    const Result<std::shared_ptr<const auth::Principal>>& principal) const {
  if (principal && *principal != nobody_) return parts_.limits.of_key(**principal);
  if (!shared) return std::nullopt;
  // What is public is not limited for those who have a key, and they take nothing from the others.
  const bool has_key = command.scope == auth::Scope::none &&
                       !credentials_of(request, false).empty() &&
                       authenticate(request, false).has_value();
  if (has_key) return std::nullopt;
  return parts_.limits.of_address(*shared, request.remote_address);
}

void Gateway::answer(const Command& command, const Request& request,
                     const http::Responder& responder,
                     const std::shared_ptr<const auth::Principal>& principal) const {
  const http::Request& seen = *request;
  if (const auto known = check_query(command, seen); !known) {
    return refuse(command, seen, responder, known.error());
  }
  const auto body = body_of(command, seen);
  if (!body) return refuse(command, seen, responder, body.error());
  if (!parts_.values.may_block(command.holds.takes, seen)) {
    return handle(command, request, responder, principal, *body);
  }
  const bool runs =
      parts_.values.run([this, &command, request, responder, principal, view = *body] {
        handle(command, request, responder, principal, view);
      });
  if (!runs) refuse(command, seen, responder, overloaded());
}

void Gateway::handle(const Command& command, const Request& request,
                     const http::Responder& responder,
                     const std::shared_ptr<const auth::Principal>& principal,
                     json::View body) const {
  auto stored = parts_.values.store(command.holds.takes, *request, body.is_missing());
  if (!stored) return Call(request, responder, principal, body, &command).fail(stored.error());
  const auto text = *stored ? std::make_shared<const std::string>(std::move(**stored)) : nullptr;
  const auto view = text && !body.is_missing() ? json::View(*text) : body;
  const Call call(request, responder, principal, view, &command, text, &parts_.live_keys);
  if (command.reads_state && !request->header("weir-min-revision").empty()) {
    return run_when_applied(command, call);
  }
  command.handler(call);
}

Result<std::shared_ptr<const auth::Principal>> Gateway::authorize(
    const Command& command, const http::Request& request) const {
  if (command.scope == auth::Scope::none) return nobody_;
  auto principal = authenticate(request, command.key_in_query);
  if (!principal || command.any_key) return principal;
  if ((*principal)->scopes.allows(command.scope)) {
    if (const auto named = check_stream(command, request, **principal); !named) {
      return named.error();
    }
    return principal;
  }
  return Error{
      Code::forbidden, "missing_scope", "The API key lacks the scope for this.",
      "needs: " + std::string(auth::to_string(command.scope)) + "; key: " + (*principal)->key_id};
}

Result<std::shared_ptr<const auth::Principal>> Gateway::authenticate(const http::Request& request,
                                                                     bool key_in_query) const {
  if (parts_.auth == AuthMode::off) return everybody_;
  const std::string credentials = credentials_of(request, key_in_query);
  if (credentials.empty()) {
    return Error{Code::unauthenticated, "missing_credentials", "An API key is required.",
                 "Send Authorization: Bearer <key> or X-API-Key: <key>."};
  }
  // The keys are built anew too: one that was revoked would be good again for a moment.
  if (parts_.instance.resyncing()) {
    return Error{Code::unavailable,
                 "replica_resyncing",
                 "This coordinator builds its state anew.",
                 "Ask another one, or this one later.",
                 {},
                 Millis{1'000}};
  }
  const auto key_id = auth::key_id_of(credentials);
  const auto wait = attempts_->wait(request.remote_address, key_id, parts_.clock.mono());
  if (wait) return too_many_wrong_keys(*wait);
  auto principal = parts_.keys.authenticate(credentials, parts_.clock.wall());
  if (principal) {
    attempts_->was_right(request.remote_address, key_id);
  } else {
    const auto health = parts_.instance.health();
    if (!health.applying && health.problem.empty()) {
      // Catching up: the key may well be further on in the log.
      return Error{Code::unavailable, "catching_up", "This coordinator is still catching up.",
                   "Try again in a moment."};
    }
    const bool wrong = principal.error().reason == "bad_api_key";
    if (wrong && attempts_->was_wrong(request.remote_address, key_id, parts_.clock.mono())) {
      log::warn("wrong_api_keys", {{"address", request.remote_address}});
    }
  }
  return principal;
}

void Gateway::run_when_applied(const Command& command, const Call& call) const {
  const auto revision = parse_revision(call.request().header("weir-min-revision"));
  if (!revision) return call.fail(revision.error());
  parts_.instance.when_applied(
      *revision, parts_.clock.mono() + kLongestRevisionWait,
      [&command, call, &workers = parts_.workers](const Result<void>& applied) {
        if (!applied) return call.fail(applied.error());
        if (workers.run([&command, call] { command.handler(call); })) return;
        call.fail(overloaded());
      });
}

}  // namespace weir::api
