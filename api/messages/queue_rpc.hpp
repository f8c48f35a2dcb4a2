// What the files of the queue.* commands share. Internal to this folder.
#pragma once

#include <memory>
#include <string>

#include "api/core/rpc_commands.hpp"
#include "api/jobs/parked_leases.hpp"
#include "api/messages/socket_consumers.hpp"
#include "api/rpc/payload.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api::queue_commands {

inline constexpr std::size_t kMaxQueueNameBytes = 256;  // the exact rule is the job engine's

struct Context {
  Services& services;
  ParkedLeases& leases;
  std::shared_ptr<SocketConsumers> sockets;
};

using Run = void (*)(const Context&, const rpc::Call&, const rpc::Reply&);

// forbidden / queue_not_allowed when the key's patterns exclude `queue`.
Result<void> check_queue(const rpc::Call& call, std::string_view queue);
// The same after payload.done().
Result<void> check_payload(const rpc::Call& call, const rpc::Payload& payload,
                           std::string_view queue);
// An error of the job engine as one of the payload.
Error of_payload(Error error);

// rpc_queue_messages.cpp
void run_publish(const Context& context, const rpc::Call& call, const rpc::Reply& reply);
void run_consume(const Context& context, const rpc::Call& call, const rpc::Reply& reply);
void run_ack(const Context& context, const rpc::Call& call, const rpc::Reply& reply);
void run_nack(const Context& context, const rpc::Call& call, const rpc::Reply& reply);

}  // namespace weir::api::queue_commands
