// Structured logging: an event name and keys, never interpolated prose, never a secret.
//
//   log::info("lease_expired", {{"job_id", id}, {"attempt", n}});
//
// Lines go to standard error, as `2026-11-21T10:30:00.000Z info lease_expired job_id=... attempt=2`
// or as one JSON object a line. Thread-safe. An event that repeats more than 20 times in a second
// is cut, and the number that was dropped is told when the second is over.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "pkg/base/result.hpp"

namespace weir::log {

enum class Level : std::uint8_t { debug, info, warn, error, off };
enum class Format : std::uint8_t { text, json };

struct Field {
  std::string_view key;
  std::string value;
  bool quoted = true;  // false: value is a number or a boolean

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), quoted(false) {}
  Field(std::string_view k, double v)
      : key(k), value(std::isfinite(v) ? std::to_string(v) : "null"), quoted(false) {}
  template <class T>
  requires std::is_integral_v<T> Field(std::string_view k, T v)
      : key(k), value(std::to_string(v)), quoted(false) {}
};

// Call once, before threads start. Default: info, text.
void configure(Level level, Format format);
Result<Level> parse_level(std::string_view name);    // invalid / bad_log_level
Result<Format> parse_format(std::string_view name);  // invalid / bad_log_format

void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
  write(Level::error, event, fields);
}

}  // namespace weir::log
