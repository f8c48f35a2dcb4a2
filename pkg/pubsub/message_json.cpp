#include "pkg/pubsub/message_json.hpp"

#include "pkg/base/base64.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::pubsub {

std::string_view header_of(const nats::Message& message, std::string_view name) {
  for (const auto& [key, value] : message.headers) {
    if (key == name) return value;
  }
  return {};
}

std::string body_json(const nats::Message& message) {
  const std::string& body = message.data;
  if (json::check(body)) return std::string(json::View(body).raw());
  std::string text = json::Writer().value(body).take();
  if (json::View(text).as_string() == body) return text;
  return json::Writer().begin_object().member("base64", base64_encode(body)).end_object().take();
}

}  // namespace weir::pubsub
