#include "api/api.hpp"

#include "api/admin/health.hpp"
#include "api/admin/metrics_page.hpp"
#include "api/command_sockets.hpp"
#include "api/core/commands.hpp"
#include "api/core/envelope.hpp"
#include "api/core/live_keys.hpp"
#include "api/core/rpc_commands.hpp"
#include "api/events/event_feed.hpp"
#include "api/nats_commands.hpp"
#include "api/openapi/docs_page.hpp"
#include "api/openapi/openapi.hpp"
#include "api/structures/structures.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kBodyAroundBytes = 1U << 20U;  // of a request, beside its value

}  // namespace

struct Api::Impl {
  Impl(const ApiParts& parts, const ApiOptions& options)
      : ids(parts.clock, parts.random),
        requests(ids, parts.random, options.requests),
        timers(parts.clock),
        workers(options.worker_threads),
        carriers(options.worker_threads),
        values({parts.payload_keys != nullptr ? *parts.payload_keys : no_keys, parts.instance, ids,
                carriers, options.shard, options.requests.max_payload_bytes, parts.blobs,
                options.inline_bytes}),
        limits(options.public_limits, parts.clock),
        live_keys({parts.keys, parts.instance, timers, parts.clock}),
        services{.instance = parts.instance,
                 .keys = parts.keys,
                 .job_stats = parts.job_stats,
                 .probe = parts.probe,
                 .kv = parts.kv,
                 .rooms = parts.rooms,
                 .streams = parts.streams,
                 .tails = parts.tails,
                 .clock = parts.clock,
                 .random = parts.random,
                 .metrics = parts.metrics,
                 .requests = requests,
                 .values = values,
                 .timers = timers,
                 .workers = workers,
                 .pubsub = parts.pubsub,
                 .limits = limits,
                 .live_keys = live_keys,
                 .auth = options.auth,
                 .started_at = parts.clock.mono(),
                 .connections = {},
                 .data = parts.data,
                 .structures = parts.structures,
                 .test_clock = parts.test_clock,
                 .nodes = parts.nodes,
                 .config = parts.config,
                 .shut_down = parts.shut_down},
        feed(std::make_shared<EventFeed>(services)),
        leases({parts.instance, timers, parts.clock, parts.random}),
        gateway({parts.keys, parts.instance, workers, parts.clock, values, limits, live_keys,
                 options.auth}),
        http_metrics(parts.metrics, options.access_log),
        rates(parts.clock.mono()),
        longest_body(options.requests.max_payload_bytes + kBodyAroundBytes),
        commands_over(parts.commands_over),
        shard(options.shard) {
    if (parts.blobs != nullptr) {
      sweeper.emplace(LargeValueSweeper::Parts{.instance = parts.instance,
                                               .blobs = *parts.blobs,
                                               .timers = timers,
                                               .workers = carriers,
                                               .clock = parts.clock},
                      options.sweep);
    }
    build_table();
    parts.instance.set_orphan_handler([this](const std::string& json) { leases.give_back(json); });
    collectors = add_collectors(services, leases);
    for (const auto& command : table) http_metrics.add_route(command.method, command.path);
  }

  // The routes keep pointers into the table: it must not change after this.
  void build_table() {
    add_admin_rpc(rpc_table, services);
    add_replication_rpc(rpc_table, services);
    add_structure_rpc(rpc_table, services);
    add_pubsub_rpc(rpc_table, services);
    add_queue_rpc(rpc_table, services, leases);
    add_kv_rpc(rpc_table, services);
    add_kv_watch_rpc(rpc_table, services);
    add_room_rpc(rpc_table, services);
    dispatcher.emplace(rpc::Dispatcher::Parts{
        .table = rpc_table, .clock = services.clock, .ids = ids, .executor = [this](auto work) {
          return workers.run(std::move(work));
        }});
    add_command_endpoint(table, *dispatcher);
    if (commands_over) {
      nats_commands.emplace(NatsCommands::Parts{.connection = commands_over,
                                                .dispatcher = *dispatcher,
                                                .gateway = gateway,
                                                .limits = limits,
                                                .clock = real_clock(services),
                                                .random = services.random,
                                                .shard = shard});
    }
    sockets.emplace(services, *dispatcher);
    sockets->add_endpoint(table);
    add_pubsub_commands(table, services);
    add_kv_commands(table, services, *dispatcher);
    add_room_commands(table, services);
    add_room_admin_commands(table, services);
    add_stream_commands(table, services);
    add_job_commands(table, services);
    add_log_commands(table, services);
    add_batch_commands(table, services);
    add_lease_commands(table, services, leases);
    add_queue_commands(table, services);
    add_schedule_commands(table, services);
    add_worker_commands(table, services);
    add_dead_letter_commands(table, services);
    add_webhook_commands(table, services);
    add_event_commands(table, services, *feed);
    add_key_commands(table, services);
    add_audit_commands(table, services);
    add_snapshot_commands(table, services);
    if (services.test_clock != nullptr) add_test_clock_commands(table, services);
    add_structure_commands(table, services);
    add_system_commands(table, services);
    add_documents();
    mark_audited(table);
    for (auto& command : table) {
      command.holds = values_of(command.name);
      if (command.holds.takes != Takes::nothing) {
        command.max_body_bytes = std::max(command.max_body_bytes, longest_body);
      }
      if (command.holds.gives != Gives::nothing) command.values = &values;
    }
    openapi = openapi_json(table, WEIR_VERSION);
    docs = docs_page(openapi);
  }

