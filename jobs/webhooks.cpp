#include "jobs/webhooks.hpp"

#include <algorithm>
#include <vector>

#include "jobs/job_row.hpp"
#include "jobs/webhook.hpp"
#include "pkg/base/ids.hpp"

namespace weir::jobs {
namespace {

constexpr std::int64_t kGone = 410;
const WebhookConfig kNoWebhook;

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = text.size();
  for (const char c : text) hash = mix64(hash ^ static_cast<unsigned char>(c));
  return hash;
}

// The same for every try; no other queue, and no queue of the same name on another log, makes it.
// It has no full stop: those stand between what is signed.
std::string delivery_id(const Step& step, const Queue& queue, std::int64_t ordinal,
                        std::string_view whose) {
  constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuv";
  auto hash = hash_of(queue.name) ^ mix64(static_cast<std::uint64_t>(queue.created_at));
  std::string out = "msg_";
  for (int i = 0; i < 12; ++i, hash >>= 5U) out += kDigits[hash & 31U];
  return out.append("-")
      .append(std::to_string(step.revision))
      .append("-")
      .append(std::to_string(ordinal))
      .append(whose);
}

void owe(Step& step, WebhookDelivery delivery) {
  step.count(Total::webhooks);
  if (!step.state.webhooks.add(step.db, std::move(delivery), step.now)) {
    step.count(Total::webhooks_dead);
  }
}

void wake_sender(Step& step) {
  const auto& sender = step.state.webhooks.sender();
  if (!sender.empty()) step.context.outbound.deliver(sender, kWebhookWaiter, "{}");
}

const WebhookConfig& config_of(Step& step, const WebhookDelivery& delivery) {
  const Queue* queue = step.state.queues.find(delivery.queue);
  return queue == nullptr ? kNoWebhook : queue->config.webhook;
}

std::string shortened(std::string text) {
  if (text.size() > kMaxWebhookErrorBytes) text.resize(kMaxWebhookErrorBytes);
  return text;
}

}  // namespace

bool wants_webhook(const Change& change, std::string_view word) {
  const auto& webhook = change.queue.config.webhook;
  return (change.parts & kHookedBit) != 0 || (webhook.is_on() && webhook.events.has(word));
}

void owe_webhooks(Step& step, const ToldEvent& event) {
  const auto owe_one = [&](std::string_view whose, std::string url) {
    owe(step, {.id = delivery_id(step, event.queue, event.ordinal, whose),
               .queue = event.queue.name,
               .subject = std::string(event.subject),
               .word = std::string(event.word),
               .url = std::move(url),
               .event = std::string(event.text)});
    wake_sender(step);
  };
  const auto& webhook = event.queue.config.webhook;
  if (webhook.is_on() && webhook.events.has(event.word)) owe_one("", {});
  if (event.options.empty()) return;
  const auto own = webhook_of(event.options);
  if (own && own->events.has(event.word)) owe_one("-job", own->url);
}

// --- the sender ----------------------------------------------------------------------------------

Result<std::string> Webhooks::lead(json::View body) {
  const auto node = body.find("node").as_string().value_or("");
  step_.state.webhooks.set_sender(step_.db, node, step_.revision);
  json::Writer out(32);
  return out.begin_object().member("term", step_.revision).end_object().take();
}

Result<std::string> Webhooks::report(json::View body) {
  if (body.find("term").as_int() != step_.state.webhooks.term()) {
    return Error{Code::conflict, "webhook_sender_replaced",
                 "Another coordinator delivers the webhooks now", ""};
  }
  std::int64_t reported = 0;
  for (const auto report : body.find("reports").elements()) reported += take_report(report) ? 1 : 0;
  json::Writer out(32);
  return out.begin_object().member("reported", reported).end_object().take();
}

bool Webhooks::take_report(json::View report) {
  auto delivery = find_delivery(step_.db, report.find("id").as_string().value_or(""));
  if (!delivery || delivery->state != DeliveryState::pending) return false;
  if (report.find("attempt").as_int() != delivery->attempts + 1) return false;
  ++delivery->attempts;
  delivery->last_at = step_.now;
  delivery->http_status = report.find("status").as_int();
  delivery->error = shortened(report.find("error").as_string().value_or(""));
  const auto status = delivery->http_status.value_or(0);
  if (delivery->error.empty() && status >= 200 && status < 300) {
    delivery->state = DeliveryState::delivered;
    delivery->ended_at = step_.now;
    delivery->due.reset();
    step_.count(Total::webhooks_delivered);
  } else {
    step_.count(Total::webhook_attempts_failed);
    failed(*delivery, report);
  }
  step_.state.webhooks.store(step_.db, *delivery, DeliveryState::pending);
  return true;
}

