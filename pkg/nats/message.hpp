// Messages and status codes of nats.c in our own types. Internal to this folder.
#pragma once

#include <nats/nats.h>

#include <memory>

#include "pkg/nats/connection.hpp"

namespace weir::nats {

struct DestroyMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using MessagePtr = std::unique_ptr<natsMsg, DestroyMessage>;

Error status_error(natsStatus status);
Message to_message(natsMsg* raw);
// A message that cannot be made as asked is not sent: one without its Nats-Msg-Id could be stored
// twice. Errors: too_large / message_too_large; invalid / nats_message.
Result<MessagePtr> make_message(std::string_view subject, std::string_view reply,
                                std::string_view data, const Headers& headers);

}  // namespace weir::nats
