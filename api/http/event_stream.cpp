#include "api/http/event_stream.hpp"

namespace weir::http {
namespace {

constexpr std::string_view kPing = ": ping\n\n";
constexpr std::string_view kOverflow =
    "event: overflow\n"
    "data: {\"reason\":\"too_slow\",\"message\":\"events came faster than they were read: "
    "connect again with Last-Event-ID\"}\n\n";

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  for (const char c : value) {
    if (c != '\n' && c != '\r' && c != '\0') out += c;
  }
  out += '\n';
}

}  // namespace

std::string event_frame(const StreamEvent& event) {
  std::string out;
  out.reserve(event.id.size() + event.type.size() + event.data.size() + 32);
  if (!event.id.empty()) append_line(out, "id: ", event.id);
  if (!event.type.empty()) append_line(out, "event: ", event.type);
  std::string_view rest = event.data;
  for (;;) {
    const auto end = rest.find_first_of("\r\n");
    append_line(out, "data: ", rest.substr(0, end));
    if (end == std::string_view::npos) break;
    const bool pair = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n';
    rest.remove_prefix(end + (pair ? 2 : 1));
  }
  out += '\n';
  return out;
}

EventStream EventStream::open(const Responder& responder, Options options) {
  EventStream stream(std::make_shared<SubscriberQueue>(options.limits, options.gap));
  StreamStart start{.queue = stream.queue_,
                    .content_type = "text/event-stream",
                    .headers = std::move(options.headers),
                    .ping_after = options.ping_after,
                    .ping_frame = kPing,
                    .overflow_frame = kOverflow};
  start.headers.emplace_back("X-Accel-Buffering", "no");  // nginx: pass it on at once
  responder.open_stream(std::move(start));
  return stream;
}

}  // namespace weir::http
