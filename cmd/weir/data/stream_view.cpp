#include "cmd/weir/data/stream_view.hpp"

#include <iostream>
#include <iterator>

namespace weir::cli {

std::string stream_path(const std::string& stream) {
  return "/v1/streams/" + encode(stream);
}

Json message_body(const std::string& text) {
  const auto data = text_or_stdin(text);
  auto parsed = Json::parse(data, nullptr, false);
  if (parsed.is_discarded()) return Json{{"data", data}, {"encoding", "text"}};
  return Json{{"data", std::move(parsed)}};
}

std::string message_data(const Json& message) {
  const auto data = message.find("data");
  if (data == message.end()) return {};
  if (message.contains("encoding") && data->is_string()) return data->get<std::string>();
  return compact(*data);
}

std::string message_line(const Json& message, Timestamp now) {
  return field(message, "sequence") + "  " + relative_time(field(message, "at"), now) + "  " +
         printable(field(message, "subject")) + "  " + printable(message_data(message)) + "\n";
}

}  // namespace weir::cli
