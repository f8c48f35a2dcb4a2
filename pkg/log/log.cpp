#include "pkg/log/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>

#include "pkg/base/clock.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::log {
namespace {

constexpr int kMaxRepeatsPerSecond = 20;

std::atomic<Level> g_level{Level::info};
std::atomic<Format> g_format{Format::text};

// Leaked on purpose: threads may log while static objects are destroyed.
spdlog::logger& sink() {
  static auto* logger = [] {
    auto* made = new spdlog::logger("weir", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
    case Level::off:
      return "off";
  }
  return "info";
}

bool plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\' || c == 0x7f)
      return false;
  }
  return json::is_utf8(text);
}

std::string text_line(Level level, std::string_view event, std::initializer_list<Field> fields,
                      Timestamp now) {
  std::string line = format_rfc3339(now);
  line.append(" ").append(name_of(level)).append(" ").append(event);
  for (const auto& field : fields) {
    line.append(" ").append(field.key).append("=");
    if (!field.quoted || plain(field.value)) {
      line.append(field.value);
    } else {
      json::append_quoted(line, field.value);
    }
  }
  return line;
}

std::string json_line(Level level, std::string_view event, std::initializer_list<Field> fields,
                      Timestamp now) {
  std::string line = "{\"time\":\"" + format_rfc3339(now) + "\",\"level\":\"";
  line.append(name_of(level)).append("\",\"event\":\"").append(event).append("\"");
  for (const auto& field : fields) {
    line.append(",\"").append(field.key).append("\":");
    if (!field.quoted) {
      line.append(field.value);
    } else {
      json::append_quoted(line, field.value);
    }
  }
  line += '}';
  return line;
}

// Decides whether `event` may be written now; `dropped` gets how many were cut before it.
bool admit(std::string_view event, Timestamp now, std::int64_t& dropped) {
  struct Window {
    std::int64_t second = 0;
    int written = 0;
    std::int64_t dropped = 0;
  };
  static std::mutex mutex;
  static std::map<std::string, Window, std::less<>> windows;
  const std::lock_guard lock(mutex);
  auto found = windows.find(event);
  if (found == windows.end()) found = windows.emplace(std::string(event), Window{}).first;
  Window& window = found->second;
  const std::int64_t second = to_unix_ms(now) / 1000;
  if (second != window.second) {
    dropped = window.dropped;
    window = Window{second, 0, 0};
  }
  if (window.written >= kMaxRepeatsPerSecond) {
    ++window.dropped;
    return false;
  }
  ++window.written;
  return true;
}

}  // namespace

void configure(Level level, Format format) {
  g_level = level;
  g_format = format;
}

Result<Level> parse_level(std::string_view name) {
  for (const auto level : {Level::debug, Level::info, Level::warn, Level::error, Level::off}) {
    if (name == name_of(level)) return level;
  }
  return Error{Code::invalid, "bad_log_level", "not a log level",
               "got \"" + std::string(name) + "\", want debug, info, warn, error or off"};
}

Result<Format> parse_format(std::string_view name) {
  if (name == "text") return Format::text;
  if (name == "json") return Format::json;
  return Error{Code::invalid, "bad_log_format", "not a log format",
               "got \"" + std::string(name) + "\", want text or json"};
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  const auto now = SystemClock().wall();
  std::int64_t dropped = 0;
  if (!admit(event, now, dropped)) return;
  const bool as_json = g_format.load(std::memory_order_relaxed) == Format::json;
  const auto line = as_json ? json_line : text_line;
  if (dropped > 0) {
    sink().info(line(Level::warn, "log_repeats_dropped", {{"of", event}, {"count", dropped}}, now));
  }
  sink().info(line(level, event, fields, now));
}

}  // namespace weir::log