// Decided by the log's time alone, so that every coordinator sees the same next attempt.
void Webhooks::failed(WebhookDelivery& delivery, json::View report) {
  if (delivery.http_status == kGone) {
    if (delivery.url.empty()) disable(delivery);
    return die(delivery);
  }
  const auto& webhook = config_of(step_, delivery);
  const bool final = report.find("final").as_bool().value_or(false);
  if (final || delivery.attempts >= webhook.max_attempts) return die(delivery);
  const auto random = mix64(hash_of(delivery.id) ^ static_cast<std::uint64_t>(delivery.attempts));
  auto wait = retry_delay_ms(webhook.backoff, delivery.attempts, random);
  const auto asked = report.find("retry_after_ms").as_int().value_or(0);
  wait = std::max(wait, std::min(asked, kMaxRetryAfter.count()));
  delivery.due = step_.now + wait;
  if (*delivery.due > delivery.since + kWebhookAge.count()) die(delivery);
}

void Webhooks::die(WebhookDelivery& delivery) {
  delivery.state = DeliveryState::dead;
  delivery.ended_at = step_.now;
  delivery.due.reset();
  step_.count(Total::webhooks_dead);
}

// The receiver wants no more: events that come make no deliveries until the queue is configured
// again.
void Webhooks::disable(const WebhookDelivery& delivery) {
  Queue* queue = step_.state.queues.find(delivery.queue);
  if (queue == nullptr || !queue->config.webhook.is_on()) return;
  step_.state.queues.disable_webhook(step_.db, *queue, step_.now);
}

// --- operators -----------------------------------------------------------------------------------

Result<std::string> Webhooks::redrive(json::View body) {
  return change_dead(body, "redriven", &Webhooks::again);
}

Result<std::string> Webhooks::purge(json::View body) {
  return change_dead(body, "purged", &Webhooks::erase);
}

Result<std::string> Webhooks::change_dead(json::View body, std::string_view counted,
                                          Change change) {
  std::vector<std::string> ids;
  std::int64_t missing = 0;
  const auto queue = body.find("queue").as_string();
  // What dies while a long redrive goes on is not its business.
  const auto before = body.find("before").as_int().value_or(step_.now + 1);
  if (queue) {
    auto rows = step_.db.prepare(
        "SELECT id FROM job_webhooks INDEXED BY job_webhooks_dead"
        " WHERE state=2 AND queue=?1 AND ended_at<?2 ORDER BY ended_at,row LIMIT ?3");
    rows.bind_all(*queue, before, kPurgeRows);
    while (rows.step()) ids.emplace_back(rows.text(0));
  } else {
    for (const auto id : body.find("ids").elements()) ids.push_back(id.as_string().value_or(""));
  }
  std::int64_t done = 0;
  for (const auto& id : ids) {
    auto delivery = find_delivery(step_.db, id);
    if (!delivery || delivery->state != DeliveryState::dead) {
      ++missing;
      continue;
    }
    (this->*change)(*delivery);
    ++done;
  }
  wake_sender(step_);
  json::Writer out(96);
  out.begin_object().member(counted, done);
  if (!queue) out.member("missing", missing);
  out.member("more", queue && done == kPurgeRows)
      .member("before", before)
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

void Webhooks::again(WebhookDelivery& delivery) {
  delivery.state = DeliveryState::pending;
  delivery.since = step_.now;
  delivery.due = step_.now;
  delivery.attempts = 0;
  delivery.ended_at.reset();
  step_.state.webhooks.store(step_.db, delivery, DeliveryState::dead);
}

void Webhooks::erase(WebhookDelivery& delivery) {
  step_.state.webhooks.remove(step_.db, delivery);
}

Result<std::string> Webhooks::test(json::View body) {
  const auto name = body.find("queue").as_string().value_or("");
  const Queue* queue = step_.state.queues.find(name);
  if (queue == nullptr) return queue_not_found(name);
  if (!queue->config.webhook.is_on()) {
    return Error{Code::conflict, "webhook_not_set", "The queue has no webhook that is on",
                 "PUT /v1/queues/{queue} sets it; a receiver that answered 410 turned it off"};
  }
  const auto ordinal = ++step_.state.changes;
  const auto id = delivery_id(step_, *queue, ordinal, "");
  json::Writer event(384);
  event.begin_object()
      .member("specversion", "1.0")
      .member("id", std::to_string(step_.revision) + "-" + std::to_string(ordinal))
      .member("source", "/v1/queues/" + name)
      .member("type", "weir.webhook.test")
      .member("time", from_unix_ms(step_.now))
      .member("datacontenttype", "application/json")
      .key("data")
      .begin_object()
      .member("queue", name)
      .member("revision", step_.revision)
      .end_object()
      .end_object();
  owe(step_, {.id = id, .queue = name, .word = "test", .event = event.take()});
  wake_sender(step_);
  json::Writer out(96);
  out.begin_object().member("id", id).member("queue", name).member("revision", step_.revision);
  return out.end_object().take();
}

}  // namespace weir::jobs
