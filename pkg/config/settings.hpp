// The one table of everything that can be configured. The loader, the flags of `weir serve`, the
// environment names and docs/config.md are all made from it. Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::config {

enum class Kind : std::uint8_t {
  text,      // any string
  path,      // a file or folder; relative to the working directory
  address,   // HOST:PORT, [IPV6]:PORT
  list,      // comma separated in flags and environment, an array of strings in the file
  boolean,   // true or false
  integer,   // a whole number within [min, max]
  bytes,     // as integer, with the units B, KiB, MiB, GiB accepted
  duration,  // "30s", "1h30m"; min and max are milliseconds
  choice,    // one of Setting::choices, separated by |
};

struct Setting {
  std::string_view key;  // snake_case; flag is --key-with-dashes, environment is WEIR_KEY
  Kind kind = Kind::text;
  std::string_view fallback;  // default as text; empty = not set
  std::int64_t min = 0;       // integer, bytes, duration only
  std::int64_t max = 0;
  std::string_view choices;  // choice only: "debug|info|warn"
  bool secret = false;       // masked when shown, and has no flag: `ps` would show it
  std::string_view doc;      // a sentence for people
};

std::span<const Setting> settings();
const Setting* find_setting(std::string_view key);  // null when unknown

std::string flag_name(const Setting& setting);         // "data-dir"; empty for a secret
std::string environment_name(const Setting& setting);  // "WEIR_DATA_DIR"
std::string_view kind_name(Kind kind);

// The member of the table that `text` most likely meant, or empty when nothing is near.
std::string_view nearest_key(std::string_view text);

// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace weir::config
