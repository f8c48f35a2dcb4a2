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

}  // namespace weir::nats
