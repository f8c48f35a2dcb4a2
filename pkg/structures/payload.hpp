// Payload: reads the payload of a command, notes everything that is wrong with it, and says at the
// end which members nobody asked for.
//
// Not thread-safe. The text must have passed json::check() and outlive the object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"

namespace weir::structures {

struct IntegerField {
  std::string_view name;
  std::optional<std::int64_t> otherwise;  // empty: it is required
  std::int64_t least;
  std::int64_t most;
};

class Payload {
 public:
  explicit Payload(json::View object);

  // The member, of the first name that is there; missing when there is none.
  json::View take(std::string_view name, std::string_view alias = {});

  std::string key();                // "key", required
  std::vector<std::string> keys();  // "keys", or "key" alone; one at least
  std::string text(std::string_view name, std::size_t max_bytes);  // required
  std::int64_t integer(const IntegerField& field);
  bool flag(std::string_view name, std::string_view alias = {});  // false when it is not there
  json::View value(std::string_view name);                        // required; up to kMaxValueBytes
  // One value or an array of them: "members" or "member". Not empty.
  std::vector<json::View> values(std::string_view many, std::string_view one,
                                 std::size_t max_bytes);
  // {"f":v}, [{"field":f,"value":v}] in "fields", or "field" and "value".
  struct Entry {
    std::string field;
    json::View value;
  };
  std::vector<Entry> entries();

  void fail(std::string field, std::string message);
  // The names of members taken so far, also of those that were not there.
  const std::vector<std::string_view>& asked_for() const { return known_; }
  // Call after everything was taken. Error: invalid / invalid_payload.
  Result<void> finish();

 private:
  std::string checked_key(json::View value, const std::string& field);
  void add_entry(std::vector<Entry>& out, Entry entry, const std::string& path);

  json::View object_;
  std::vector<std::string_view> known_;
  std::vector<FieldError> errors_;
};

}  // namespace weir::structures
