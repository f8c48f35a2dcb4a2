// WebhookBook: the deliveries of webhooks (table job_webhooks), bounded by count and age, and who
// delivers them.
//
// A delivery is made in the entry that changes the job, pending; the sender's reports make it
// delivered or dead. Ids are the same for every try, on every coordinator.
//
// Thread rule: the applier thread only. Mirrors the tables: load() rebuilds it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/limits.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// The numbers are stored.
enum class DeliveryState : std::uint8_t { pending = 0, delivered = 1, dead = 2 };
std::string_view to_string(DeliveryState state);
std::optional<DeliveryState> parse_delivery_state(std::string_view word);

struct WebhookDelivery {
  std::int64_t row = 0;
  std::string id = {};
  std::string queue = {};
  std::string subject = {};  // the job, or "batches/<id>"
  std::string word = {};     // "completed"
  std::string url = {};      // of the job's own webhook; empty: wherever the queue's goes
  DeliveryState state = DeliveryState::pending;
  std::int64_t created_at = 0;
  std::int64_t since = 0;                        // its age counts from here
  std::optional<std::int64_t> due = {};          // while pending
  std::int64_t attempts = 0;                     // that were reported, since then
  std::optional<std::int64_t> ended_at = {};     // delivered or dead
  std::optional<std::int64_t> last_at = {};      // the last report
  std::optional<std::int64_t> http_status = {};  // its answer, if there was one
  std::string error = {};                        // why it failed; empty: it did not
  std::string event = {};                        // the body
};

// The row in full; nothing when there is none.
std::optional<WebhookDelivery> find_delivery(sqlite::Database& db, std::string_view id);

class WebhookBook {
 public:
  void load(sqlite::Database& db);

  // A new delivery, due at once; dead at once when too many are pending. False: dead.
  bool add(sqlite::Database& db, WebhookDelivery delivery, std::int64_t now);
  // Writes what a report or a redrive changed; `before` is the state it had.
  void store(sqlite::Database& db, const WebhookDelivery& delivery, DeliveryState before);
  void remove(sqlite::Database& db, const WebhookDelivery& delivery);

  // Drops what ended long ago, and the oldest beyond the limits. How many rows.
  std::int64_t drop_old(sqlite::Database& db, std::int64_t now, std::int64_t limit);
  std::int64_t next_due() const;  // of drop_old(); unix ms, kNever

  // Who delivers: only its reports count. `term` grows with each change.
  void set_sender(sqlite::Database& db, std::string_view node, std::int64_t term);
  std::int64_t term() const { return term_; }
  const std::string& sender() const { return sender_; }

  std::int64_t pending() const { return pending_; }
  std::int64_t count(DeliveryState state) const {
    return state == DeliveryState::pending ? pending_ : ended(state).count;
  }
  bool full(std::string_view queue) const;

 private:
  struct Ended {
    std::int64_t count = 0;
    std::int64_t oldest = 0;  // none ended before; may be earlier than the truth
    std::int64_t kept_ms = 0;
    std::int64_t most = 0;
  };
  Ended& ended(DeliveryState state) { return state == DeliveryState::dead ? dead_ : delivered_; }
  const Ended& ended(DeliveryState state) const {
    return state == DeliveryState::dead ? dead_ : delivered_;
  }
  void count_in(const WebhookDelivery& delivery);
  void count_out(const std::string& queue, DeliveryState state);
  std::int64_t drop(sqlite::Database& db, DeliveryState state, std::int64_t now,
                    std::int64_t limit);
  static std::int64_t first_end(sqlite::Database& db, DeliveryState state);

  std::int64_t pending_ = 0;
  std::map<std::string, std::int64_t, std::less<>> pending_of_;  // by queue; none with 0
  Ended delivered_;
  Ended dead_;
  std::string sender_;
  std::int64_t term_ = 0;
};

}  // namespace weir::jobs
