// Deliveries of webhooks: made with the events they carry, tried by one coordinator, counted here.
//
//   jobs.webhook_lead    {"node"}: this coordinator delivers from now on. Reply {"term"}.
//   jobs.webhook_report  {"term","reports":[{"id","attempt","status"?,"error"?,"retry_after_ms"?,
//                        "final"?}]}: what came of attempts. Reply {"reported"}: those that
//                        counted. A report counts once, and only under the newest term.
//   jobs.webhook_redrive {"ids"} or {"queue"}: dead deliveries are tried again.
//   jobs.webhook_purge   the same: they are deleted.
//   jobs.webhook_test    {"queue"}: a delivery without an event. Reply {"id"}.
// Errors: conflict / webhook_sender_replaced, webhook_not_set; not_found / queue_not_found.
#pragma once

#include <string>
#include <string_view>

#include "jobs/step.hpp"
#include "jobs/webhook_book.hpp"

namespace weir::jobs {

// The name under which the sender of a node waits to be woken (Outbound::deliver).
inline constexpr std::string_view kWebhookWaiter = "webhooks";

// Whether the change is worth an event because of a webhook; `word` is its word.
bool wants_webhook(const Change& change, std::string_view word);

// An event that was told, for those who have webhooks.
struct ToldEvent {
  const Queue& queue;
  std::string_view word = {};
  std::string_view subject = {};  // the job, or "batches/<id>"
  std::string_view options = {};  // of the job; empty: it has no webhook of its own
  std::int64_t ordinal;
  std::string_view text = {};  // the CloudEvent
};
void owe_webhooks(Step& step, const ToldEvent& event);

class Webhooks {
 public:
  explicit Webhooks(Step& step) : step_(step) {}

  Result<std::string> lead(json::View body);
  Result<std::string> report(json::View body);
  Result<std::string> redrive(json::View body);
  Result<std::string> purge(json::View body);
  Result<std::string> test(json::View body);

 private:
  bool take_report(json::View report);
  void failed(WebhookDelivery& delivery, json::View report);
  void die(WebhookDelivery& delivery);
  void disable(const WebhookDelivery& delivery);
  using Change = void (Webhooks::*)(WebhookDelivery&);
  Result<std::string> change_dead(json::View body, std::string_view counted, Change change);
  void again(WebhookDelivery& delivery);
  void erase(WebhookDelivery& delivery);

  Step& step_;
};

}  // namespace weir::jobs
