#include "api/http/wire.hpp"

#include <algorithm>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/status.hpp>

#include "api/http/refusals.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::http {
namespace {

std::string lower(boost::beast::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) out += c;
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  append_clean(out, name);
  out += ": ";
  append_clean(out, value);
  out += "\r\n";
}

}  // namespace

Result<std::shared_ptr<Request>> make_request(const BeastRequest& head,
                                              const std::string& request_id,
                                              const std::string& remote_address) {
  if (head.version() != 10 && head.version() != 11) {
    return malformed_request("HTTP/1.1 is spoken here");
  }
  auto request = std::make_shared<Request>();
  request->method = std::string(head.method_string());
  request->id = request_id;
  request->remote_address = remote_address;
  std::size_t hosts = 0;
  for (const auto& field : head) {
    request->headers.emplace_back(lower(field.name_string()), std::string(field.value()));
    const auto& [name, value] = request->headers.back();
    if (name == "host") ++hosts;
    if (name != "transfer-encoding") continue;
    if (head.version() == 10) return malformed_request("HTTP/1.0 has no transfer codings");
    if (value != "chunked") return malformed_request("chunked is the only transfer coding");
  }
  if (hosts > 1 || (hosts == 0 && head.version() == 11)) {
    return malformed_request("HTTP/1.1 wants exactly one Host header");  // RFC 9112, 3.2
  }
  const auto encoding = request->header("content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return Error{Code::unsupported_media, "unsupported_encoding",
                 "Compressed request bodies are not accepted",
                 "Content-Encoding was " + std::string(encoding)};
  }
  return request;
}

std::string to_wire(const Response& response, const WireOptions& options) {
  const bool has_body = response.status != 204 && response.status != 304;
  std::string out;
  out.reserve(256 + (options.head_only ? 0 : response.body.size()));
  out += "HTTP/1.1 " + std::to_string(response.status) + " ";
  const auto reason = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(response.status)));
  out.append(reason.data(), reason.size());
  out += "\r\n";
  if (has_body) {
    append_header(out, "Content-Type", response.content_type);
    if (options.length == BodyLength::known)
      append_header(out, "Content-Length", std::to_string(response.body.size()));
    if (options.length == BodyLength::chunked) out += "Transfer-Encoding: chunked\r\n";
  }
  append_header(out, "Date", format_http_date(options.date));
  append_header(out, "X-Request-Id", options.request_id);
  out += "X-Content-Type-Options: nosniff\r\n";
  const auto is_cache_control = [](const auto& header) { return header.first == "Cache-Control"; };
  if (std::ranges::none_of(response.headers, is_cache_control))
    out += "Cache-Control: no-store\r\n";
  if (!options.keep_alive) out += "Connection: close\r\n";
  for (const auto& [name, value] : response.headers) append_header(out, name, value);
  out += "\r\n";
  if (has_body && !options.head_only) out += response.body;
  return out;
}

}  // namespace weir::http
