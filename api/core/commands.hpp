// The command table, one function per resource. Handlers keep references: `services` and `leases`
// outlive the table.
#pragma once

#include "api/core/command.hpp"
#include "api/core/services.hpp"
#include "api/rpc/dispatcher.hpp"

namespace weir::api {

class EventFeed;
class ParkedLeases;

void add_job_commands(CommandTable& table, Services& services);
void add_log_commands(CommandTable& table, Services& services);
void add_batch_commands(CommandTable& table, Services& services);
void add_lease_commands(CommandTable& table, Services& services, ParkedLeases& leases);
void add_queue_commands(CommandTable& table, Services& services);
void add_schedule_commands(CommandTable& table, Services& services);
void add_worker_commands(CommandTable& table, Services& services);
void add_dead_letter_commands(CommandTable& table, Services& services);
void add_redrive_commands(CommandTable& table, Services& services);
void add_webhook_commands(CommandTable& table, Services& services);
void add_key_commands(CommandTable& table, Services& services);
void add_snapshot_commands(CommandTable& table, Services& services);
void add_event_commands(CommandTable& table, Services& services, EventFeed& feed);
void add_room_admin_commands(CommandTable& table, Services& services);
void add_room_commands(CommandTable& table, Services& services);
void add_stream_commands(CommandTable& table, Services& services);
void add_consumer_commands(CommandTable& table, Services& services);
void add_kv_commands(CommandTable& table, Services& services, rpc::Dispatcher& dispatcher);
void add_plain_kv_commands(CommandTable& table, Services& services, rpc::Dispatcher& dispatcher);
void add_audit_commands(CommandTable& table, Services& services);
// Which commands leave a record in the audit log: what somebody changes, except by submitting.
void mark_audited(CommandTable& table);
void add_pubsub_commands(CommandTable& table, Services& services);
// Only where a test clock runs.
void add_test_clock_commands(CommandTable& table, Services& services);
void add_system_commands(CommandTable& table, Services& services);

}  // namespace weir::api
