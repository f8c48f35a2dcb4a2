// Reads of the deliveries of webhooks. On a read snapshot, any thread. sqlite::Failure passes
// through, as in jobs/queries.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/webhook_book.hpp"
#include "pkg/base/result.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct DeliveryListRequest {
  std::optional<DeliveryState> state = {};
  std::string queue = {};                              // empty: all
  std::function<bool(std::string_view)> allowed = {};  // of queues; empty: all
  std::int64_t limit = 50;
  std::string cursor = {};
};
// {items,next_cursor}, newest first, without the events. Looks at kListScanRows rows at most.
// Errors: invalid / invalid_request (cursor).
Result<std::string> list_deliveries(sqlite::Database& db, const DeliveryListRequest& request);

// One delivery with its event. Errors: not_found / delivery_not_found.
Result<std::string> get_delivery(sqlite::Database& db, std::string_view id);

// --- for the sender ---

struct DueDelivery {
  std::string id = {};
  std::string queue = {};
  std::int64_t attempt = 0;  // the one to make
  std::string url = {};      // empty: the queue has no webhook any more
  std::string secrets = {};  // as webhook::sign() takes them; empty: the queue has none
  std::string body = {};
};
struct DueQuestion {
  std::int64_t now = 0;                                         // unix ms, of the log
  std::size_t limit = 0;                                        // in all
  std::size_t per_queue = 0;                                    // the same of one queue
  std::string after = {};                                       // the queue to go on behind
  std::function<bool(const std::string& id)> is_busy = {};      // is being tried
  std::function<std::size_t(const std::string&)> busy_in = {};  // so many of a queue are
};
struct DueAnswer {
  std::vector<DueDelivery> due;
  std::int64_t next_due = 0;  // of those that are not due yet; kNever: none
  std::string last;           // the queue that came last
};
// Queues take turns, so that a slow receiver does not hold up the others.
DueAnswer find_due_deliveries(sqlite::Database& db, const DueQuestion& question);

}  // namespace weir::jobs
