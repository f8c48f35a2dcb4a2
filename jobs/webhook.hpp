// What a webhook is: where the events of a queue or of a job go, and which of them
// (docs/webhooks.md). Plain values; the deliveries that follow are in jobs/webhook_book.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/backoff.hpp"
#include "jobs/limits.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// The words of events (docs/events.md), and of the test that somebody asked for.
inline constexpr std::array<std::string_view, 17> kEventWords{
    "submitted", "ready",    "scheduled",       "blocked",       "started",        "completed",
    "retried",   "released", "failed",          "dead_lettered", "cancelled",      "requeued",
    "removed",   "test",     "batch_succeeded", "batch_failed",  "batch_cancelled"};

class EventMask {
 public:
  constexpr EventMask() = default;
  // The ends of jobs and batches.
  static EventMask ends();
  // False when there is no such word (or it is "test", which cannot be chosen).
  bool add(std::string_view word);
  bool has(std::string_view word) const;
  // ["completed","failed"]; words that are not known are passed over.
  static EventMask parse(json::View list);
  void write(json::Writer& out) const;

 private:
  std::uint32_t bits_ = 0;
};

struct WebhookConfig {
  std::string url;  // empty: the queue has no webhook
  EventMask events = EventMask::ends();
  std::string secret;           // whsec_...
  std::string previous_secret;  // also signed with until `previous_until`
  std::int64_t previous_until = 0;
  Backoff backoff = default_backoff();
  std::int64_t max_attempts = kDefaultWebhookAttempts;
  std::int64_t disabled_at = 0;  // unix ms: the receiver said 410 Gone; 0: it is on

  bool is_on() const { return !url.empty() && disabled_at == 0; }
  // What to sign with, current first, as webhook::sign() takes it; empty: no secret.
  std::string secrets(std::int64_t now) const;
  static Backoff default_backoff();
};

// The form in job_queues.config.
WebhookConfig parse_webhook(json::View stored);
void store_webhook(json::Writer& out, const WebhookConfig& webhook);
// A stored queue configuration, with this webhook instead of its own (none: without a URL).
std::string with_webhook(json::View config, const WebhookConfig& webhook);
// As people may see it: without secrets. null without a URL.
void write_webhook(json::Writer& out, const WebhookConfig& webhook);

// What jobs.queue_config asks for, on top of what the queue has: a secret that was not given stays,
// and the first one is the one that the proposer drew ("fresh").
struct WebhookChange {
  WebhookConfig webhook;
  bool drawn = false;  // the fresh secret was taken: its owner has to be told
};
WebhookChange change_webhook(const WebhookConfig& before, json::View asked, std::int64_t now);

// Of one job, from its options: {"url","events"?,"default_secret"?}.
struct JobWebhook {
  std::string url;
  EventMask events = EventMask::ends();
  bool default_secret = false;  // the coordinator that took the job had one to sign with
};
std::optional<JobWebhook> webhook_of(std::string_view options);
void write_job_webhook(json::Writer& out, const JobWebhook& webhook);

}  // namespace weir::jobs
