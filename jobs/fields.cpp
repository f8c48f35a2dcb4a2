#include "jobs/fields.hpp"

#include <algorithm>
#include <cmath>

#include "pkg/base/time_text.hpp"

namespace weir::jobs {
namespace {

// A value for an error message: short.
std::string shown(json::View value) {
  constexpr std::size_t kMost = 40;
  const auto raw = value.raw();
  if (raw.size() <= kMost) return std::string(raw);
  auto cut = raw.substr(0, kMost);
  while (!cut.empty() && !json::is_utf8(cut)) cut.remove_suffix(1);
  return std::string(cut) + "...";
}

std::string range(std::string_view least, std::string_view most, json::View value) {
  return "must be " + std::string(least) + " to " + std::string(most) + ", not " + shown(value);
}

std::string number_text(double number) {
  std::string out = std::to_string(number);
  while (out.ends_with('0')) out.pop_back();
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace

// --- FieldErrors ---------------------------------------------------------------------------------

void FieldErrors::unknown(std::string field, std::string_view known) {
  unknown_ = true;
  fields_.push_back({std::move(field), "is not known here; known: " + std::string(known)});
}

void FieldErrors::wrong_type(std::string field, std::string_view expected, json::View value) {
  wrong_type_ = true;
  fields_.push_back(
      {std::move(field), "must be " + std::string(expected) + ", not " + shown(value)});
}

void FieldErrors::invalid(std::string field, std::string message) {
  fields_.push_back({std::move(field), std::move(message)});
}

void FieldErrors::too_large(std::string field, std::string message) {
  too_large_ = true;
  fields_.push_back({std::move(field), std::move(message)});
}

Error FieldErrors::error(std::string_view reason, std::string_view message) const {
  Error out{Code::invalid, std::string(reason), std::string(message), {}, fields_};
  if (unknown_) {
    out.code = Code::bad_request;
    out.reason = "unknown_field";
    out.message = "The request has a field that is not known";
  } else if (wrong_type_) {
    out.code = Code::bad_request;
    out.reason = "wrong_type";
    out.message = "A field has the wrong type";
  } else if (too_large_) {
    out.code = Code::too_large;
    out.reason = "payload_too_large";
    out.message = "A field is too large";
  }
  for (const auto& [field, text] : fields_) {
    if (!out.details.empty()) out.details += "; ";
    if (out.details.size() > 500) {
      out.details += "...";
      break;
    }
    out.details += field.empty() ? text : field + " " + text;
  }
  return out;
}

// --- Fields --------------------------------------------------------------------------------------

Fields::Fields(FieldErrors& errors, json::View object, std::string path)
    : errors_(errors), path_(std::move(path)) {
  if (object.is_missing()) return;
  if (!object.is_object()) {
    errors_.wrong_type(path_.empty() ? "(body)" : path_, "an object", object);
    return;
  }
  for (const auto& member : object.members()) {
    auto name = member.key();
    const auto twin = std::find_if(members_.begin(), members_.end(),
                                   [&](const Member& other) { return other.name == name; });
    if (twin != members_.end()) {
      errors_.invalid(this->path(name), "is given twice");
      continue;
    }
    members_.push_back({std::move(name), member.value});
  }
}

json::View Fields::take(std::string_view name) {
  known_.push_back(name);
  for (auto& member : members_) {
    if (member.name != name) continue;
    member.asked = true;
    return member.value;
  }
  return {};
}

bool Fields::has(std::string_view name) {
  const auto value = take(name);
  known_.pop_back();
  return !value.is_missing() && !value.is_null();
}

json::View Fields::raw(std::string_view name) {
  return take(name);
}

std::optional<std::int64_t> Fields::integer(std::string_view name, std::int64_t least,
                                            std::int64_t most) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return std::nullopt;
  if (value.kind() != json::Kind::number) {
    errors_.wrong_type(path(name), "a whole number", value);
    return std::nullopt;
  }
  const auto number = value.as_int();
  if (!number || *number < least || *number > most) {
    complain(name, range(std::to_string(least), std::to_string(most), value) +
                       (number ? "" : ": a whole number"));
    return std::nullopt;
  }
  return number;
}

std::optional<double> Fields::number(std::string_view name, double least, double most) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return std::nullopt;
  const auto number = value.as_double();
  if (!number) {
    errors_.wrong_type(path(name), "a number", value);
    return std::nullopt;
  }
  if (*number < least || *number > most) {
    complain(name, range(number_text(least), number_text(most), value));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> Fields::boolean(std::string_view name) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return std::nullopt;
  const auto flag = value.as_bool();
  if (!flag) errors_.wrong_type(path(name), "true or false", value);
  return flag;
}

std::optional<std::string> Fields::text(std::string_view name, std::size_t most_bytes) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return std::nullopt;
  auto text = value.as_string();
  if (!text) {
    errors_.wrong_type(path(name), "a string", value);
    return std::nullopt;
  }
  if (text->empty() || text->size() > most_bytes) {
    complain(name, "must have 1 to " + std::to_string(most_bytes) + " bytes, not " +
                       std::to_string(text->size()));
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> Fields::required_text(std::string_view name, std::size_t most_bytes) {
  if (!has(name)) {
    raw(name);
    complain(name, "is required");
    return std::nullopt;
  }
  return text(name, most_bytes);
}

std::optional<std::int64_t> Fields::duration_ms(std::string_view name, Millis least, Millis most) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return std::nullopt;
  return read_duration_ms(errors_, path(name), value, least, most);
}

std::optional<std::int64_t> Fields::time_ms(std::string_view name) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return std::nullopt;
  constexpr std::int64_t kLastMs = 253'402'300'799'999;  // the end of the year 9999
  if (value.kind() == json::Kind::number) {
    const auto ms = value.as_int();
    if (ms && *ms >= 0 && *ms <= kLastMs) return ms;
    complain(name, "must be milliseconds since 1970 up to the year 9999, not " + shown(value));
    return std::nullopt;
  }
  const auto text = value.as_string();
  if (!text) {
    errors_.wrong_type(path(name), "an RFC 3339 time", value);
    return std::nullopt;
  }
  const auto time = parse_rfc3339(*text);
  if (!time) {
    complain(name, "must be an RFC 3339 time like 2026-11-21T10:30:00Z, not " + shown(value));
    return std::nullopt;
  }
  return to_unix_ms(*time);
}

json::View Fields::object(std::string_view name) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return {};
  if (value.is_object()) return value;
  errors_.wrong_type(path(name), "an object", value);
  return {};
}

