#include "api/rpc/payload.hpp"

namespace weir::rpc {

bool Payload::has(std::string_view name) const {
  const auto value = payload_.find(name);
  return !value.is_missing() && !value.is_null();
}

std::optional<std::string> Payload::text(std::string_view name, std::size_t most_bytes) {
  if (!has(name)) return std::nullopt;
  auto value = payload_.find(name).as_string();
  if (!value) {
    complain(std::string(name), "must be a text");
  } else if (value->size() > most_bytes) {
    complain(std::string(name), "at most " + std::to_string(most_bytes) + " bytes");
    return std::nullopt;
  }
  return value;
}

std::string Payload::required_text(std::string_view name, std::size_t most_bytes) {
  const auto complaints = fields_.size();
  auto value = text(name, most_bytes).value_or("");
  if (value.empty() && fields_.size() == complaints) {
    complain(std::string(name), "is required, a text that is not empty");
  }
  return value;
}

std::optional<std::int64_t> Payload::integer(std::string_view name, std::int64_t least,
                                             std::int64_t most) {
  if (!has(name)) return std::nullopt;
  const auto value = payload_.find(name).as_int();
  if (value && *value >= least && *value <= most) return value;
  complain(std::string(name),
           "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

bool Payload::flag(std::string_view name, bool fallback) {
  if (!has(name)) return fallback;
  const auto value = payload_.find(name).as_bool();
  if (!value) complain(std::string(name), "must be true or false");
  return value.value_or(fallback);
}

std::vector<std::string> Payload::texts(std::string_view name, std::size_t most_items) {
  std::vector<std::string> out;
  const auto list = payload_.find(name);
  if (!list.is_array()) {
    complain(std::string(name), "must be a list of texts");
    return out;
  }
  for (const auto item : list.elements()) {
    const auto where = std::string(name) + "[" + std::to_string(out.size()) + "]";
    if (out.size() == most_items) {
      complain(std::string(name), "at most " + std::to_string(most_items));
      break;
    }
    auto value = item.as_string();
    if (!value) complain(where, "must be a text");
    out.push_back(std::move(value).value_or(""));
  }
  return out;
}

void Payload::complain(std::string field, std::string message) {
  fields_.push_back({std::move(field), std::move(message)});
}

Result<void> Payload::done() const {
  if (fields_.empty()) return {};
  return Error{Code::invalid, "invalid_payload", "A field of the payload is not acceptable.",
               fields_.front().field + ": " + fields_.front().message, fields_};
}

}  // namespace weir::rpc
