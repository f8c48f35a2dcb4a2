#include "pkg/nats/message.hpp"

#include <cstdlib>
#include <limits>

namespace weir::nats {

Error status_error(natsStatus status) {
  switch (status) {
    case NATS_NO_RESPONDERS:
      return Error{Code::unavailable, "no_responders", "Nothing answers on this NATS subject",
                   "JetStream is off, has no leader yet, or the subject is not permitted"};
    case NATS_TIMEOUT:
      return Error{Code::deadline_exceeded, "nats_timeout", "NATS did not answer in time", ""};
    case NATS_MAX_PAYLOAD:
      return Error{Code::too_large, "message_too_large",
                   "The message is larger than the NATS server's max_payload", ""};
    case NATS_INVALID_ARG:
    case NATS_INVALID_SUBJECT:
      return Error{Code::invalid, "nats_message", "This message cannot be sent to NATS",
                   natsStatus_GetText(status)};
    default:
      return Error{Code::unavailable, "nats_unavailable", "NATS is not reachable",
                   natsStatus_GetText(status)};
  }
}

namespace {

Headers read_headers(natsMsg* raw, std::string& status) {
  Headers headers;
  const char** keys = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(raw, &keys, &count) != NATS_OK) return headers;
  for (int i = 0; i < count; ++i) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(raw, keys[i], &value) != NATS_OK || value == nullptr) continue;
    if (std::string_view(keys[i]) == "Status") status = value;
    headers.emplace_back(keys[i], value);
  }
  free(keys);  // NOLINT: nats.h gives the array to the caller, to be freed with free()
  return headers;
}

}  // namespace

Message to_message(natsMsg* raw) {
  Message message;
  message.subject = natsMsg_GetSubject(raw);
  if (const char* reply = natsMsg_GetReply(raw); reply != nullptr) message.reply = reply;
  message.data.assign(natsMsg_GetData(raw), static_cast<std::size_t>(natsMsg_GetDataLength(raw)));
  message.headers = read_headers(raw, message.status);
  return message;
}

Result<MessagePtr> make_message(std::string_view subject, std::string_view reply,
                                std::string_view data, const Headers& headers) {
  if (data.size() > std::numeric_limits<int>::max()) return status_error(NATS_MAX_PAYLOAD);
  natsMsg* raw = nullptr;
  const std::string subject_text(subject);
  const std::string reply_text(reply);
  natsStatus status =
      natsMsg_Create(&raw, subject_text.c_str(), reply.empty() ? nullptr : reply_text.c_str(),
                     data.data(), static_cast<int>(data.size()));
  MessagePtr message(raw);
  for (const auto& [name, value] : headers) {
    if (status == NATS_OK) status = natsMsgHeader_Set(raw, name.c_str(), value.c_str());
  }
  if (status != NATS_OK) return status_error(status);
  return message;
}

}  // namespace weir::nats
