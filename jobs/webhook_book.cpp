#include "jobs/webhook_book.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace weir::jobs {
namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
constexpr std::array<std::string_view, 3> kStates{"pending", "delivered", "dead"};
constexpr std::int64_t kSlack = 256;  // rows beyond a limit that a tick is worth
constexpr std::string_view kTooMany = "too many deliveries are pending";

std::int64_t number(DeliveryState state) {
  return static_cast<std::int64_t>(state);
}

}  // namespace

std::string_view to_string(DeliveryState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<DeliveryState> parse_delivery_state(std::string_view word) {
  const auto* const found = std::ranges::find(kStates, word);
  if (found == kStates.end()) return std::nullopt;
  return static_cast<DeliveryState>(found - kStates.begin());
}

std::optional<WebhookDelivery> find_delivery(sqlite::Database& db, std::string_view id) {
  auto rows = db.prepare(
      "SELECT row,id,queue,subject,word,url,state,created_at,since,due,attempts,ended_at,last_at,"
      "http_status,error,event FROM job_webhooks WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return std::nullopt;
  return WebhookDelivery{.row = rows.int64(0),
                         .id = std::string(rows.text(1)),
                         .queue = std::string(rows.text(2)),
                         .subject = std::string(rows.text(3)),
                         .word = std::string(rows.text(4)),
                         .url = std::string(rows.text(5)),
                         .state = static_cast<DeliveryState>(rows.int64(6)),
                         .created_at = rows.int64(7),
                         .since = rows.int64(8),
                         .due = rows.optional_int64(9),
                         .attempts = rows.int64(10),
                         .ended_at = rows.optional_int64(11),
                         .last_at = rows.optional_int64(12),
                         .http_status = rows.optional_int64(13),
                         .error = std::string(rows.text(14)),
                         .event = std::string(rows.text(15))};
}

void WebhookBook::load(sqlite::Database& db) {
  pending_ = term_ = 0;
  pending_of_.clear();
  sender_.clear();
  delivered_ = {.kept_ms = kWebhooksKept.count(), .most = kMaxWebhooksKept};
  dead_ = {.kept_ms = kDeadWebhooksKept.count(), .most = kMaxWebhooksDead};
  {
    auto rows = db.prepare(
        "SELECT queue,count(*) FROM job_webhooks INDEXED BY job_webhooks_due"
        " WHERE state=0 AND queue>'' GROUP BY queue");
    while (rows.step()) {
      pending_of_.emplace(rows.text(0), rows.int64(1));
      pending_ += rows.int64(1);
    }
  }
  for (const auto state : {DeliveryState::delivered, DeliveryState::dead}) {
    auto rows = db.prepare(
        "SELECT count(*) FROM job_webhooks INDEXED BY job_webhooks_ended"
        " WHERE state=?1 AND state<>0");
    rows.bind(1, number(state));
    if (rows.step()) ended(state).count = rows.int64(0);
  }
  for (const auto state : {DeliveryState::delivered, DeliveryState::dead}) {
    ended(state).oldest = first_end(db, state);
  }
  auto rows = db.prepare("SELECT node,term FROM job_webhook_sender WHERE id=1");
  if (!rows.step()) return;
  sender_ = rows.text(0);
  term_ = rows.int64(1);
}

bool WebhookBook::full(std::string_view queue) const {
  if (pending_ >= kMaxWebhooksPending) return true;
  const auto found = pending_of_.find(queue);
  return found != pending_of_.end() && found->second >= kMaxQueueWebhooks;
}

bool WebhookBook::add(sqlite::Database& db, WebhookDelivery delivery, std::int64_t now) {
  const bool dead = full(delivery.queue);
  delivery.created_at = delivery.since = now;
  delivery.state = dead ? DeliveryState::dead : DeliveryState::pending;
  if (dead) {
    delivery.ended_at = now;
    delivery.error = kTooMany;
  } else {
    delivery.due = now;
  }
  db.prepare(
        "INSERT INTO job_webhooks(id,queue,subject,word,url,state,created_at,since,due,attempts,"
        "ended_at,error,event) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,0,?10,?11,?12)")
      .bind_all(delivery.id, delivery.queue, delivery.subject, delivery.word, delivery.url,
                number(delivery.state), now, now, delivery.due, delivery.ended_at, delivery.error,
                delivery.event)
      .run();
  count_in(delivery);
  return !dead;
}

void WebhookBook::store(sqlite::Database& db, const WebhookDelivery& delivery,
                        DeliveryState before) {
  db.prepare(
        "UPDATE job_webhooks SET state=?2,since=?3,due=?4,attempts=?5,ended_at=?6,last_at=?7,"
        "http_status=?8,error=?9 WHERE row=?1")
      .bind_all(delivery.row, number(delivery.state), delivery.since, delivery.due,
                delivery.attempts, delivery.ended_at, delivery.last_at, delivery.http_status,
                delivery.error)
      .run();
  if (before == delivery.state) return;
  count_out(delivery.queue, before);
  count_in(delivery);
}

void WebhookBook::remove(sqlite::Database& db, const WebhookDelivery& delivery) {
  db.prepare("DELETE FROM job_webhooks WHERE row=?1").bind_all(delivery.row).run();
  count_out(delivery.queue, delivery.state);
}

void WebhookBook::count_in(const WebhookDelivery& delivery) {
  if (delivery.state == DeliveryState::pending) {
    ++pending_;
    ++pending_of_[delivery.queue];
    return;
  }
  auto& counted = ended(delivery.state);
  const auto at = delivery.ended_at.value_or(0);
  counted.oldest = counted.count == 0 ? at : std::min(counted.oldest, at);
  ++counted.count;
}

void WebhookBook::count_out(const std::string& queue, DeliveryState state) {
  if (state != DeliveryState::pending) {
    --ended(state).count;
    return;
  }
  --pending_;
  const auto found = pending_of_.find(queue);
  if (--found->second == 0) pending_of_.erase(found);
}

std::int64_t WebhookBook::first_end(sqlite::Database& db, DeliveryState state) {
  auto rows = db.prepare(
      "SELECT ended_at FROM job_webhooks INDEXED BY job_webhooks_ended"
      " WHERE state=?1 AND state<>0 ORDER BY ended_at,row LIMIT 1");
  rows.bind(1, number(state));
  return rows.step() ? rows.int64(0) : 0;
}

std::int64_t WebhookBook::drop_old(sqlite::Database& db, std::int64_t now, std::int64_t limit) {
  const auto delivered = drop(db, DeliveryState::delivered, now, limit);
  return delivered + drop(db, DeliveryState::dead, now, limit - delivered);
}

std::int64_t WebhookBook::drop(sqlite::Database& db, DeliveryState state, std::int64_t now,
                               std::int64_t limit) {
  auto& counted = ended(state);
  const auto excess =
      counted.count > counted.most + kSlack ? counted.count - counted.most : std::int64_t{0};
  if (counted.count == 0 || (excess == 0 && counted.oldest + counted.kept_ms > now)) return 0;
  std::vector<std::int64_t> old;
  {
    auto rows = db.prepare(
        "SELECT row,ended_at FROM job_webhooks INDEXED BY job_webhooks_ended"
        " WHERE state=?1 AND state<>0 ORDER BY ended_at,row LIMIT ?2");
    rows.bind_all(number(state), limit);
    while (rows.step()) {
      const bool excessive = static_cast<std::int64_t>(old.size()) < excess;
      if (!excessive && rows.int64(1) + counted.kept_ms > now) break;
      old.push_back(rows.int64(0));
    }
  }
  auto erase = db.prepare("DELETE FROM job_webhooks WHERE row=?1");
  for (const auto row : old) erase.bind_all(row).run();
  counted.count -= static_cast<std::int64_t>(old.size());
  counted.oldest = first_end(db, state);
  return static_cast<std::int64_t>(old.size());
}

std::int64_t WebhookBook::next_due() const {
  auto due = kForever;
  for (const auto* counted : {&delivered_, &dead_}) {
    if (counted->count > counted->most + kSlack) return 0;
    if (counted->count > 0) due = std::min(due, counted->oldest + counted->kept_ms);
  }
  return due;
}

void WebhookBook::set_sender(sqlite::Database& db, std::string_view node, std::int64_t term) {
  db.prepare("INSERT OR REPLACE INTO job_webhook_sender(id,node,term) VALUES(1,?1,?2)")
      .bind_all(node, term)
      .run();
  sender_ = node;
  term_ = term;
}

}  // namespace weir::jobs
