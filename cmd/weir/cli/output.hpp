// What people see: aligned tables, colours where they help, relative times. Programs use --json.
// Pure but for the terminal queries; thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/error.hpp"

namespace weir::cli {

enum class Colour : std::uint8_t { none, red, green, yellow, blue, grey, bold };

// Escape codes only when standard output is a terminal, NO_COLOR is not set and TERM is not dumb.
bool colours_on();
std::string paint(std::string_view text, Colour colour, bool on);
Colour status_colour(std::string_view status);  // of a job, of a component

// Columns as wide as their widest cell (in code points); the last is never padded. Control
// characters in cells are shown as '?', so that data cannot drive the terminal.
class Table {
 public:
  // `when_empty` is shown in place of a table without rows.
  explicit Table(std::vector<std::string> header, std::string when_empty = {})
      : header_(std::move(header)), when_empty_(std::move(when_empty)) {}
  void add(std::vector<std::string> row, Colour colour = Colour::none);
  bool empty() const { return rows_.empty(); }
  // `colour` of a row paints its cell in `painted_column`.
  std::string render(bool colours, std::size_t painted_column = 0) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Colour colour;
  };
  std::vector<std::string> header_;
  std::string when_empty_;
  std::vector<Row> rows_;
};

// "3m ago", "in 12s", "now"; "-" for what is not a time.
std::string relative_time(std::string_view rfc3339, Timestamp now);
std::string human_bytes(std::int64_t bytes);  // "1.5 MiB"
std::string human_count(std::int64_t count);  // "1,234,567"
// "1 delivery", "1,200 deliveries".
std::string counted(std::int64_t count, std::string_view one, std::string_view many);
std::string printable(std::string_view text);  // one line, control characters as '?'
std::string shorten(std::string_view text, std::size_t max_chars);
std::size_t columns_of(std::string_view utf8);  // code points

using Json = nlohmann::ordered_json;
// A member as display text: strings bare, null and missing as "-", the rest as JSON.
std::string field(const Json& object, std::string_view name);
std::int64_t number(const Json& object, std::string_view name);  // 0 when absent
std::string pretty(const Json& value);
std::string compact(const Json& value);  // one line, without a line break

void print(std::string_view text);     // standard output
int output_error();                    // errno of the first print() that failed; 0 = none did
void print_error(const Error& error);  // "weir: ..." on standard error, every field

}  // namespace weir::cli
