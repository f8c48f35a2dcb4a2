#include "pkg/structures/payload.hpp"

#include <algorithm>

#include "pkg/structures/limits.hpp"

namespace weir::structures {
namespace {

std::string at(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

std::string up_to_bytes(std::size_t bytes) {
  return "must not be longer than " + std::to_string(bytes) + " bytes";
}

}  // namespace

Payload::Payload(json::View object) : object_(object) {
  if (!object.is_object()) fail("", "must be a JSON object");
}

json::View Payload::take(std::string_view name, std::string_view alias) {
  known_.push_back(name);
  if (!alias.empty()) known_.push_back(alias);
  const json::View found = object_.find(name);
  return found.is_missing() && !alias.empty() ? object_.find(alias) : found;
}

std::string Payload::checked_key(json::View value, const std::string& field) {
  if (!value.is_string()) {
    fail(field, "is required and must be a string");
    return {};
  }
  std::string out = value.as_string().value_or("");
  if (out.empty() || out.size() > kMaxKeyBytes) {
    fail(field, "must have 1 to " + std::to_string(kMaxKeyBytes) + " bytes");
  }
  return out;
}

std::string Payload::key() {
  return checked_key(take("key"), "key");
}

std::vector<std::string> Payload::keys() {
  std::vector<std::string> out;
  const json::View many = take("keys", "key");
  if (many.is_string()) {
    out.push_back(checked_key(many, "key"));
    return out;
  }
  if (!many.is_array()) {
    fail("keys", "is required and must be an array of strings");
    return out;
  }
  for (const json::View one : many.elements()) {
    if (out.size() == kMaxItems) {
      fail("keys", "must not have more than " + std::to_string(kMaxItems) + " elements");
      return out;
    }
    out.push_back(checked_key(one, at("keys", out.size())));
  }
  if (out.empty()) fail("keys", "must not be empty");
  return out;
}

std::string Payload::text(std::string_view name, std::size_t max_bytes) {
  const json::View value = take(name);
  if (!value.is_string()) {
    fail(std::string(name), "is required and must be a string");
    return {};
  }
  std::string out = value.as_string().value_or("");
  if (out.size() > max_bytes) fail(std::string(name), up_to_bytes(max_bytes));
  return out;
}

std::int64_t Payload::integer(const IntegerField& field) {
  const json::View value = take(field.name);
  if (value.is_missing() && field.otherwise) return *field.otherwise;
  const auto number = value.as_int();
  if (!number || *number < field.least || *number > field.most) {
    fail(std::string(field.name), "must be an integer from " + std::to_string(field.least) +
                                      " to " + std::to_string(field.most));
    return field.least;
  }
  return *number;
}

bool Payload::flag(std::string_view name, std::string_view alias) {
  const json::View value = take(name, alias);
  if (value.is_missing()) return false;
  const auto out = value.as_bool();
  if (!out) fail(std::string(name), "must be true or false");
  return out.value_or(false);
}

json::View Payload::value(std::string_view name) {
  const json::View out = take(name);
  if (out.is_missing()) fail(std::string(name), "is required");
  if (out.raw().size() > kMaxValueBytes) fail(std::string(name), up_to_bytes(kMaxValueBytes));
  return out;
}

std::vector<json::View> Payload::values(std::string_view many, std::string_view one,
                                        std::size_t max_bytes) {
  std::vector<json::View> out;
  const json::View single = take(one);
  const json::View list = take(many);
  if (!single.is_missing()) {
    if (!list.is_missing()) fail(std::string(one), "must not stand beside " + std::string(many));
    if (single.raw().size() > max_bytes) fail(std::string(one), up_to_bytes(max_bytes));
    out.push_back(single);
    return out;
  }
  if (!list.is_array()) {
    fail(std::string(many), "is required and must be an array");
    return out;
  }
  for (const json::View element : list.elements()) {
    if (out.size() == kMaxItems) {
      fail(std::string(many), "must not have more than " + std::to_string(kMaxItems) + " elements");
      return out;
    }
    if (element.raw().size() > max_bytes) fail(at(many, out.size()), up_to_bytes(max_bytes));
    out.push_back(element);
  }
  if (out.empty()) fail(std::string(many), "must not be empty");
  return out;
}

void Payload::add_entry(std::vector<Entry>& out, Entry entry, const std::string& path) {
  if (entry.field.size() > kMaxMemberBytes) fail(path, "the name " + up_to_bytes(kMaxMemberBytes));
  if (entry.value.raw().size() > kMaxValueBytes) fail(path, up_to_bytes(kMaxValueBytes));
  out.push_back(std::move(entry));
}

std::vector<Payload::Entry> Payload::entries() {
  std::vector<Entry> out;
  const json::View many = take("fields");
  const json::View field = take("field");
  const json::View value = take("value");
  if (many.is_missing()) {
    if (!field.is_string()) fail("field", "is required and must be a string");
    if (value.is_missing()) fail("value", "is required");
    add_entry(out, {field.as_string().value_or(""), value}, "value");
    return out;
  }
  if (!field.is_missing() || !value.is_missing()) fail("field", "must not stand beside fields");
  if (many.is_object()) {
    for (const json::Member& member : many.members()) {
      if (out.size() > kMaxItems) break;
      add_entry(out, {member.key(), member.value}, "fields." + member.key());
    }
  } else if (many.is_array()) {
    for (const json::View one : many.elements()) {
      if (out.size() > kMaxItems) break;
      const json::View name = one.find("field");
      const json::View content = one.find("value");
      if (!name.is_string() || content.is_missing()) {
        fail(at("fields", out.size()), "must be an object of field (a string) and value");
      }
      add_entry(out, {name.as_string().value_or(""), content}, at("fields", out.size()));
    }
  } else {
    fail("fields", "must be an object, or an array of {field, value}");
    return out;
  }
  if (out.empty()) fail("fields", "must not be empty");
  if (out.size() > kMaxItems) {
    fail("fields", "must not have more than " + std::to_string(kMaxItems) + " elements");
  }
  return out;
}

void Payload::fail(std::string field, std::string message) {
  constexpr std::size_t kMostErrors = 20;
  if (errors_.size() < kMostErrors) errors_.push_back({std::move(field), std::move(message)});
}

Result<void> Payload::finish() {
  for (const json::Member& member : object_.members()) {
    const std::string name = member.key();
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      fail(name, "is not a field of this command");
    }
  }
  if (errors_.empty()) return {};
  std::string details;
  for (const auto& error : errors_) {
    details += (details.empty() ? "" : "; ") + error.field + " " + error.message;
  }
  return Error{Code::invalid, "invalid_payload", "The payload is not valid", std::move(details),
               std::move(errors_)};
}

}  // namespace weir::structures
