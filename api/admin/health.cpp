#include "api/admin/health.hpp"

#include <algorithm>
#include <cmath>

#include "api/runtime/process_info.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/rooms/rooms.hpp"

namespace weir::api {
namespace {

using json::Writer;

// Above this share of what the process may use, it takes no new work.
constexpr double kMemoryShareTolerated = 0.95;

Millis uptime_of(const Services& services) {
  return std::chrono::duration_cast<Millis>(services.clock.mono() - services.started_at);
}

std::int64_t seconds(Millis duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

http::FrontStats connections_of(const Services& services) {
  return services.connections ? services.connections() : http::FrontStats{};
}

// Before this coordinator has looked at its rooms, NATS says how many there are: with those that
// were deleted lately.
rooms::RoomFigures rooms_of(const Services& services) {
  auto out = services.rooms.figures();
  if (out.rooms > 0) return out;
  for (const auto& stream : services.probe.last_known().streams) {
    if (stream.name == rooms::kStream) out.rooms = stream.subjects;
  }
  return out;
}

// The words of /health.
std::string_view operational(State state) {
  switch (state) {
    case State::ok:
      return "operational";
    case State::degraded:
      return "degraded";
    case State::down:
      return "down";
  }
  return "down";
}

// The words of /health/status.
std::string_view component_status(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::degraded:
      return "degraded";
    case State::down:
      return "unhealthy";
  }
  return "unhealthy";
}

std::string_view overall_health(State state) {
  switch (state) {
    case State::ok:
      return "healthy";
    case State::degraded:
      return "degraded";
    case State::down:
      return "unhealthy";
  }
  return "unhealthy";
}

std::string_view connected(bool yes) {
  return yes ? "connected" : "disconnected";
}

std::string_view role_of(const replica::Health& health) {
  return health.role == replica::Role::leader ? "leader" : "follower";
}

void write_layer(Writer& out, std::string_view layer, std::string_view type, bool is_connected) {
  out.key(layer).begin_object();
  out.member("type", type).member("status", connected(is_connected)).end_object();
}

// To one part in `parts`.
double rounded(double value, double parts) {
  return std::round(value * parts) / parts;
}

double in_unit(std::uint64_t bytes, double unit) {
  return rounded(static_cast<double>(bytes) / unit, 10);
}

void write_quantity(Writer& out, std::string_view name, double value, std::string_view unit) {
  out.key(name).begin_object().member("value", value).member("unit", unit).end_object();
}

std::int64_t total_of(const jobs::Counts& counts) {
  std::int64_t total = 0;
  for (const auto count : counts) total += count;
  return total;
}

// The words of seed documents; `unprocessed` is all that waits for a worker, now or later.
void write_jobs(Writer& out, const jobs::Counts& counts) {
  const auto count = [&](jobs::Status status) { return counts[jobs::index_of(status)]; };
  const auto waiting = count(jobs::Status::unprocessed) + count(jobs::Status::scheduled) +
                       count(jobs::Status::blocked);
  out.key("jobs").begin_object();
  out.member("total", total_of(counts)).member("unprocessed", waiting);
  for (const auto status :
       {jobs::Status::processing, jobs::Status::completed, jobs::Status::failed, jobs::Status::dlq,
        jobs::Status::scheduled, jobs::Status::blocked, jobs::Status::cancelled}) {
    out.member(jobs::to_string(status), count(status));
  }
  out.end_object();
}

void write_components(Writer& out, const Assessment& assessment) {
  out.key("components").begin_object();
  for (const auto& component : assessment.components) {
    out.key(component.name).begin_object();
    out.member("status", component_status(component.state));
    if (component.state != State::ok) out.member("error", component.problem);
    out.end_object();
  }
  out.end_object();
}

void write_limit(Writer& out, std::string_view name, std::int64_t limit) {
  out.key(name);
  limit > 0 ? out.value(limit) : out.null();
}

void write_nats(Writer& out, const SystemFacts& facts) {
  out.key("nats").begin_object();
  out.member("url", facts.nats_url).member("version", facts.nats_version);
  out.member("clustered", facts.clustered).key("sync_always");
  facts.sync_always ? out.value(*facts.sync_always) : out.null();
  out.key("clock_skew_ms");
  facts.clock_skew ? out.value(std::int64_t{facts.clock_skew->count()}) : out.null();
  out.end_object();
  out.key("streams").begin_array();
  for (const auto& stream : facts.streams) {
    out.begin_object().member("name", stream.name).member("messages", stream.messages);
    out.member("bytes", stream.bytes).member("consumers", stream.consumers);
    out.member("replicas", stream.replicas).member("replicas_current", stream.replicas_current);
    out.member("discard", stream.discard);
    write_limit(out, "max_bytes", stream.max_bytes);
    write_limit(out, "max_messages", stream.max_messages);
    write_limit(out, "max_age_ms", stream.max_age.count());
    out.end_object();
  }
  out.end_array().key("kv_buckets").begin_array();
  for (const auto& bucket : facts.kv_buckets) {
    out.begin_object().member("name", bucket.name).member("keys", bucket.keys);
    out.member("bytes", bucket.bytes).member("replicas", bucket.replicas);
    out.member("replicas_current", bucket.replicas_current).end_object();
  }
  out.end_array();
}

void write_replica_of(Writer& out, const replica::Instance& instance,
                      const replica::Health& health) {
  const auto lag = health.log_last > health.applied ? health.log_last - health.applied : 0;
  out.key("replica").begin_object();
  out.member("node_id", instance.node_id()).member("role", role_of(health));
  out.member("applied_revision", health.applied).member("log_revision", health.log_last);
  out.member("lag", lag).member("applied_time", health.applied_time);
  out.member("proposals_waiting", static_cast<std::uint64_t>(health.proposals_waiting));
  out.member("effects_waiting", static_cast<std::uint64_t>(health.effects_waiting));
  out.member("database_bytes", health.database_bytes);
  out.member("checkpoint_revision", health.digest.checkpoint);
  out.member("diverged", health.digest.diverged).member("differing", health.digest.differing);
  out.end_object();
}

void write_workers(Writer& out, const jobs::Stats& stats) {
  const auto busy = std::count_if(stats.workers.begin(), stats.workers.end(),
                                  [](const auto& worker) { return worker.running > 0; });
  out.key("workers").begin_object();
  out.member("known", static_cast<std::uint64_t>(stats.workers.size()));
  out.member("busy", static_cast<std::int64_t>(busy));
  out.member("waiting", stats.waiters).end_object();
}

void write_outbox(Writer& out, const replica::OutboxHealth& outbox) {
  out.key("outbox").begin_object().member("operations", outbox.operations);
  out.member("bytes", outbox.bytes).member("max_bytes", outbox.max_bytes);
  out.member("drained", outbox.drained).end_object();
}

void write_server(Writer& out, const Services& services) {
  out.key("server").begin_object().member("version", WEIR_VERSION).member("compiler", compiler());
  out.member("uptime", seconds(uptime_of(services)));
  out.member("platform", platform()).member("arch", arch()).end_object();
}

void write_usage(Writer& out, const Services& services) {
  constexpr double kMb = 1 << 20;
  const auto connections = connections_of(services);
  out.key("connections").begin_object().member("active", connections.active);
  out.member("peak", connections.peak).member("total", connections.total).end_object();
  const auto rooms = rooms_of(services);
  const auto total = std::uint64_t{rooms.rooms};
  out.key("rooms").begin_object().member("active", std::uint64_t{rooms.active});
  out.member("peak", std::uint64_t{rooms.peak}).member("total", total);
  out.key("byStorage").begin_object().member("nats", total).member("sqlite", 0).end_object();
  out.end_object();
  const auto memory = memory_use();
  out.key("memory").begin_object();
  write_quantity(out, "used", in_unit(memory.used_bytes, kMb), "MB");
  write_quantity(out, "total", in_unit(memory.total_bytes, kMb), "MB");
  const double share = memory.total_bytes == 0 ? 0.0
                                               : static_cast<double>(memory.used_bytes) * 100 /
                                                     static_cast<double>(memory.total_bytes);
  out.member("percentage", rounded(share, 10)).end_object();
}

Assessment assess_all(const Services& services, const replica::Health& health,
                      const std::optional<SystemFacts>& facts) {
  auto out = assess(health, facts, real_clock(services).wall());
  if (services.data != nullptr) add_structures(out, services.data->health());
  const auto& sealer = services.values.sealer();
  const auto missing = sealer.problem();
  if (sealer.encrypts() || !missing.empty()) add_encryption(out, missing);
  return out;
}

// The log of the data structures, and what they hold.
void write_structures(Writer& out, const Services& services) {
  if (services.data == nullptr || services.structures == nullptr) return;
  const auto health = services.data->health();
  const auto stats = services.structures->stats();
  out.key("structures").begin_object();
  for (std::size_t i = 0; i < structures::kKinds.size(); ++i) {
    out.key(structures::to_string(structures::kKinds[i])).begin_object();
    out.member("keys", stats.kinds[i].keys).member("elements", stats.kinds[i].elements);
    out.end_object();
  }
  out.member("bytes", stats.bytes).member("max_bytes", stats.limits.max_bytes);
  write_replica_of(out, *services.data, health);
  out.end_object();
}

void write_storage(Writer& out, const Services& services, const replica::Health& health,
                   const Assessment& assessment) {
  constexpr double kKb = 1024;
  const auto facts = services.probe.last_known();
  const auto totals = services.instance.totals();
  out.key("persistence").begin_object();
  out.key("primary").begin_object().member("type", "nats");
  out.member("status", connected(assessment.component("nats").state != State::down));
  out.member("latency", rounded(facts.latency_ms, 100)).member("latencyUnit", "ms");
  out.key("operations").begin_object();
  out.member("read", totals.entries_applied).member("write", totals.entries_proposed);
  out.end_object().end_object();
  out.key("fallback").begin_object().member("type", "sqlite");
  out.member("status", connected(assessment.can_read));
  out.member("records", total_of(services.job_stats.counts()));
  const auto bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(health.database_bytes, 0));
  write_quantity(out, "fileSize", in_unit(bytes, kKb), "KB");
  out.key("operations").begin_object().member("read", services.reads.load());
  out.member("write", totals.transactions).end_object();
  out.end_object().end_object();
}

void write_log(Writer& out, const Services& services, const replica::Health& health,
               const Rates& rates) {
  const auto totals = services.instance.totals();
  out.key("log").begin_object();
  out.member("revision", health.log_last).member("applied", health.applied);
  out.member("entries_proposed", totals.entries_proposed);
  out.member("operations_proposed", totals.operations_proposed);
  out.member("entries_applied", totals.entries_applied);
  out.member("operations_applied", totals.operations_applied);
  out.member("publish_retries", totals.publish_retries);
  out.key("per_second").begin_object();
  out.member("operations_proposed", rounded(rates.operations_proposed, 10));
  out.member("entries_applied", rounded(rates.entries_applied, 10));
  out.member("operations_applied", rounded(rates.operations_applied, 10)).end_object();
  out.member("applier_busy", rounded(rates.apply_busy, 1000)).end_object();
}

}  // namespace

