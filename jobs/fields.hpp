// Fields: reads the members of a client's JSON object, checks them and collects every complaint
// with its path, so that a request reports all its errors at once.
//
//   Fields fields(errors, body, "jobs[3]");
//   auto priority = fields.integer("priority", 0, 9);
//   ...
//   fields.finish();  // complains about members that nobody asked for
//
// Not thread-safe. The JSON must have passed json::check().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {

// What is wrong with a request. The worst kind names the error.
class FieldErrors {
 public:
  void unknown(std::string field, std::string_view known);
  void wrong_type(std::string field, std::string_view expected, json::View value);
  void invalid(std::string field, std::string message);
  void too_large(std::string field, std::string message);

  bool empty() const { return fields_.empty(); }
  // bad_request / unknown_field or wrong_type, too_large / payload_too_large, else
  // invalid / `reason`. Must not be empty().
  Error error(std::string_view reason, std::string_view message) const;

 private:
  std::vector<FieldError> fields_;
  bool unknown_ = false;
  bool wrong_type_ = false;
  bool too_large_ = false;
};

class Fields {
 public:
  // Complains when `object` is not an object (missing counts as {}).
  Fields(FieldErrors& errors, json::View object, std::string path = {});

  bool has(std::string_view name);        // given and not null
  json::View raw(std::string_view name);  // any JSON; missing when not given
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::string> text(std::string_view name, std::size_t most_bytes);
  std::optional<std::string> required_text(std::string_view name, std::size_t most_bytes);
  // An integer of milliseconds, or "1h30m".
  std::optional<std::int64_t> duration_ms(std::string_view name, Millis least, Millis most);
  std::optional<std::int64_t> time_ms(std::string_view name);  // RFC 3339, or unix ms
  json::View object(std::string_view name);
  // Missing when it is not an array, or longer than `most_items`.
  json::View array(std::string_view name, std::size_t most_items);

  // `name` was given, and `message` is wrong with it.
  void complain(std::string_view name, std::string message);
  void complain_too_large(std::string_view name, std::string message);
  std::string path(std::string_view name) const;
  FieldErrors& errors() { return errors_; }
  void finish();

 private:
  struct Member {
    std::string name;
    json::View value;
    bool asked = false;
  };
  json::View take(std::string_view name);

  FieldErrors& errors_;
  std::string path_;
  std::vector<Member> members_;
  std::vector<std::string_view> known_;
};

// A duration value on its own, for the elements of a list.
std::optional<std::int64_t> read_duration_ms(FieldErrors& errors, const std::string& field,
                                             json::View value, Millis least, Millis most);

}  // namespace weir::jobs
