#include "api/http/types.hpp"

#include "api/http/event_stream.hpp"
#include "api/http/websocket.hpp"

namespace weir::http {
namespace {

template <class List>
std::string_view value_of(const List& list, std::string_view name) {
  for (const auto& [key, value] : list) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

void Responder::open_stream(StreamStart start) const {
  sink_->open_stream(std::move(start));
}

void Responder::open_socket(WebSocketStart start) const {
  sink_->open_socket(std::move(start));
}

std::string_view Request::header(std::string_view lower_case_name) const {
  return value_of(headers, lower_case_name);
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view Request::param(std::string_view name) const {
  return value_of(params, name);
}

}  // namespace weir::http
