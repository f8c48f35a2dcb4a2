#include "api/rpc/frame.hpp"

#include <algorithm>
#include <array>

#include "pkg/json/field_errors.hpp"
#include "pkg/json/writer.hpp"

namespace weir::rpc {
namespace {

constexpr std::string_view kNoPayload = "{}";

Error invalid_frame(std::string details) {
  return {Code::bad_request, "invalid_frame", "The frame is not one of the command API.",
          std::move(details)};
}

Result<std::string> read_request_id(json::View frame) {
  const auto id = frame.find("request_id");
  if (id.is_missing() || id.is_null()) return std::string();
  auto text = id.as_string();
  if (!text || text->empty() || text->size() > kMaxRequestIdBytes) {
    return invalid_frame("request_id: a text of 1 to " + std::to_string(kMaxRequestIdBytes) +
                         " bytes");
  }
  return *text;
}

Result<Request> read_request(json::View frame, const std::string& where) {
  if (!frame.is_object()) return invalid_frame(where + "an object {command, payload}");
  auto command = frame.find("command").as_string();
  if (!command || command->empty()) {
    return invalid_frame(where + "command: the name of a command, such as kv.get");
  }
  const auto payload = frame.find("payload");
  if (payload.is_missing() || payload.is_null()) {
    return Request{std::move(*command), json::View(kNoPayload)};
  }
  if (!payload.is_object()) {
    return Error{Code::invalid,
                 "invalid_payload",
                 "The payload of a command is an object.",
                 where + "payload",
                 {{where + "payload", "must be an object"}}};
  }
  return Request{std::move(*command), payload};
}

Result<Frame> read_batch(json::View view, Frame frame) {
  frame.batch = true;
  const auto commands = view.find("commands");
  if (!commands.is_array()) return invalid_frame("commands: a list of {command, payload}");
  for (const auto item : commands.elements()) {
    if (frame.requests.size() == kMaxBatch) {
      return invalid_frame("commands: at most " + std::to_string(kMaxBatch));
    }
    const auto where = "commands[" + std::to_string(frame.requests.size()) + "].";
    WEIR_ASSIGN(auto request, read_request(item, where));
    frame.requests.push_back(std::move(request));
  }
  if (frame.requests.empty()) return invalid_frame("commands: at least one");
  return frame;
}

struct ReasonRow {
  std::string_view reason;
  CodeRow wire;
};

constexpr CodeRow kInvalidCommand{"INVALID_COMMAND", 400};

// Where the reason says more than the code does.
constexpr std::array<ReasonRow, 13> kByReason{{
    {"unknown_command", kInvalidCommand},
    {"session_required", kInvalidCommand},
    {"key_not_found", {"KEY_NOT_FOUND", 404}},
    {"bucket_not_found", {"KEY_NOT_FOUND", 404}},
    {"queue_not_found", {"QUEUE_NOT_FOUND", 404}},
    {"room_not_found", {"ROOM_NOT_FOUND", 404}},
    {"topic_not_found", {"TOPIC_NOT_FOUND", 404}},
    {"job_not_found", {"MESSAGE_NOT_FOUND", 404}},
    {"message_not_found", {"MESSAGE_NOT_FOUND", 404}},
    {"key_exists", {"KEY_EXISTS", 409}},
    {"queue_exists", {"QUEUE_EXISTS", 409}},
    {"queue_full", {"QUEUE_FULL", 507}},
    {"quota_exceeded", {"QUOTA_EXCEEDED", 429}},
}};

CodeRow by_code(Code code) {
  switch (code) {
    case Code::bad_request:
    case Code::method_not_allowed:
    case Code::unsupported_media:
    case Code::upgrade_required:
      return {"INVALID_REQUEST", 400};
    case Code::invalid:
      return {"INVALID_PAYLOAD", 422};
    case Code::unauthenticated:
      return {"UNAUTHORIZED", 401};
    case Code::forbidden:
      return {"FORBIDDEN", 403};
    case Code::not_found:
      return {"MESSAGE_NOT_FOUND", 404};
    case Code::conflict:
      return {"CONFLICT", 409};
    case Code::too_large:
    case Code::header_too_large:
      return {"PAYLOAD_TOO_LARGE", 413};
    case Code::too_many_requests:
      return {"RATE_LIMIT_EXCEEDED", 429};
    case Code::internal:
      return {"INTERNAL_ERROR", 500};
    case Code::unavailable:
    case Code::deadline_exceeded:
      return {"SERVICE_UNAVAILABLE", 503};
    case Code::out_of_space:
      return {"MEMORY_LIMIT_EXCEEDED", 507};
  }
  return {"INTERNAL_ERROR", 500};
}

CodeRow row_of(const Error& error) {
  const auto* found = std::find_if(kByReason.begin(), kByReason.end(),
                                   [&](const auto& row) { return row.reason == error.reason; });
  return found == kByReason.end() ? by_code(error.code) : found->wire;
}

std::string details_of(const Error& error) {
  json::Writer out;
  out.begin_object().member("reason", error.reason);
  if (!error.details.empty()) out.member("details", error.details);
  if (error.retry_after.count() > 0) {
    out.member("retry_after_ms", static_cast<std::int64_t>(error.retry_after.count()));
  }
  json::write_field_errors(out, error.fields);
  return out.end_object().take();
}

void write_error(json::Writer& out, const Error& error) {
  const auto wire = to_wire(error);
  out.key("error").begin_object().member("code", wire.code).member("message", wire.message);
  out.raw_member("details", wire.details).end_object();
}

}  // namespace

Result<Frame> parse_frame(std::string_view text) {
  WEIR_TRY(json::check(text));
  const json::View view(text);
  if (!view.is_object()) return invalid_frame("a JSON object");
  Frame frame;
  WEIR_ASSIGN(frame.request_id, read_request_id(view));
  const auto type = view.find("type");
  const auto word = type.as_string().value_or("");
  if (word == "batch") return read_batch(view, std::move(frame));
  if (!type.is_missing() && !type.is_null() && word != "request" && word != "command") {
    return invalid_frame("type: request (or nothing), or batch");
  }
  WEIR_ASSIGN(auto request, read_request(view, ""));
  frame.requests.push_back(std::move(request));
  return frame;
}

std::string find_request_id(std::string_view text) {
  if (!json::check(text)) return {};
  auto id = json::View(text).find("request_id").as_string();
  return id && id->size() <= kMaxRequestIdBytes ? *id : std::string();
}

WireError to_wire(const Error& error) {
  const auto row = row_of(error);
  if (error.code == Code::internal) {
    return {row.code, row.status, "The server met an internal error; its log has the details."};
  }
  return {row.code, row.status, error.message, details_of(error)};
}

std::string success_frame(std::string_view request_id, std::string_view payload) {
  json::Writer out(payload.size() + 128);
  out.begin_object().member("type", "response").member("request_id", request_id);
  out.member("status", "success").member("success", true);
  return out.raw_member("payload", payload).end_object().take();
}

std::string error_frame(std::string_view request_id, const Error& error) {
  json::Writer out(256);
  out.begin_object().member("type", "response").member("request_id", request_id);
  out.member("status", "error").member("success", false);
  write_error(out, error);
  return out.end_object().take();
}

std::string success_item(std::string_view payload) {
  json::Writer out(payload.size() + 64);
  out.begin_object().member("status", "success");
  return out.raw_member("payload", payload).end_object().take();
}

std::string error_item(const Error& error) {
  json::Writer out(256);
  out.begin_object().member("status", "error");
  write_error(out, error);
  return out.end_object().take();
}

std::string batch_frame(std::string_view request_id, const std::vector<std::string>& items) {
  json::Writer out;
  out.begin_object().member("type", "batch_response").member("request_id", request_id);
  out.key("results").begin_array();
  for (const auto& item : items) out.raw(item);
  return out.end_array().end_object().take();
}

const std::vector<CodeRow>& code_rows() {
  static const std::vector<CodeRow> rows = [] {
    std::vector<CodeRow> all;
    const auto add = [&all](CodeRow row) {
      const bool known = std::any_of(all.begin(), all.end(),
                                     [&](const auto& each) { return each.code == row.code; });
      if (!known) all.push_back(row);
    };
    for (int code = 0; code <= static_cast<int>(Code::out_of_space); ++code) {
      add(by_code(static_cast<Code>(code)));
    }
    for (const auto& row : kByReason) add(row.wire);
    return all;
  }();
  return rows;
}

}  // namespace weir::rpc
