// json::Writer: appends JSON to a string, for answers and log entries. It places commas; the caller
// pairs begin and end. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/clock.hpp"

namespace weir::json {

class Writer {
 public:
  Writer() = default;
  explicit Writer(std::size_t reserve_bytes) { out_.reserve(reserve_bytes); }

  Writer& begin_object() {
    open('{');
    return *this;
  }
  Writer& end_object() {
    close('}');
    return *this;
  }
  Writer& begin_array() {
    open('[');
    return *this;
  }
  Writer& end_array() {
    close(']');
    return *this;
  }
  Writer& key(std::string_view name);

  Writer& value(std::string_view text);
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(const std::string& text) { return value(std::string_view(text)); }
  Writer& value(bool flag);
  Writer& value(std::int64_t number);
  Writer& value(std::uint64_t number);
  Writer& value(int number) { return value(static_cast<std::int64_t>(number)); }
  Writer& value(unsigned number) { return value(static_cast<std::uint64_t>(number)); }
  Writer& value(double number);   // shortest text that reads back; NaN and inf are null
  Writer& value(Timestamp time);  // RFC 3339 string
  Writer& null();
  Writer& raw(std::string_view json);  // valid JSON, copied as it is

  template <class T>
  Writer& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  Writer& raw_member(std::string_view name, std::string_view json) { return key(name).raw(json); }

  const std::string& str() const { return out_; }
  std::string take() {
    comma_ = false;
    return std::move(out_);
  }
  std::size_t size() const { return out_.size(); }

 private:
  void separate();
  void open(char c);
  void close(char c);
  std::string out_;
  bool comma_ = false;
};

// Appends `text` as a JSON string literal, quotes included. Bytes that are not UTF-8 become U+FFFD.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);

}  // namespace weir::json
