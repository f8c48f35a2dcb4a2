#include "api/admin/health.hpp"
#include "api/core/audit_trail.hpp"
#include "api/core/rpc_commands.hpp"
#include "api/runtime/process_info.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

std::string admin_stats(const Services& services) {
  ServiceFigures figures;
  for (const auto& collect : services.figures) collect(figures);
  const auto stats = services.job_stats.snapshot();
  const auto memory = memory_use();
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(services.clock.mono() - services.started_at);
  const bool leads = services.instance.health().role == replica::Role::leader;
  json::Writer out(512);
  out.begin_object();
  out.key("server").begin_object().member("version", WEIR_VERSION);
  out.member("uptime_secs", static_cast<std::int64_t>(uptime.count()));
  out.member("role", leads ? "leader" : "follower").end_object();
  out.key("memory").begin_object().member("used_bytes", memory.used_bytes);
  out.member("limit_bytes", memory.total_bytes).end_object();
  out.key("kv").begin_object().member("total_keys", figures.kv_keys);
  out.member("operations_per_sec", figures.kv_per_second).end_object();
  out.key("queues").begin_object();
  out.member("total_queues", static_cast<std::uint64_t>(stats.queues.size()));
  out.member("total_messages", stats.total()).end_object();
  out.key("streams").begin_object().member("total_rooms", figures.rooms);
  out.member("total_subscribers", figures.room_subscribers).end_object();
  out.key("pubsub").begin_object().member("total_topics", figures.topics);
  out.member("total_subscribers", figures.topic_subscribers).end_object();
  return out.end_object().take();
}

void shut_down(Services& services, const rpc::Call& call, const rpc::Reply& reply) {
  if (!services.shut_down) {
    return reply(Error{Code::unavailable, "shutdown_unavailable",
                       "This server cannot be stopped from here.", ""});
  }
  record(services, call, "admin.shutdown", services.instance.node_id(), {});
  reply(std::string(R"({"success":true})"));
  services.shut_down();
}

}  // namespace

void add_admin_rpc(rpc::CommandTable& table, Services& services) {
  table.push_back({.name = "admin.health",
                   .scope = auth::Scope::health_read,
                   .summary = "Is this coordinator healthy: the body of GET /health",
                   .answer = "status, version, role, uptime_secs, components",
                   .handler = [&services](const rpc::Call&, const rpc::Reply& reply) {
                     reply(health_document(services).json);
                   }});
  table.push_back({.name = "admin.stats",
                   .scope = auth::Scope::health_read,
                   .summary = "Figures of this coordinator",
                   .answer = "server, memory, kv, queues, streams, pubsub",
                   .handler = [&services](const rpc::Call&, const rpc::Reply& reply) {
                     reply(admin_stats(services));
                   }});
  table.push_back({.name = "admin.config",
                   .scope = auth::Scope::admin,
                   .summary = "The settings of this coordinator, secrets as ***",
                   .answer = "config: by setting its value and origin",
                   .handler = [&services](const rpc::Call&, const rpc::Reply& reply) {
                     json::Writer out;
                     out.begin_object().raw_member("config", services.config).end_object();
                     reply(out.take());
                   }});
  table.push_back({.name = "admin.shutdown",
                   .scope = auth::Scope::admin,
                   .summary = "Stop this coordinator as SIGTERM does: what runs is finished",
                   .answer = "success",
                   .handler = [&services](const rpc::Call& call, const rpc::Reply& reply) {
                     shut_down(services, call, reply);
                   }});
}

}  // namespace weir::api
