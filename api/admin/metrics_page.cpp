#include "api/admin/metrics_page.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/runtime/process_info.hpp"
#include "jobs/queries.hpp"
#include "pkg/rooms/rooms.hpp"

namespace weir::api {
namespace {

using metrics::Page;
using Type = metrics::Page::Type;

constexpr std::size_t kQueuesShown = 100;

double number(std::uint64_t value) {
  return static_cast<double>(value);
}
double number(std::int64_t value) {
  return static_cast<double>(value);
}

void collect_process(const Services& services, Page& page) {
  page.begin("weir_build_info", "Version of this coordinator, value 1.", Type::gauge);
  page.sample({{"version", WEIR_VERSION}}, 1);
  const auto uptime = services.clock.mono() - services.started_at;
  page.single("weir_uptime_seconds", "Seconds since the start.", Type::gauge,
              std::chrono::duration<double>(uptime).count());
  page.single("weir_resident_memory_bytes", "Resident memory of the process.", Type::gauge,
              number(memory_use().used_bytes));
  if (!services.connections) return;
  const auto connections = services.connections();
  page.single("weir_http_connections", "Open client connections.", Type::gauge,
              number(connections.active));
  page.single("weir_http_connections_accepted_total", "Client connections since the start.",
              Type::counter, number(connections.total));
  page.single("weir_http_event_streams", "Open event streams.", Type::gauge,
              number(connections.streams));
  page.single("weir_http_event_streams_opened_total", "Event streams since the start.",
              Type::counter, number(connections.streams_total));
  page.single("weir_http_event_streams_overflowed_total",
              "Event streams ended because the client did not read.", Type::counter,
              number(connections.streams_overflowed));
  page.single("weir_websockets", "Open WebSockets.", Type::gauge, number(connections.sockets));
  page.single("weir_websockets_opened_total", "WebSockets since the start.", Type::counter,
              number(connections.sockets_total));
  page.single("weir_websockets_overflowed_total",
              "WebSockets ended because the client did not read its answers.", Type::counter,
              number(connections.sockets_overflowed));
  page.single("weir_websocket_messages_dropped_total",
              "Messages that were not sent to WebSockets that were read too slowly.", Type::counter,
              number(connections.sockets_dropped));
}

// One replicated log of this coordinator, as of now.
struct LogFacts {
  std::string_view name;
  replica::Health health;
  replica::Totals totals;
  std::uint64_t snapshots_taken = 0;
};

LogFacts facts_of(std::string_view name, replica::Instance& instance) {
  LogFacts out{name, instance.health(), instance.totals()};
  if (auto* snapshots = instance.snapshots()) out.snapshots_taken = snapshots->taken();
  return out;
}

struct LogMetric {
  std::string_view name;
  std::string_view help;
  Type type;
  double (*value)(const LogFacts&);
};

constexpr LogMetric kLogMetrics[] = {
    {"weir_log_connected", "1 while NATS is reachable.", Type::gauge,
     [](const LogFacts& log) { return log.health.log_connected ? 1.0 : 0.0; }},
    {"weir_replica_applying", "1 while caught up and applying.", Type::gauge,
     [](const LogFacts& log) { return log.health.applying ? 1.0 : 0.0; }},
    {"weir_replica_leader", "1 while this node proposes ticks.", Type::gauge,
     [](const LogFacts& log) { return log.health.role == replica::Role::leader ? 1.0 : 0.0; }},
    {"weir_replica_applied_revision", "Last applied log revision.", Type::gauge,
     [](const LogFacts& log) { return number(log.health.applied); }},
    {"weir_replica_lag_entries", "Entries between the end of the log and this replica.",
     Type::gauge,
     [](const LogFacts& log) {
       const auto& health = log.health;
       return health.log_last > health.applied ? number(health.log_last - health.applied) : 0.0;
     }},
    {"weir_replica_database_bytes", "Size of the replica's SQLite files.", Type::gauge,
     [](const LogFacts& log) { return number(log.health.database_bytes); }},
    {"weir_snapshots_taken_total", "Snapshots taken by this node since its start.", Type::counter,
     [](const LogFacts& log) { return number(log.snapshots_taken); }},
    {"weir_proposer_waiting", "Operations waiting for an entry.", Type::gauge,
     [](const LogFacts& log) { return static_cast<double>(log.health.proposals_waiting); }},
    {"weir_effects_waiting", "Outside messages owed by applied entries.", Type::gauge,
     [](const LogFacts& log) { return static_cast<double>(log.health.effects_waiting); }},
    {"weir_proposer_entries_total", "Entries appended by this node.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.entries_proposed); }},
    {"weir_proposer_operations_total", "Operations in those entries.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.operations_proposed); }},
    {"weir_proposer_batch_size", "Operations per entry of this node, mean since the start.",
     Type::gauge,
     [](const LogFacts& log) {
       const auto entries = log.totals.entries_proposed;
       return entries == 0 ? 0.0 : number(log.totals.operations_proposed) / number(entries);
     }},
    {"weir_proposer_retries_total", "Publishes repeated because no ack came.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.publish_retries); }},
    {"weir_applier_entries_total", "Entries applied.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.entries_applied); }},
    {"weir_applier_operations_total", "Operations applied.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.operations_applied); }},
    {"weir_applier_transactions_total", "SQLite transactions committed.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.transactions); }},
    {"weir_applier_busy_seconds_total", "Time spent applying and committing.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.apply_us) / 1e6; }},
    {"weir_effects_done_total", "Outside messages published.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.effects_done); }},
    {"weir_log_entries_healed_total", "Log entries stored again that NATS had lost.", Type::counter,
     [](const LogFacts& log) { return number(log.totals.entries_healed); }},
    {"weir_state_checkpoint_revision", "Where replicas compared their states last.", Type::gauge,
     [](const LogFacts& log) { return number(log.health.digest.checkpoint); }},
    {"weir_state_diverged", "1 when the state of this node is wrong: it has stopped.", Type::gauge,
     [](const LogFacts& log) { return log.health.digest.diverged ? 1.0 : 0.0; }},
    {"weir_state_others_differ", "1 when another node has another state than this one.",
     Type::gauge,
     [](const LogFacts& log) { return log.health.digest.differing.empty() ? 0.0 : 1.0; }},
};

void collect_logs(const Services& services, Page& page) {
  std::vector<LogFacts> logs{facts_of("jobs", services.instance)};
  if (services.data != nullptr) logs.push_back(facts_of("data", *services.data));
  for (const auto& metric : kLogMetrics) {
    page.begin(metric.name, metric.help, metric.type);
    for (const auto& log : logs) page.sample({{"log", log.name}}, metric.value(log));
  }
  const auto& outbox = logs.front().health.outbox;
  page.single("weir_outbox_operations", "Operations that wait on disk for NATS.", Type::gauge,
              number(outbox.operations));
  page.single("weir_outbox_bytes", "Bytes that wait on disk for NATS.", Type::gauge,
              number(outbox.bytes));
}

void collect_structures(const Services& services, Page& page) {
  if (services.structures == nullptr) return;
  const auto stats = services.structures->stats();
  page.begin("weir_structures", "Data structures by type.", Type::gauge);
  for (std::size_t i = 0; i < structures::kKinds.size(); ++i) {
    page.sample({{"type", structures::to_string(structures::kKinds[i])}},
                number(stats.kinds[i].keys));
  }
  page.begin("weir_structures_elements", "Elements of data structures by type.", Type::gauge);
  for (std::size_t i = 0; i < structures::kKinds.size(); ++i) {
    page.sample({{"type", structures::to_string(structures::kKinds[i])}},
                number(stats.kinds[i].elements));
  }
  page.single("weir_structures_bytes", "Estimated bytes of all data structures.", Type::gauge,
              number(stats.bytes));
  page.single("weir_structures_max_bytes", "Bytes that data structures may use.", Type::gauge,
              number(stats.limits.max_bytes));
}

void collect_rooms(const Services& services, Page& page) {
  const auto rooms = services.rooms.figures();
  page.single("weir_rooms", "Rooms, as far as this coordinator knows.", Type::gauge,
              number(rooms.rooms));
  page.single("weir_rooms_active", "Rooms that somebody follows on this coordinator.", Type::gauge,
              number(rooms.active));
  page.single("weir_room_subscribers", "Followers of rooms on this coordinator.", Type::gauge,
              number(rooms.subscribers));
}

// The queues with the most jobs first; at most kQueuesShown of them get a label of their own.
std::vector<const jobs::QueueStats*> by_size(const jobs::Stats& stats) {
  std::vector<const jobs::QueueStats*> queues;
  for (const auto& queue : stats.queues) queues.push_back(&queue);
  const auto total = [](const jobs::QueueStats* queue) {
    std::int64_t sum = 0;
    for (const auto count : queue->counts) sum += count;
    return sum;
  };
  std::stable_sort(queues.begin(), queues.end(),
                   [&](const auto* a, const auto* b) { return total(a) > total(b); });
  return queues;
}

void collect_queues(const std::vector<const jobs::QueueStats*>& queues, Page& page) {
  page.begin("weir_queue_jobs", "Jobs per queue and status.", Type::gauge);
  jobs::Counts others{};
  for (std::size_t i = 0; i < queues.size(); ++i) {
    for (const auto status : jobs::kStatuses) {
      const auto count = queues[i]->counts[jobs::index_of(status)];
      if (i >= kQueuesShown) {
        others[jobs::index_of(status)] += count;
      } else {
        page.sample({{"queue", queues[i]->name}, {"status", jobs::to_string(status)}},
                    number(count));
      }
    }
  }
  if (queues.size() <= kQueuesShown) return;
  for (const auto status : jobs::kStatuses) {
    page.sample({{"queue", "_other"}, {"status", jobs::to_string(status)}},
                number(others[jobs::index_of(status)]));
  }
}

void collect_oldest(Services& services, const std::vector<const jobs::QueueStats*>& queues,
                    Page& page) {
  page.begin("weir_queue_oldest_ready_age_seconds", "Age of the oldest job ready to run.",
             Type::gauge);
  const auto now = services.clock.wall();
  const std::size_t shown = std::min(queues.size(), kQueuesShown);
  for (std::size_t i = 0; i < shown; ++i) {
    if (queues[i]->counts[jobs::index_of(jobs::Status::unprocessed)] == 0) continue;
    std::int64_t age_ms = 0;
    const auto read = services.instance.read([&](sqlite::Database& db) -> Result<void> {
      WEIR_ASSIGN(const auto queue, jobs::get_queue(db, queues[i]->name, now));
      age_ms = json::View(queue).find("oldest_ready_age_ms").as_int().value_or(0);
      return {};
    });
    if (read) page.sample({{"queue", queues[i]->name}}, number(age_ms) / 1000);
  }
}

void collect_schedules(const jobs::Totals& totals, Page& page) {
  const auto of = [&](jobs::Total total) {
    return number(totals[static_cast<std::size_t>(total)]);
  };
  page.single("weir_schedule_runs_total", "Runs of schedules since the log began.", Type::counter,
              of(jobs::Total::schedule_runs));
  page.single("weir_schedule_missed_total",
              "Runs that nobody could start in time and that were not made up.", Type::counter,
              of(jobs::Total::schedule_missed));
  page.single("weir_schedule_skipped_total", "Runs skipped because of earlier ones, or refused.",
              Type::counter, of(jobs::Total::schedule_skipped));
  page.single("weir_schedule_lateness_seconds_total",
              "How late the runs that were due began, added up.", Type::counter,
              of(jobs::Total::schedule_late_ms) / 1000);
}

void collect_webhooks(const jobs::Stats& stats, Page& page) {
  const auto of = [&](jobs::Total total) {
    return number(stats.totals[static_cast<std::size_t>(total)]);
  };
  page.single("weir_webhooks_pending", "Deliveries that wait for their next attempt.", Type::gauge,
              number(stats.webhooks.pending));
  page.single("weir_webhooks_dead", "Dead deliveries that are kept.", Type::gauge,
              number(stats.webhooks.dead));
  page.begin("weir_webhooks_total", "Deliveries of webhooks since the log began.", Type::counter);
  page.sample({{"event", "made"}}, of(jobs::Total::webhooks));
  page.sample({{"event", "delivered"}}, of(jobs::Total::webhooks_delivered));
  page.sample({{"event", "attempt_failed"}}, of(jobs::Total::webhook_attempts_failed));
  page.sample({{"event", "dead"}}, of(jobs::Total::webhooks_dead));
}

std::string bound_text(double bound) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), bound).ptr;
  return {buffer.data(), end};
}

void collect_waits(const Services& services, Page& page) {
  page.begin("weir_job_wait_seconds",
             "Time from ready to leased, by priority, of jobs leased since the start.",
             Type::histogram);
  const auto levels = services.job_stats.times().by_priority();
  for (std::size_t priority = 0; priority < levels.size(); ++priority) {
    const auto& waits = levels[priority];
    const auto level = std::to_string(priority);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < waits.counts.size(); ++i) {
      count += waits.counts[i];
      const auto bound = i < jobs::PriorityWaits::kBounds.size()
                             ? bound_text(jobs::PriorityWaits::kBounds[i])
                             : std::string("+Inf");
      page.sample({{"priority", level}, {"le", bound}}, number(count), "_bucket");
    }
    page.sample({{"priority", level}}, waits.sum_seconds, "_sum");
    page.sample({{"priority", level}}, number(count), "_count");
  }
}

void collect_jobs(Services& services, const ParkedLeases& leases, Page& page) {
  const auto stats = services.job_stats.snapshot();
  page.begin("weir_jobs", "Retained jobs per status.", Type::gauge);
  for (const auto status : jobs::kStatuses) {
    page.sample({{"status", jobs::to_string(status)}},
                number(stats.counts[jobs::index_of(status)]));
  }
  page.begin("weir_job_events_total", "Events in the life of jobs since the log began.",
             Type::counter);
  for (std::size_t i = 0; i < jobs::kJobTotalCount; ++i) {
    page.sample({{"event", jobs::to_string(static_cast<jobs::Total>(i))}}, number(stats.totals[i]));
  }
  collect_schedules(stats.totals, page);
  collect_webhooks(stats, page);
  page.single("weir_workers", "Workers seen lately.", Type::gauge,
              static_cast<double>(stats.workers.size()));
  page.single("weir_lease_waiters", "Parked lease requests of all nodes.", Type::gauge,
              number(stats.waiters));
  page.single("weir_http_parked_leases", "Lease requests parked on this node.", Type::gauge,
              static_cast<double>(leases.waiting()));
  const auto queues = by_size(stats);
  collect_queues(queues, page);
  collect_oldest(services, queues, page);
  collect_waits(services, page);
}

}  // namespace

std::shared_ptr<void> add_collectors(Services& services, const ParkedLeases& leases) {
  return services.metrics.add_collector([&services, &leases](Page& page) {
    collect_process(services, page);
    collect_logs(services, page);
    collect_structures(services, page);
    collect_rooms(services, page);
    collect_jobs(services, leases, page);
  });
}

}  // namespace weir::api
