// Webhooks in requests of clients.
#pragma once

#include "jobs/request_parts.hpp"

namespace weir::jobs {

// "webhook" of a queue's configuration, as jobs.queue_config carries it. `fresh` is a new secret,
// for a webhook that has none.
void write_queue_webhook(Fields& queue, std::string_view fresh, json::Writer& out);

// "webhook" of a job, as jobs.submit carries it. `default_secret`: see JobWebhook.
void write_webhook_request(Fields& job, bool default_secret, json::Writer& out);

}  // namespace weir::jobs
