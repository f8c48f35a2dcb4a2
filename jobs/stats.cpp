#include "jobs/stats.hpp"

#include <numeric>

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, kTotalCount> kTotalWords{"submitted",
                                                                "duplicates",
                                                                "leased",
                                                                "completed",
                                                                "failed_attempts",
                                                                "expired",
                                                                "released",
                                                                "retries_scheduled",
                                                                "dead_lettered",
                                                                "failed",
                                                                "cancelled",
                                                                "retried",
                                                                "removed",
                                                                "schedule_runs",
                                                                "schedule_missed",
                                                                "schedule_skipped",
                                                                "schedule_late_ms",
                                                                "webhooks",
                                                                "webhooks_delivered",
                                                                "webhook_attempts_failed",
                                                                "webhooks_dead"};

}  // namespace

std::string_view to_string(Total total) {
  return kTotalWords[static_cast<std::size_t>(total)];
}

std::int64_t Stats::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::int64_t Stats::waiting() const {
  return counts[index_of(Status::scheduled)] + counts[index_of(Status::blocked)] +
         counts[index_of(Status::unprocessed)];
}

Stats StatsBoard::snapshot() const {
  Stats stats;
  const std::lock_guard lock(mutex_);
  stats.counts = counts_;
  stats.totals = totals_;
  stats.waiters = waiters_;
  stats.webhooks = webhooks_;
  for (const auto& [name, queue] : queues_) stats.queues.push_back(queue);
  for (const auto& [name, worker] : workers_) stats.workers.push_back(worker);
  return stats;
}

Counts StatsBoard::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

Totals StatsBoard::totals() const {
  const std::lock_guard lock(mutex_);
  return totals_;
}

WebhookStats StatsBoard::webhooks() const {
  const std::lock_guard lock(mutex_);
  return webhooks_;
}

void StatsBoard::publish(Update update) {
  const std::lock_guard lock(mutex_);
  counts_ = update.counts;
  totals_ = update.totals;
  waiters_ = update.waiters;
  webhooks_ = update.webhooks;
  if (update.replace) {
    queues_.clear();
    workers_.clear();
  }
  for (const auto& name : update.removed_queues) queues_.erase(name);
  for (const auto& name : update.removed_workers) workers_.erase(name);
  for (auto& queue : update.queues) queues_.insert_or_assign(queue.name, queue);
  for (auto& worker : update.workers) workers_.insert_or_assign(worker.name, worker);
}

}  // namespace weir::jobs
