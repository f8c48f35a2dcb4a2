#include "pkg/auth/key_request.hpp"

#include <optional>

#include "pkg/auth/scope.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"

namespace weir::auth {
namespace {

using Fields = std::vector<FieldError>;

bool has_control_characters(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  }
  return false;
}

void check_name(json::View name, Fields& fields) {
  const auto text = name.as_string();
  if (!text || text->empty() || text->size() > kMaxKeyNameBytes || has_control_characters(*text)) {
    fields.push_back({"name", "must be a text of 1 to 128 bytes without control characters"});
  }
}

std::string scope_words() {
  std::string out;
  for (const auto& entry : kScopes) {
    out.append(out.empty() ? "" : ", ").append(entry.name);
  }
  return out;
}

void check_scopes(json::View scopes, Fields& fields) {
  std::size_t count = 0;
  for (const json::View scope : scopes.elements()) {
    const auto word = scope.as_string();
    if (!word || !find_scope(*word)) {
      fields.push_back(
          {"scopes[" + std::to_string(count) + "]", "must be one of " + scope_words()});
    }
    ++count;
  }
  if (!scopes.is_array() || count == 0 || count > kScopes.size()) {
    fields.push_back({"scopes", "must be a list of 1 to 11 of " + scope_words()});
  }
}

void check_queues(json::View queues, Fields& fields) {
  if (queues.is_missing() || queues.is_null()) return;
  std::size_t count = 0;
  for (const json::View pattern : queues.elements()) {
    const auto text = pattern.as_string();
    if (!text || !is_valid_queue_pattern(*text)) {
      fields.push_back({"queues[" + std::to_string(count) + "]",
                        "must be a queue name, a name followed by .*, or *"});
    }
    ++count;
  }
  if (!queues.is_array() || count > kMaxQueuePatterns) {
    fields.push_back({"queues", "must be a list of at most 64 patterns"});
  }
}

std::optional<Timestamp> check_expiry(json::View expires_at, Timestamp now, Fields& fields) {
  if (expires_at.is_missing() || expires_at.is_null()) return std::nullopt;
  const auto text = expires_at.as_string();
  if (text) {
    if (auto time = parse_rfc3339(*text); time && *time > now) return *time;
  }
  fields.push_back({"expires_at", "must be a time in the future, like 2027-01-31T00:00:00Z"});
  return std::nullopt;
}

std::optional<std::int64_t> check_quota(json::View max_waiting, Fields& fields) {
  if (max_waiting.is_missing() || max_waiting.is_null()) return std::nullopt;
  const auto number = max_waiting.as_int();
  if (number && *number >= 1 && *number <= kMaxQuota) return number;
  fields.push_back(
      {"max_waiting", "must be a whole number from 1 to " + std::to_string(kMaxQuota)});
  return std::nullopt;
}

// {limit!, per_ms = one minute}; per_ms may be a text like "1h".
std::optional<ratelimit::Allowance> check_rate(json::View rate, Fields& fields) {
  if (rate.is_missing() || rate.is_null()) return std::nullopt;
  const auto before = fields.size();
  for (const auto& member : rate.members()) {
    if (member.key() != "limit" && member.key() != "per_ms") {
      fields.push_back({"rate." + member.key(), "is not known; known: limit, per_ms"});
    }
  }
  const auto limit = rate.find("limit").as_int();
  if (!limit || *limit < 1 || *limit > kMaxRate) {
    fields.push_back(
        {"rate.limit", "must be a whole number from 1 to " + std::to_string(kMaxRate)});
  }
  const auto given = rate.find("per_ms");
  auto window = kDefaultRateWindow;
  if (!given.is_missing()) {
    window = Millis{given.as_int().value_or(0)};
    if (const auto text = given.as_string()) {
      const auto parsed = parse_duration(*text);
      window = parsed ? *parsed : Millis{0};
    }
  }
  if (window < Millis{1000} || window > kLongestRateWindow) {
    fields.push_back({"rate.per_ms", "must be from 1000 (a second) to 86400000 (a day)"});
  }
  if (fields.size() != before) return std::nullopt;
  return ratelimit::Allowance{*limit, window};
}

Result<void> check_members(json::View body) {
  for (const auto& member : body.members()) {
    const std::string name = member.key();
    if (name != "name" && name != "scopes" && name != "queues" && name != "streams" &&
        name != "expires_at" && name != "max_waiting" && name != "rate") {
      return Error{Code::bad_request, "unknown_field", "The request has a field that is not known.",
                   name + "; known: name, scopes, queues, streams, expires_at, max_waiting, rate"};
    }
  }
  return {};
}

void check_streams(json::View streams, Fields& fields) {
  if (streams.is_missing() || streams.is_null()) return;
  std::size_t count = 0;
  for (const json::View pattern : streams.elements()) {
    const auto text = pattern.as_string();
    if (!text || !is_valid_stream_pattern(*text)) {
      fields.push_back({"streams[" + std::to_string(count) + "]",
                        "must be the name of a stream or room, or the beginning of names and *"});
    }
    ++count;
  }
  if (!streams.is_array() || count > kMaxQueuePatterns) {
    fields.push_back({"streams", "must be a list of at most 64 patterns"});
  }
}

std::string id_body(std::string_view id) {
  json::Writer out;
  return out.begin_object().member("id", id).end_object().take();
}

}  // namespace

Result<replica::Operation> create_key(json::View body, const NewKey& key, Timestamp now) {
  WEIR_TRY(check_members(body));
  Fields fields;
  check_name(body.find("name"), fields);
  check_scopes(body.find("scopes"), fields);
  check_queues(body.find("queues"), fields);
  check_streams(body.find("streams"), fields);
  const auto expires_at = check_expiry(body.find("expires_at"), now, fields);
  const auto max_waiting = check_quota(body.find("max_waiting"), fields);
  const auto rate = check_rate(body.find("rate"), fields);
  if (!fields.empty()) {
    return Error{Code::invalid, "invalid_request", "The API key cannot be created like this.",
                 "See the fields.", std::move(fields)};
  }
  json::Writer out;
  out.begin_object().member("id", key.id).member("hash", key.hash);
  out.raw_member("name", body.find("name").raw()).raw_member("scopes", body.find("scopes").raw());
  if (body.find("queues").is_array()) out.raw_member("queues", body.find("queues").raw());
  if (body.find("streams").is_array()) out.raw_member("streams", body.find("streams").raw());
  if (expires_at) out.member("expires_at_ms", to_unix_ms(*expires_at));
  if (max_waiting) out.member("max_waiting", *max_waiting);
  if (rate) {
    out.key("rate").begin_object().member("limit", rate->limit);
    out.member("per_ms", rate->window.count()).end_object();
  }
  return replica::Operation{"keys.create", out.end_object().take()};
}

replica::Operation revoke_key(std::string_view id) {
  return {"keys.revoke", id_body(id)};
}

replica::Operation rotate_key(const NewKey& key) {
  json::Writer out;
  out.begin_object().member("id", key.id).member("hash", key.hash).end_object();
  return {"keys.rotate", out.take()};
}

replica::Operation bootstrap_key(const NewKey& key, KeySource source) {
  json::Writer out;
  out.begin_object().member("id", key.id).member("hash", key.hash);
  out.member("given", source == KeySource::given).end_object();
  return {"keys.bootstrap", out.take()};
}

}  // namespace weir::auth
