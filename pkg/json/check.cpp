// The strict validator: simdjson's DOM parser, whose run-time dispatch picks the fastest kernel.
#include <simdjson.h>

#include "pkg/json/view.hpp"

namespace weir::json {
namespace {

Error to_error(simdjson::error_code code, const Limits& limits) {
  if (code == simdjson::DEPTH_ERROR) {
    return Error{Code::bad_request, "json_too_deep", "JSON is nested too deeply",
                 "at most " + std::to_string(limits.max_depth) + " levels are accepted"};
  }
  std::string why = simdjson::error_message(code);
  if (code == simdjson::NUMBER_ERROR) why = "a number is malformed or out of range";
  if (code == simdjson::UTF8_ERROR) why = "the text is not valid UTF-8";
  if (code == simdjson::EMPTY) why = "the text is empty";
  return Error{Code::bad_request, "invalid_json", "The text is not valid JSON", why};
}

}  // namespace

Result<void> check(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error{Code::too_large, "json_too_large", "The JSON text is too large",
                 std::to_string(text.size()) + " bytes, at most " +
                     std::to_string(limits.max_bytes) + " are accepted"};
  }
  // RFC 8259 section 8.1: no byte order mark. Newer simdjson skips one, a View would not.
  if (text.starts_with("\xef\xbb\xbf")) {
    return Error{Code::bad_request, "invalid_json", "The text is not valid JSON",
                 "it begins with a byte order mark"};
  }
  // A parser keeps its buffers between documents, so one per thread; a large document gives its
  // memory back at once.
  constexpr std::size_t kKeepBytes = 1U << 20U;
  thread_local simdjson::dom::parser kept;
  simdjson::dom::parser once;
  simdjson::dom::parser& parser = text.size() <= kKeepBytes ? kept : once;
  if (parser.capacity() < text.size() || parser.max_depth() != limits.max_depth) {
    const std::size_t capacity = std::max(text.size(), &parser == &kept ? kKeepBytes : 0);
    if (parser.allocate(capacity, limits.max_depth) != simdjson::SUCCESS) {
      return Error{Code::internal, "out_of_memory", "Not enough memory to read the JSON text", ""};
    }
  }
  const auto error = parser.parse(text.data(), text.size()).error();
  if (error != simdjson::SUCCESS) return to_error(error, limits);
  return {};
}

}  // namespace weir::json
