#include "api/admin/health.hpp"
#include "api/core/commands.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using http::Lane;

void send(const Call& call, Document document) {
  http::Response response{.status = document.status, .body = std::move(document.json)};
  response.headers.emplace_back("Cache-Control", "no-store");
  call.send(std::move(response));
}

Command system_command(std::string_view name, std::string_view path, std::string_view summary) {
  return {.name = name,
          .method = "GET",
          .path = path,
          .tag = "System",
          .scope = Scope::none,
          .summary = summary};
}

void add_health(CommandTable& table, Services& services) {
  Command health = system_command("system.health", "/health", "Is this coordinator healthy");
  health.lane = Lane::inline_;
  health.answers = {
      {200, "Healthy or degraded.", R"({"$ref":"#/components/schemas/Health"})"},
      {503, "Unhealthy; `error` says why.", R"({"$ref":"#/components/schemas/Health"})"}};
  health.handler = [&services](const Call& call) { send(call, health_document(services)); };
  table.push_back(std::move(health));

  Command status =
      system_command("system.status", "/health/status", "Component health with system metrics");
  status.description = "Answers within a second whatever NATS does.";
  status.scope = Scope::health_read;
  status.answers = {
      {200, "No component is unhealthy.", R"({"$ref":"#/components/schemas/SystemStatus"})"},
      {503, "A component is unhealthy.", R"({"$ref":"#/components/schemas/SystemStatus"})"}};
  status.handler = [&services](const Call& call) { send(call, system_status_document(services)); };
  table.push_back(std::move(status));
}

void add_probes(CommandTable& table, Services& services) {
  Command ready = system_command("system.ready", "/ready", "Readiness probe");
  ready.lane = Lane::inline_;
  ready.answers = {{200, "Takes work.", R"({"$ref":"#/components/schemas/Ready"})"},
                   {503, "Does not.", R"({"$ref":"#/components/schemas/Ready"})"}};
  ready.handler = [&services](const Call& call) { send(call, ready_document(services)); };
  table.push_back(std::move(ready));

  Command live = system_command("system.live", "/live", "Liveness probe");
  live.lane = Lane::inline_;
  live.answers = {{200, "The process answers.", R"({"$ref":"#/components/schemas/Live"})"}};
  live.handler = [](const Call& call) { send(call, {200, R"({"alive":true})"}); };
  table.push_back(std::move(live));
}

void send_metrics(const Services& services, const Call& call) {
  call.send({.status = 200,
             .body = services.metrics.render(),
             .content_type = std::string(metrics::kContentType)});
}

void add_metrics(CommandTable& table, Services& services) {
  for (const auto& [name, path] : {std::pair{"system.metrics", "/metrics"},
                                   std::pair{"system.prometheus", "/api/metrics/prometheus"}}) {
    Command page = system_command(name, path, "Metrics in the Prometheus text format");
    page.answers = {{200, "The page.", R"({"type":"string"})", "text/plain"}};
    page.handler = [&services](const Call& call) { send_metrics(services, call); };
    table.push_back(std::move(page));
  }
}

}  // namespace

void add_system_commands(CommandTable& table, Services& services) {
  add_health(table, services);
  add_probes(table, services);
  add_metrics(table, services);
}

}  // namespace weir::api
