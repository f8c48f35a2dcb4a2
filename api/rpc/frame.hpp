// Frames of the command API: what clients say and hear on every surface (HTTP, WebSocket, NATS).
//
//   {"command":"kv.get","payload":{...},"request_id":"..."}           one command
//   {"type":"batch","request_id":"...","commands":[{command,payload}]} up to kMaxBatch of them
//   {"type":"response","request_id","status":"success","success":true,"payload":{...}}
//   {"type":"response","request_id","status":"error","success":false,
//    "error":{code,message,details}}
//   {"type":"batch_response","request_id","results":[{status,payload} or {status,error}]}
//
// Unknown members of a frame are ignored; those of a payload are the command's business. Pure
// functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"

namespace weir::rpc {

inline constexpr std::size_t kMaxBatch = 1000;
inline constexpr std::size_t kMaxRequestIdBytes = 128;

struct Request {
  std::string command;
  json::View payload;  // an object; `{}` when the frame has none
};

struct Frame {
  std::string request_id;  // empty: the client gave none
  bool batch = false;
  std::vector<Request> requests;  // exactly one unless batch
};

// The views point into `text`. Errors: bad_request / invalid_json, json_too_deep, invalid_frame;
// invalid / invalid_payload (a payload that is no object).
Result<Frame> parse_frame(std::string_view text);

// The request id of a frame that parse_frame() refuses, so that its error can still be told whose
// it is; empty when there is none to be found.
std::string find_request_id(std::string_view text);

// How the command API tells an error: its word, the HTTP status of the word, and the object
// {"reason","details","fields","retry_after_ms"}, of which only what is known.
struct WireError {
  std::string_view code;  // "KEY_NOT_FOUND"
  int status = 500;
  std::string message;
  std::string details = "{}";  // JSON object
};

// An internal error is told without what it says: that may name files and statements.
WireError to_wire(const Error& error);

std::string success_frame(std::string_view request_id, std::string_view payload);
std::string error_frame(std::string_view request_id, const Error& error);

// The parts of a batch's answer; join_batch() takes them in order.
std::string success_item(std::string_view payload);
std::string error_item(const Error& error);
std::string batch_frame(std::string_view request_id, const std::vector<std::string>& items);

// Every code, with its HTTP status, for the documentation.
struct CodeRow {
  std::string_view code;
  int status;
};
const std::vector<CodeRow>& code_rows();

}  // namespace weir::rpc
