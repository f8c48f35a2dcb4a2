// Requests from Beast's form, answers to bytes. Internal to this folder.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "api/http/types.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::http {

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;

inline std::string_view to_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Everything but path, query, params and body. Errors: unsupported_media / unsupported_encoding (a
// compressed body), bad_request / malformed_request (transfer codings other than chunked, HTTP
// versions other than 1.x, not exactly one Host).
Result<std::shared_ptr<Request>> make_request(const BeastRequest& head,
                                              const std::string& request_id,
                                              const std::string& remote_address);

enum class BodyLength : std::uint8_t {
  known,    // the response has its whole body
  chunked,  // the head only, a chunked body follows
  to_close  // the head only, the body ends with the connection
};

struct WireOptions {
  std::string_view request_id;
  Timestamp date;
  bool keep_alive;
  bool head_only;  // answer to HEAD: the length, but no body
  BodyLength length = BodyLength::known;
};
// CR, LF and other control characters in header names or values are dropped: nobody can inject one.
std::string to_wire(const Response& response, const WireOptions& options);

}  // namespace weir::http
