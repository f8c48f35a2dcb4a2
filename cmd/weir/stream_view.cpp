#include "cmd/weir/stream_view.hpp"

#include <iostream>
#include <iterator>

namespace weir::cli {

Usage stream_usage(const std::string& verb, std::string synopsis, std::string summary,
                   std::vector<Option> options, std::vector<std::string> examples,
                   std::size_t min_operands, std::size_t max_operands) {
  return {.command = "weir stream " + verb,
          .synopsis = std::move(synopsis),
          .summary = std::move(summary),
          .options = with_common(std::move(options)),
          .examples = std::move(examples),
          .min_operands = min_operands,
          .max_operands = max_operands};
}

std::string stream_path(const std::string& stream) {
  return "/v1/streams/" + encode(stream);
}

Json comma_list(const std::string& text) {
  Json out = Json::array();
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Json message_body(const std::string& text) {
  const auto data = text == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : text;
  auto parsed = Json::parse(data, nullptr, false);
  if (parsed.is_discarded()) return Json{{"data", data}, {"encoding", "text"}};
  return Json{{"data", std::move(parsed)}};
}

std::string message_data(const Json& message) {
  const auto data = message.find("data");
  if (data == message.end()) return {};
  if (message.contains("encoding") && data->is_string()) return data->get<std::string>();
  return data->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string message_line(const Json& message, Timestamp now) {
  return field(message, "sequence") + "  " + relative_time(field(message, "at"), now) + "  " +
         printable(field(message, "subject")) + "  " + printable(message_data(message)) + "\n";
}

}  // namespace weir::cli