  void add_documents() {
    table.push_back({.name = "system.stats",
                     .method = "GET",
                     .path = "/stats",
                     .tag = "System",
                     .scope = auth::Scope::none,
                     .summary = "Statistics of this server",
                     .answers = {{200, "The figures.", R"({"$ref":"#/components/schemas/Stats"})"}},
                     .handler = [this](const Call& call) {
                       const auto now =
                           rates.rates(services.clock.mono(), services.instance.totals());
                       call.reply(200, stats_document(services, now).json);
                     }});
    table.push_back({.name = "system.openapi",
                     .method = "GET",
                     .path = "/openapi.json",
                     .tag = "System",
                     .scope = auth::Scope::none,
                     .summary = "This API as an OpenAPI 3.1 document",
                     .answers = {{200, "The document.", R"({"type":"object"})"}},
                     .handler = [this](const Call& call) { call.reply(200, openapi); }});
    table.push_back(
        {.name = "system.docs",
         .method = "GET",
         .path = "/docs",
         .tag = "System",
         .scope = auth::Scope::none,
         .summary = "This API as a page for people",
         .answers = {{200, "The page.", R"({"type":"string"})", "text/html"}},
         .handler = [this](const Call& call) {
           call.send({.status = 200, .body = docs, .content_type = "text/html; charset=utf-8"});
         }});
  }

  void sample_rates() {
    rates.sample(services.clock.mono(), services.instance.totals());
    timers.set(services.clock.mono() + kSamplePeriod, [this] { sample_rates(); });
  }

  UuidGenerator ids;
  jobs::Requests requests;
  Timers timers;
  Workers workers;
  Workers carriers;  // of large values
  PayloadKeys no_keys;
  StoredValues values;
  RequestLimits limits;
  LiveKeys live_keys;
  Services services;
  std::shared_ptr<EventFeed> feed;
  ParkedLeases leases;
  Gateway gateway;
  HttpMetrics http_metrics;
  RateSampler rates;
  const std::size_t longest_body;  // of requests with one value
  const std::shared_ptr<nats::Connection> commands_over;
  const unsigned shard;
  std::optional<LargeValueSweeper> sweeper;
  rpc::CommandTable rpc_table;
  std::optional<rpc::Dispatcher> dispatcher;  // after build_table()
  std::optional<CommandSockets> sockets;      // after build_table()
  std::optional<NatsCommands> nats_commands;  // after build_table(), if at all
  CommandTable table;
  std::string openapi;
  std::string docs;
  bool sampling = false;
  std::shared_ptr<void> collectors;  // last: dropped before what it reads
};

Api::Api(const ApiParts& parts, const ApiOptions& options)
    : impl_(std::make_unique<Impl>(parts, options)) {}

Api::~Api() {
  stop();
}

Result<void> Api::start() {
  WEIR_TRY(impl_->workers.start());
  WEIR_TRY(impl_->carriers.start());
  WEIR_TRY(impl_->timers.start());
  if (!impl_->sampling) {
    impl_->sampling = true;
    if (impl_->sweeper) impl_->sweeper->start();
    impl_->timers.set(impl_->services.clock.mono() + kSamplePeriod,
                      [impl = impl_.get()] { impl->sample_rates(); });
    impl_->live_keys.start();
    if (impl_->nats_commands) WEIR_TRY(impl_->nats_commands->start());
  }
  return {};
}

void Api::stop() {
  if (impl_->nats_commands) impl_->nats_commands->stop();
  drain();
  impl_->timers.stop();
  impl_->carriers.stop();
  impl_->workers.stop();
}

void Api::leave() {
  impl_->services.leaving = true;
  impl_->services.instance.resign();
  if (impl_->services.data != nullptr) impl_->services.data->resign();
}

void Api::drain() {
  impl_->feed->close_all();
  impl_->leases.release_all();
}

std::vector<http::Route> Api::routes() const {
  std::vector<http::Route> routes;
  for (const auto& command : impl_->table) routes.push_back(impl_->gateway.bind(command));
  return routes;
}

http::FrontHooks Api::hooks() const {
  return {.error_response = error_response,
          .on_finished = [impl = impl_.get()](const http::FinishedRequest& finished) {
            impl->http_metrics.on_finished(finished);
          }};
}

void Api::set_connections(std::function<http::FrontStats()> connections) {
  impl_->services.connections = std::move(connections);
}

const std::string& Api::openapi() const {
  return impl_->openapi;
}

}  // namespace weir::api