json::View Fields::array(std::string_view name, std::size_t most_items) {
  const auto value = take(name);
  if (value.is_missing() || value.is_null()) return {};
  if (!value.is_array()) {
    errors_.wrong_type(path(name), "an array", value);
    return {};
  }
  std::size_t items = 0;
  for ([[maybe_unused]] const auto element : value.elements()) ++items;
  if (items > most_items) {
    complain(name, "must have at most " + std::to_string(most_items) + " items, not " +
                       std::to_string(items));
    return {};
  }
  return value;
}

void Fields::complain(std::string_view name, std::string message) {
  errors_.invalid(path(name), std::move(message));
}

void Fields::complain_too_large(std::string_view name, std::string message) {
  errors_.too_large(path(name), std::move(message));
}

std::string Fields::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void Fields::finish() {
  std::string known;
  for (const auto& member : members_) {
    if (member.asked) continue;
    if (known.empty()) {
      for (const auto name : known_) {
        if (!known.empty()) known += ", ";
        known += name;
      }
    }
    errors_.unknown(path(member.name), known.empty() ? "none" : known);
  }
}

std::optional<std::int64_t> read_duration_ms(FieldErrors& errors, const std::string& field,
                                             json::View value, Millis least, Millis most) {
  std::optional<std::int64_t> ms;
  if (value.is_string()) {
    const auto parsed = parse_duration(value.as_string().value_or(""));
    if (!parsed) {
      errors.invalid(field,
                     "must be milliseconds or a duration like \"1h30m\", not " + shown(value));
      return std::nullopt;
    }
    ms = parsed->count();
  } else if (value.kind() == json::Kind::number) {
    ms = value.as_int();
  } else {
    errors.wrong_type(field, "milliseconds or a duration like \"1h30m\"", value);
    return std::nullopt;
  }
  if (ms && *ms >= least.count() && *ms <= most.count()) return ms;
  errors.invalid(field, range(format_duration(least), format_duration(most), value));
  return std::nullopt;
}

}  // namespace weir::jobs