Document health_document(const Services& services) {
  const auto health = services.instance.health();
  const auto now = services.clock.wall();
  const auto assessment = assess_all(services, health, std::nullopt);
  const auto connections = connections_of(services);
  const auto uptime = seconds(uptime_of(services));
  Writer out(1024);
  const State state = assessment.falls_back ? State::degraded : assessment.overall;
  out.begin_object().member("status", overall_health(state));
  if (state == State::down) out.member("error", assessment.problem);
  out.member("timestamp", now).member("version", WEIR_VERSION).member("role", role_of(health));
  out.member("auth", services.auth == AuthMode::off ? "off" : "keys");
  out.member("clock", services.test_clock == nullptr ? "real" : "test");
  out.member("uptime", uptime).member("uptime_secs", uptime);
  out.key("components").begin_object();
  for (const auto& component : assessment.components) {
    out.member(component.name, operational(component.state));
  }
  out.end_object();
  out.key("connections").begin_object().member("active", connections.active);
  out.member("total", connections.total).end_object();
  const auto rooms = rooms_of(services);
  out.key("rooms").begin_object().member("active", std::uint64_t{rooms.active});
  out.member("total", std::uint64_t{rooms.rooms}).end_object();
  out.key("persistence").begin_object();
  write_layer(out, "primary", "nats", assessment.component("nats").state != State::down);
  write_layer(out, "fallback", "sqlite", assessment.can_read);
  out.end_object().end_object();
  return {state == State::down ? 503 : 200, out.take()};
}

