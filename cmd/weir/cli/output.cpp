#include "cmd/weir/cli/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

std::atomic<int> failed_output{0};  // errno

std::string_view escape_of(Colour colour) {
  switch (colour) {
    case Colour::red:
      return "\033[31m";
    case Colour::green:
      return "\033[32m";
    case Colour::yellow:
      return "\033[33m";
    case Colour::blue:
      return "\033[34m";
    case Colour::grey:
      return "\033[90m";
    case Colour::bold:
      return "\033[1m";
    case Colour::none:
      break;
  }
  return "";
}

}  // namespace

bool colours_on() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  return ::isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

std::string paint(std::string_view text, Colour colour, bool on) {
  if (!on || colour == Colour::none) return std::string(text);
  return std::string(escape_of(colour)).append(text).append("\033[0m");
}

Colour status_colour(std::string_view status) {
  struct Entry {
    std::string_view word;
    Colour colour;
  };
  static constexpr std::array kColours{
      Entry{"completed", Colour::green},  Entry{"operational", Colour::green},
      Entry{"succeeded", Colour::green},  Entry{"ok", Colour::green},
      Entry{"healthy", Colour::green},    Entry{"processing", Colour::blue},
      Entry{"scheduled", Colour::yellow}, Entry{"blocked", Colour::yellow},
      Entry{"degraded", Colour::yellow},  Entry{"warning", Colour::yellow},
      Entry{"failed", Colour::red},       Entry{"dlq", Colour::red},
      Entry{"down", Colour::red},         Entry{"error", Colour::red},
      Entry{"unhealthy", Colour::red},    Entry{"cancelled", Colour::grey}};
  for (const auto& entry : kColours) {
    if (entry.word == status) return entry.colour;
  }
  return Colour::none;
}

void Table::add(std::vector<std::string> row, Colour colour) {
  for (auto& cell : row) cell = printable(cell);
  rows_.push_back({std::move(row), colour});
}

std::string Table::render(bool colours, std::size_t painted_column) const {
  if (rows_.empty() && !when_empty_.empty()) return when_empty_;
  std::vector<std::size_t> widths;
  for (const auto& title : header_) widths.push_back(columns_of(title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < std::min(row.cells.size(), widths.size()); ++i) {
      widths[i] = std::max(widths[i], columns_of(row.cells[i]));
    }
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells, Colour colour, bool header) {
    for (std::size_t i = 0; i < std::min(cells.size(), widths.size()); ++i) {
      const bool painted = header || i == painted_column;
      out += paint(cells[i], painted ? colour : Colour::none, colours);
      if (i + 1 < cells.size()) out.append(widths[i] - columns_of(cells[i]) + 2, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1) += '\n';  // the last cells may be empty
  };
  line(header_, Colour::bold, true);
  for (const auto& row : rows_) line(row.cells, row.colour, false);
  return out;
}

std::string relative_time(std::string_view rfc3339, Timestamp now) {
  const auto time = parse_rfc3339(rfc3339);
  if (!time) return "-";
  const auto distance = now - *time;
  if (distance > Millis{-1000} && distance < Millis{1000}) return "now";
  const bool past = distance.count() > 0;
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(past ? distance : -distance);
  const auto text = format_duration(whole);
  return past ? text + " ago" : "in " + text;
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 48> buffer{};
  std::snprintf(buffer.data(), buffer.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value,
                kUnits[unit]);
  return buffer.data();
}

std::string counted(std::int64_t count, std::string_view one, std::string_view many) {
  return human_count(count).append(" ").append(count == 1 ? one : many);
}

std::string human_count(std::int64_t count) {
  std::string text = std::to_string(count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7f) out[i] = byte == '\n' || byte == '\t' ? ' ' : '?';
    // U+0080..U+009F: the C1 controls, two bytes in UTF-8
    const bool c1 =
        byte == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0;
    if (c1) out.replace(i, 2, "?");
  }
  return out;
}

std::string shorten(std::string_view text, std::size_t max_chars) {
  if (columns_of(text) <= max_chars) return std::string(text);
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xc0U) != 0x80U;
    if (starts && seen++ == max_chars - 3) break;
  }
  return std::string(text.substr(0, end)) + "...";
}

std::size_t columns_of(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string field(const Json& object, std::string_view name) {
  if (!object.is_object()) return "-";
  const auto found = object.find(std::string(name));
  if (found == object.end() || found->is_null()) return "-";
  if (found->is_string()) return found->get<std::string>();
  return compact(*found);
}

std::int64_t number(const Json& object, std::string_view name) {
  if (!object.is_object()) return 0;
  const auto found = object.find(std::string(name));
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::string compact(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if ((std::fflush(stdout) != 0 || !written) && failed_output == 0) failed_output = errno;
}

int output_error() {
  return failed_output;
}

void print_error(const Error& error) {
  const bool told_below = std::ranges::any_of(error.fields, [&](const auto& each) {
    return error.details == each.message || error.details == each.field + " " + each.message ||
           error.details == "See the fields.";
  });
  std::string text = "weir: " + error.message;
  if (!error.details.empty() && !told_below) text += " (" + error.details + ")";
  for (const auto& field_error : error.fields) {
    text += "\n  " + field_error.field + ": " + field_error.message;
  }
  text += "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace weir::cli
