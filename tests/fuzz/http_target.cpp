#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include "api/http/target.hpp"
#include "api/http/wire.hpp"
#include "api/rpc/frame.hpp"
#include "pkg/base/assert.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

namespace bhttp = boost::beast::http;

void try_target(std::string_view text) {
  const auto target = http::parse_target(text);
  if (!target) return;
  for (const auto& segment : target->segments) {
    WEIR_ASSERT(segment != "." && segment != "..");
    WEIR_ASSERT(segment.find('\0') == std::string::npos);
  }
}

// As a session reads it. What a client sent must not be able to add a header to the answer.
void try_request(std::string_view text) {
  bhttp::request_parser<bhttp::string_body> parser;
  parser.header_limit(16U << 10U);
  parser.body_limit(1U << 20U);
  parser.eager(true);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(text.data(), text.size()), error);
  if (!parser.is_header_done()) return;
  const auto& head = parser.get();
  try_target(http::to_view(head.target()));
  const auto request = http::make_request(head, "request-id", "127.0.0.1");
  if (!request) return;
  http::Response response{.status = 200, .body = "{}"};
  response.headers.emplace_back("X-Echo", std::string(http::to_view(head.target())));
  const auto wire = http::to_wire(
      response, {.request_id = "id", .date = Timestamp{}, .keep_alive = true, .head_only = false});
  const auto body = wire.find("\r\n\r\n");
  WEIR_ASSERT(body != std::string::npos && body + 6 == wire.size());
}

}  // namespace

void try_http(std::string_view input) {
  try_request(input);
  try_target(input);
  if (const auto frame = rpc::parse_frame(input)) {
    for (const auto& request : frame->requests) WEIR_ASSERT(request.payload.is_object());
  } else {
    (void)rpc::find_request_id(input);
  }
}

}  // namespace weir::fuzz
