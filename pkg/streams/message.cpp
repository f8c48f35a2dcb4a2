#include "pkg/streams/message.hpp"

#include <algorithm>

#include "pkg/base/base64.hpp"

namespace weir::streams {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

void write_data(json::Writer& out, const std::string& data) {
  if (json::check(data)) {
    out.raw_member("data", json::View(data).raw());
  } else if (json::is_utf8(data)) {
    out.member("data", data).member("encoding", "text");
  } else {
    out.member("data", base64_encode(data)).member("encoding", "base64");
  }
}

Error bad_message(std::string why) {
  return {Code::invalid, "bad_message", "The message cannot be stored so.", why, {{"data", why}}};
}

// What a publisher expected of the stream says nothing to readers.
bool is_shown(const std::pair<std::string, std::string>& header) {
  return json::is_utf8(header.first) && json::is_utf8(header.second) &&
         !header.first.starts_with("Nats-Expected-");
}

}  // namespace

void write_message(json::Writer& out, const nats::StoredMessage& message) {
  out.member("sequence", message.sequence).member("subject", message.subject);
  out.member("at", from_unix_ms(message.time_ns / kNsPerMs));
  if (std::any_of(message.headers.begin(), message.headers.end(), is_shown)) {
    out.key("headers").begin_object();
    for (const auto& header : message.headers) {
      if (is_shown(header)) out.member(header.first, header.second);
    }
    out.end_object();
  }
  write_data(out, message.data);
}

std::string message_json(const nats::StoredMessage& message) {
  json::Writer out(message.data.size() + 160);
  out.begin_object();
  write_message(out, message);
  return out.end_object().take();
}

Result<std::string> bytes_of(json::View data, std::string_view encoding) {
  if (encoding.empty() || encoding == "json") return std::string(data.raw());
  const auto text = data.as_string();
  if (!text) return bad_message("must be a text, for encoding " + std::string(encoding));
  if (encoding == "text") return *text;
  if (encoding != "base64") return bad_message("encoding must be json, text or base64");
  auto bytes = base64_decode(*text);
  if (!bytes) return bad_message("is not base64");
  return std::move(*bytes);
}

}  // namespace weir::streams
