#include "jobs/webhook.hpp"

#include <algorithm>

namespace weir::jobs {
namespace {

constexpr std::string_view kTest = "test";
constexpr std::string_view kHidden = "***";

std::optional<unsigned> bit_of(std::string_view word) {
  const auto* const found = std::ranges::find(kEventWords, word);
  if (found == kEventWords.end()) return std::nullopt;
  return static_cast<unsigned>(found - kEventWords.begin());
}

std::string text_of(json::View object, std::string_view name) {
  return object.find(name).as_string().value_or("");
}

}  // namespace

EventMask EventMask::ends() {
  EventMask out;
  for (const std::string_view word : {"completed", "failed", "dead_lettered", "cancelled",
                                      "batch_succeeded", "batch_failed", "batch_cancelled"}) {
    out.add(word);
  }
  return out;
}

bool EventMask::add(std::string_view word) {
  const auto bit = bit_of(word);
  if (!bit || word == kTest) return false;
  bits_ |= 1U << *bit;
  return true;
}

bool EventMask::has(std::string_view word) const {
  const auto bit = bit_of(word);
  return bit && ((bits_ >> *bit) & 1U) != 0;
}

EventMask EventMask::parse(json::View list) {
  EventMask out;
  for (const auto word : list.elements()) out.add(word.as_string().value_or(""));
  return out;
}

void EventMask::write(json::Writer& out) const {
  out.begin_array();
  for (const auto word : kEventWords) {
    if (has(word)) out.value(word);
  }
  out.end_array();
}

// The example schedule of Standard Webhooks 1.0.0, "Deliverability and reliability".
Backoff WebhookConfig::default_backoff() {
  constexpr std::int64_t kSecond = 1'000;
  constexpr std::int64_t kMinute = 60 * kSecond;
  constexpr std::int64_t kHour = 60 * kMinute;
  Backoff out;
  out.kind = Backoff::Kind::list;
  out.list_ms = {5 * kSecond, 5 * kMinute, 30 * kMinute, 2 * kHour, 5 * kHour,
                 10 * kHour,  14 * kHour,  20 * kHour,   24 * kHour};
  out.max_ms = 24 * kHour;
  return out;
}

std::string WebhookConfig::secrets(std::int64_t now) const {
  if (previous_secret.empty() || now >= previous_until) return secret;
  return secret + " " + previous_secret;
}

WebhookConfig parse_webhook(json::View stored) {
  WebhookConfig out;
  for (const auto& member : stored.members()) {
    const auto key = member.raw_key;
    const auto value = member.value;
    if (key == "url") {
      out.url = value.as_string().value_or("");
    } else if (key == "events") {
      out.events = EventMask::parse(value);
    } else if (key == "secret") {
      out.secret = value.as_string().value_or("");
    } else if (key == "previous_secret") {
      out.previous_secret = value.as_string().value_or("");
    } else if (key == "previous_until") {
      out.previous_until = value.as_int().value_or(0);
    } else if (key == "backoff") {
      out.backoff = parse_backoff(value);
    } else if (key == "max_attempts") {
      out.max_attempts = value.as_int().value_or(out.max_attempts);
    } else if (key == "disabled_at") {
      out.disabled_at = value.as_int().value_or(0);
    }
  }
  return out;
}

void store_webhook(json::Writer& out, const WebhookConfig& webhook) {
  out.begin_object().member("url", webhook.url).key("events");
  webhook.events.write(out);
  out.member("secret", webhook.secret);
  if (!webhook.previous_secret.empty()) {
    out.member("previous_secret", webhook.previous_secret)
        .member("previous_until", webhook.previous_until);
  }
  out.key("backoff");
  write_backoff(out, webhook.backoff);
  out.member("max_attempts", webhook.max_attempts);
  if (webhook.disabled_at != 0) out.member("disabled_at", webhook.disabled_at);
  out.end_object();
}

std::string with_webhook(json::View config, const WebhookConfig& webhook) {
  json::Writer out(config.raw().size() + 256);
  out.begin_object();
  for (const auto& member : config.members()) {
    if (member.raw_key != "webhook") out.raw_member(member.key(), member.value.raw());
  }
  if (!webhook.url.empty()) {
    out.key("webhook");
    store_webhook(out, webhook);
  }
  return out.end_object().take();
}

void write_webhook(json::Writer& out, const WebhookConfig& webhook) {
  if (webhook.url.empty()) {
    out.null();
    return;
  }
  out.begin_object().member("url", webhook.url).key("events");
  webhook.events.write(out);
  out.member("secret", kHidden).key("backoff");
  write_backoff(out, webhook.backoff);
  out.member("max_attempts", webhook.max_attempts).end_object();
}

WebhookChange change_webhook(const WebhookConfig& before, json::View asked, std::int64_t now) {
  WebhookChange out;
  if (asked.is_missing()) return out;
  auto& webhook = out.webhook;
  webhook = parse_webhook(asked);
  if (webhook.secret == kHidden) webhook.secret.clear();
  if (webhook.secret.empty() || webhook.secret == before.secret) {
    webhook.secret = before.secret;
    webhook.previous_secret = before.previous_secret;
    webhook.previous_until = before.previous_until;
  } else if (!before.secret.empty()) {
    webhook.previous_secret = before.secret;
    webhook.previous_until = now + kOldWebhookSecret.count();
  }
  if (webhook.secret.empty()) {
    webhook.secret = text_of(asked, "fresh");
    out.drawn = true;
  }
  return out;
}

std::optional<JobWebhook> webhook_of(std::string_view options) {
  const auto given = json::View(options).find("webhook");
  if (given.is_missing()) return std::nullopt;
  JobWebhook out;
  out.url = text_of(given, "url");
  if (const auto events = given.find("events"); !events.is_missing()) {
    out.events = EventMask::parse(events);
  }
  out.default_secret = given.find("default_secret").as_bool().value_or(false);
  return out;
}

void write_job_webhook(json::Writer& out, const JobWebhook& webhook) {
  out.begin_object().member("url", webhook.url).key("events");
  webhook.events.write(out);
  out.end_object();
}

}  // namespace weir::jobs
