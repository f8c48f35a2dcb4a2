// The commands of the command API (api/rpc), one function per service, and their HTTP endpoint.
// Handlers keep references: `services` outlives the tables.
#pragma once

#include "api/core/command.hpp"
#include "api/core/services.hpp"
#include "api/rpc/dispatcher.hpp"

namespace weir::api {

class ParkedLeases;

void add_admin_rpc(rpc::CommandTable& table, Services& services);
void add_replication_rpc(rpc::CommandTable& table, Services& services);
void add_room_rpc(rpc::CommandTable& table, Services& services);
void add_kv_watch_rpc(rpc::CommandTable& table, Services& services);
void add_kv_rpc(rpc::CommandTable& table, Services& services);

// queue.*: messages as jobs.
void add_queue_rpc(rpc::CommandTable& table, Services& services, ParkedLeases& leases);

void add_pubsub_rpc(rpc::CommandTable& table, Services& services);

// POST /api/v1/command. The dispatcher outlives the table.
void add_command_endpoint(CommandTable& table, rpc::Dispatcher& dispatcher);

}  // namespace weir::api
