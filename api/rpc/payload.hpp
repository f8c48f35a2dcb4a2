// Payload: reads the members of a command's payload and collects every complaint, so that a request
// hears of all its errors at once. Which names may stand there is checked by the dispatcher. Not
// thread-safe.
//
//   rpc::Payload payload(call.payload());
//   const auto key = payload.text("key", kMaxKeyBytes);
//   WEIR_TRY(payload.done());
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"

namespace weir::rpc {

class Payload {
 public:
  explicit Payload(json::View payload) : payload_(payload) {}

  // Null counts as not given, but for raw().
  bool has(std::string_view name) const;
  json::View raw(std::string_view name) const { return payload_.find(name); }
  std::optional<std::string> text(std::string_view name, std::size_t most_bytes);
  std::string required_text(std::string_view name, std::size_t most_bytes);  // 1 byte at least
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  bool flag(std::string_view name, bool fallback);
  std::vector<std::string> texts(std::string_view name, std::size_t most_items);

  void complain(std::string field, std::string message);
  // Error: invalid / invalid_payload with every field.
  Result<void> done() const;

 private:
  json::View payload_;
  std::vector<FieldError> fields_;
};

}  // namespace weir::rpc
