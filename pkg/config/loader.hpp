// From the sources (defaults < file < environment < flags) to one checked value per setting. All
// that is wrong is reported at once. Pure except load_file(); thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/config/settings.hpp"

namespace weir::config {

enum class Origin : std::uint8_t { fallback, file, environment, flag };
std::string_view to_string(Origin origin);

struct Sources {
  std::string file_path;  // names the file in errors; empty when there is none
  std::string file_json;  // its content
  std::function<std::optional<std::string>(const std::string& name)> environment;
  std::map<std::string, std::string> flags;  // by key ("data_dir"), not by flag name
};

// The environment of this process.
std::function<std::optional<std::string>(const std::string& name)> process_environment();

// The content of a small file (at most 1 MiB). Errors: invalid / unreadable_file.
Result<std::string> load_file(const std::string& path);

// One checked value for each setting. The typed getters want a key of the table of that kind;
// anything else is a programmer error.
class Values {
 public:
  struct Value {
    std::string text;  // as the winning source had it; lists joined with commas
    Origin origin = Origin::fallback;
  };

  const Value& at(std::string_view key) const;
  bool is_set(std::string_view key) const { return !at(key).text.empty(); }
  std::string text(std::string_view key) const { return at(key).text; }
  bool boolean(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;  // integer and bytes
  Millis duration(std::string_view key) const;
  std::vector<std::string> list(std::string_view key) const;

  void set(std::string_view key, Value value);

 private:
  std::map<std::string, Value, std::less<>> values_;
};

// Error: invalid / bad_config, with one FieldError for each thing that is wrong.
Result<Values> resolve(const Sources& sources);

// A byte count: "1048576", "512KiB", "1MiB". Empty when it is none.
std::optional<std::int64_t> parse_bytes(std::string_view text);

struct Address {
  std::string host;  // without the brackets of IPv6
  std::uint16_t port = 0;
};
// Errors: invalid / bad_address.
Result<Address> parse_address(std::string_view text);
bool is_loopback(std::string_view host);  // 127.0.0.0/8, ::1, localhost

}  // namespace weir::config
