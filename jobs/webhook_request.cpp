#include "jobs/webhook_request.hpp"

#include "jobs/requests.hpp"
#include "jobs/webhook.hpp"
#include "pkg/webhook/signature.hpp"
#include "pkg/webhook/target.hpp"

namespace weir::jobs {
namespace {

void write_url(Fields& fields, json::Writer& out) {
  const auto url = fields.required_text("url", webhook::kMaxUrlBytes);
  if (!url) return;
  if (const auto target = webhook::parse_target(*url); !target) {
    fields.complain("url", target.error().details);
  }
  out.member("url", *url);
}

void write_events(Fields& fields, json::Writer& out) {
  const auto words = fields.array("events", kEventWords.size());
  if (words.is_missing()) return;
  EventMask mask;
  std::size_t index = 0;
  for (const auto word : words.elements()) {
    const auto field = fields.path("events[" + std::to_string(index++) + "]");
    const auto text = word.as_string();
    if (!text) {
      fields.errors().wrong_type(field, "a string", word);
    } else if (!mask.add(*text)) {
      fields.errors().invalid(field, "must be a word of docs/events.md, such as completed");
    }
  }
  if (index == 0) fields.complain("events", "must name at least one");
  out.key("events");
  mask.write(out);
}

void write_secret(Fields& fields, json::Writer& out) {
  const auto secret = fields.text("secret", 256);
  if (!secret || *secret == "***") return;
  if (const auto key = webhook::secret_key(*secret); !key) {
    fields.complain("secret", key.error().details);
  }
  out.member("secret", *secret);
}

}  // namespace

void write_queue_webhook(Fields& queue, std::string_view fresh, json::Writer& out) {
  const auto given = queue.object("webhook");
  if (given.is_missing()) return;
  Fields fields(queue.errors(), given, queue.path("webhook"));
  out.key("webhook").begin_object();
  write_url(fields, out);
  write_events(fields, out);
  write_secret(fields, out);
  if (const auto backoff = fields.object("backoff"); !backoff.is_missing()) {
    out.key("backoff");
    write_backoff_request(fields.errors(), backoff, fields.path("backoff"), out);
  }
  if (const auto most = fields.integer("max_attempts", 1, kMaxWebhookAttempts)) {
    out.member("max_attempts", *most);
  }
  fields.finish();
  out.member("fresh", fresh).end_object();
}

void write_webhook_request(Fields& job, bool default_secret, json::Writer& out) {
  const auto given = job.object("webhook");
  if (given.is_missing()) return;
  Fields fields(job.errors(), given, job.path("webhook"));
  out.key("webhook").begin_object();
  write_url(fields, out);
  write_events(fields, out);
  if (default_secret) out.member("default_secret", true);
  fields.finish();
  out.end_object();
}

replica::Operation webhook_lead(std::string_view node) {
  return {"jobs.webhook_lead", one_member("node", node)};
}

replica::Operation webhook_report(std::int64_t term, std::span<const WebhookReport> reports) {
  json::Writer out(128 * reports.size() + 64);
  out.begin_object().member("term", term).key("reports").begin_array();
  for (const auto& report : reports) {
    out.begin_object().member("id", report.id).member("attempt", report.attempt);
    if (report.status != 0) out.member("status", static_cast<std::int64_t>(report.status));
    if (!report.error.empty()) out.member("error", report.error);
    if (report.retry_after.count() > 0) out.member("retry_after_ms", report.retry_after.count());
    if (report.final) out.member("final", true);
    out.end_object();
  }
  return {"jobs.webhook_report", out.end_array().end_object().take()};
}

}  // namespace weir::jobs
