#include "tests/sim/webhook_clients.hpp"

#include "pkg/base/assert.hpp"

namespace weir::sim {
namespace {

constexpr std::int64_t kAtOnce = 16;
constexpr std::int64_t kMostAtOnce = 40;  // fit into an entry of the simulated log

}  // namespace

WebhookClients::WebhookClients(World& world, Ledger& ledger, std::function<SimNode*()> any_node)
    : world_(world), ledger_(ledger), any_node_(std::move(any_node)) {}

std::string WebhookClients::config() {
  return R"("events":true,"webhook":{"url":"https://example.com/queue","max_attempts":3,)"
         R"("backoff":{"kind":"fixed","delay_ms":300,"jitter":0.2},"events":["submitted","ready",)"
         R"("scheduled","blocked","started","completed","retried","released","failed",)"
         R"("dead_lettered","cancelled","requeued","removed","batch_succeeded","batch_failed",)"
         R"("batch_cancelled"]})";
}

std::string WebhookClients::job_text() {
  return R"(,"webhook":{"url":"https://example.com/job"})";
}

void WebhookClients::beat() {
  if (ended_) return;
  world_.after(Micros{world_.between(50'000, 400'000)}, [this] { beat(); });
  if (senders_.empty() || (!calm_ && world_.chance(80))) {
    if (SimNode* node = any_node_()) lead(*node);
    return;
  }
  // Often one that was replaced, as long as there are faults.
  const bool newest = calm_ || world_.chance(700);
  deliver(newest ? senders_.back() : senders_[world_.below(senders_.size())]);
}

void WebhookClients::lead(SimNode& node) {
  node.propose(jobs::webhook_lead(node.id()), [this, at = &node](Result<replica::Reply> reply) {
    if (!reply) return;
    const auto term = json::View(reply->json).find("term").as_int().value_or(0);
    if (senders_.empty() || senders_.back().term < term) senders_.push_back({at, term});
  });
}

void WebhookClients::deliver(const Sender& sender) {
  if (!sender.node->serving()) {
    if (calm_) senders_.clear();
    return;
  }
  std::vector<jobs::WebhookReport> reports;
  auto& db = sender.node->db();
  const auto read = db.read([&]() -> Result<void> {
    auto rows =
        db.prepare("SELECT id,attempts FROM job_webhooks WHERE state=0 ORDER BY row LIMIT ?1");
    rows.bind(1, calm_ ? kMostAtOnce : kAtOnce);
    while (rows.step()) reports.push_back(outcome(std::string(rows.text(0)), rows.int64(1) + 1));
    return {};
  });
  WEIR_ASSERT(read.has_value());
  if (!reports.empty() || calm_) report(sender, std::move(reports));
}

jobs::WebhookReport WebhookClients::outcome(std::string id, std::int64_t attempt) {
  jobs::WebhookReport out{.id = std::move(id), .attempt = attempt};
  if (calm_ || world_.chance(500)) {
    out.status = 200;
    ledger_.hook_taken(out.id);
  } else {
    out.error = "not now";
    out.retry_after = Millis(world_.below(2'000));
    out.final = world_.chance(50);
  }
  return out;
}

void WebhookClients::report(const Sender& sender, std::vector<jobs::WebhookReport> reports) {
  auto operation = jobs::webhook_report(sender.term, reports);
  sender.node->propose(
      std::move(operation), [this, term = sender.term,
                             reports = std::move(reports)](const Result<replica::Reply>& reply) {
        if (!reply) {
          if (!calm_ || reply.error().reason != "webhook_sender_replaced") return;
          std::erase_if(senders_, [term](const Sender& each) { return each.term <= term; });
          return;
        }
        const auto counted = json::View(reply->json).find("reported").as_int().value_or(0);
        if (counted != static_cast<std::int64_t>(reports.size())) return;
        for (const auto& each : reports) {
          if (each.status == 200) ledger_.hook_delivered(each.id);
        }
      });
}

}  // namespace weir::sim