Document system_status_document(const Services& services) {
  const auto facts = services.probe.refresh(kProbeWait);
  const auto health = services.instance.health();
  const auto assessment = assess_all(services, health, facts);
  const auto stats = services.job_stats.snapshot();
  Writer out(2048);
  out.begin_object().member("status", assessment.overall == State::ok ? "ok" : "degraded");
  write_components(out, assessment);
  out.member("version", WEIR_VERSION);
  out.member("uptime", format_duration(Millis{seconds(uptime_of(services)) * 1000}));
  write_nats(out, facts);
  write_jobs(out, stats.counts);
  write_replica_of(out, services.instance, health);
  write_structures(out, services);
  write_workers(out, stats);
  write_outbox(out, health.outbox);
  out.end_object();
  return {assessment.overall == State::down ? 503 : 200, out.take()};
}

Document ready_document(const Services& services) {
  const auto assessment =
      assess(services.instance.health(), std::nullopt, real_clock(services).wall());
  const auto memory = memory_use();
  const bool memory_ok = static_cast<double>(memory.used_bytes) <=
                         kMemoryShareTolerated * static_cast<double>(memory.total_bytes);
  const bool leaving = services.leaving;
  const bool ready = assessment.can_write && memory_ok && !leaving;
  const auto word = [](bool ok) { return ok ? "ok" : "failing"; };
  Writer out;
  out.begin_object().member("ready", ready).key("checks").begin_object();
  out.member("persistence", word(assessment.can_write)).member("memory", word(memory_ok));
  out.end_object();
  if (leaving) out.member("stopping", true);
  out.end_object();
  return {ready ? 200 : 503, out.take()};
}

Document stats_document(const Services& services, const Rates& rates) {
  const auto health = services.instance.health();
  const auto assessment = assess_all(services, health, std::nullopt);
  Writer out(2048);
  out.begin_object();
  write_server(out, services);
  write_usage(out, services);
  write_storage(out, services, health, assessment);
  write_jobs(out, services.job_stats.counts());
  write_log(out, services, health, rates);
  write_structures(out, services);
  out.end_object();
  return {200, out.take()};
}

}  // namespace weir::api
