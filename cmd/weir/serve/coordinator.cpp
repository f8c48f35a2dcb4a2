#include "cmd/weir/serve/coordinator.hpp"

#include <algorithm>

#include "api/admin/nats_probe.hpp"
#include "api/api.hpp"
#include "api/core/bootstrap.hpp"
#include "api/http/front.hpp"
#include "api/http/tls_server.hpp"
#include "api/values/payload_keys.hpp"
#include "cmd/weir/serve/coordinator_options.hpp"
#include "cmd/weir/serve/data_replica.hpp"
#include "cmd/weir/serve/webhook_service.hpp"
#include "jobs/limits.hpp"
#include "jobs/machine.hpp"
#include "jobs/requests.hpp"
#include "pkg/auth/audit_machine.hpp"
#include "pkg/auth/key_machine.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/log/log.hpp"
#include "pkg/nats/embedded_server.hpp"
#include "pkg/process/host.hpp"
#include "pkg/replica/jetstream_blobs.hpp"
#include "pkg/replica/jetstream_effects.hpp"
#include "pkg/replica/jetstream_log.hpp"
#include "pkg/replica/jetstream_snapshots.hpp"
#include "pkg/replica/kv_lease_store.hpp"
#include "pkg/replica/local_instance.hpp"
#include "pkg/rooms/rooms.hpp"
#include "pkg/streams/service.hpp"
#include "pkg/streams/tails.hpp"

namespace weir::cli {
namespace {

constexpr Millis kConnectWait{2'000};
constexpr Millis kFinishWait{2'000};
constexpr Millis kCertificateWarning = std::chrono::hours(24 * 14);  // before it ends
constexpr std::size_t kEmbeddedMaxPayload = 8U << 20U;

}  // namespace

// In the order of dependence: each stands on those above it.
struct Coordinator::Parts {
  config::ServeConfig config;
  std::function<void()> shut_down;
  SystemClock system_clock;
  std::unique_ptr<replica::TestClock> test_clock;  // null: real time
  SystemRandom random;
  metrics::Registry metrics;
  std::unique_ptr<nats::EmbeddedServer> embedded;
  nats::ConnectOptions nats_options;
  std::shared_ptr<nats::Connection> entries;
  std::shared_ptr<nats::Connection> rest;
  std::unique_ptr<replica::JetStreamLog> log;
  std::unique_ptr<replica::KvLeaseStore> leases;
  std::unique_ptr<replica::JetStreamEffects> effects;
  std::unique_ptr<replica::JetStreamSnapshots> snapshots;
  std::unique_ptr<replica::JetStreamBlobs> blobs;
  jobs::Machine jobs;
  auth::KeyMachine keys;
  auth::AuditMachine audit;
  std::unique_ptr<replica::Instance> instance;
  std::unique_ptr<DataReplica> data;  // null: structures are off
  std::unique_ptr<WebhookService> webhooks;
  std::unique_ptr<api::NatsProbe> probe;
  std::unique_ptr<pubsub::Hub> pubsub;
  std::unique_ptr<kv::Service> kv;
  std::unique_ptr<api::PayloadKeys> payload_keys;  // null: nothing is encrypted
  std::unique_ptr<rooms::Rooms> rooms;
  std::unique_ptr<streams::Service> streams;
  std::unique_ptr<streams::Tails> tails;
  std::unique_ptr<api::NodeBoard> nodes;
  std::unique_ptr<api::Api> api;
  std::shared_ptr<http::TlsServer> tls;  // null: plain HTTP
  std::unique_ptr<http::Front> front;
  bool waiters_dropped = false;
  bool finished = false;
  std::optional<std::string> new_admin_key;

  const Clock& clock() const {
    return test_clock ? static_cast<const Clock&>(*test_clock) : system_clock;
  }
  Result<void> connect();
  Result<void> make_replica();
  Result<void> make_data_replica();
  void make_api();
  void tell_certificate(std::string_view event) const;
  void tell_reload(const Result<bool>& read) const;
  void tell_keys(std::string_view event) const;
  void tell_keys_reload(const Result<bool>& read) const;
};

Result<void> Coordinator::Parts::connect() {
  auto options = connect_options(config.nats);
  if (config.embeds_nats()) {
    WEIR_ASSIGN(embedded, nats::EmbeddedServer::make({.data_dir = config.data_dir,
                                                      .program = config.embedded.server_path,
                                                      .versions_dir = config.embedded.versions_dir,
                                                      .port = config.embedded.port,
                                                      .sync_always = config.embedded.sync_always,
                                                      .max_payload = kEmbeddedMaxPayload}));
    WEIR_TRY(embedded->start());
    options = embedded->connect_options();
    log::info("nats_embedded", {{"version", embedded->program().version()},
                                {"url", options.urls.front()},
                                {"fsync", embedded->syncs_always() ? "always" : "server default"}});
  }
  nats_options = options;
  options.name = "weir-log";
  WEIR_ASSIGN(entries, nats::Connection::open(options));
  options.name = "weir";
  WEIR_ASSIGN(rest, nats::Connection::open(options));
  if (!entries->wait_connected(kConnectWait) || !rest->wait_connected(kConnectWait)) {
    log::warn("nats_not_reachable_yet", {{"problem", entries->last_problem()}});
  }
  return {};
}

Result<void> Coordinator::Parts::make_replica() {
  const int replicas = static_cast<int>(config.stream_replicas);
  static_assert(nats::kAutomaticReplicas == 0, "as the setting stream_replicas has it");
  const std::string shard = std::to_string(config.shard);
  const std::string suffix = config.shard == 0 ? "" : "-" + shard;
  WEIR_ASSIGN(log, replica::JetStreamLog::make({.stream = "JOBS" + suffix,
                                                .subject = "weir.log.jobs." + shard,
                                                .replicas = replicas,
                                                .test_clock = config.test_clock},
                                               entries, rest));
  leases =
      std::make_unique<replica::KvLeaseStore>(nats::JetStream(rest), "jobs-" + shard, replicas);
  nats::StreamConfig dead_letters;
  dead_letters.name = "JOBS_DLQ";
  dead_letters.subjects = {"weir.dlq.>"};
  dead_letters.replicas = replicas;
  nats::StreamConfig events;
  events.name = "JOB_EVENTS";
  events.subjects = {"weir.events.>"};
  events.replicas = replicas;
  events.max_age = jobs::kEventsKept;
  WEIR_ASSIGN(effects, replica::JetStreamEffects::make(rest, {dead_letters, events}));
  snapshots = std::make_unique<replica::JetStreamSnapshots>(
      replica::JetStreamSnapshotOptions{.stream = "WEIR_SNAPSHOTS" + suffix,
                                        .subject = "weir.snapshots." + shard,
                                        .replicas = replicas},
      rest);
  blobs = std::make_unique<replica::JetStreamBlobs>(
      replica::JetStreamBlobOptions{
          .stream = "WEIR_BLOBS" + suffix, .subject = "weir.blobs." + shard, .replicas = replicas},
      rest, random);
  replica::InstanceOptions options;
  options.data_dir = config.data_dir;
  options.name = "jobs-" + shard;
  options.snapshots.log_bytes = config.snapshot_log_bytes;
  options.outbox_bytes = config.outbox_bytes;
  options.journal_bytes = config.journal_bytes;
  options.proposer.max_in_flight = std::clamp<std::size_t>(config.in_flight_entries, 1, 8);
  WEIR_ASSIGN(instance, replica::make_instance(options, {.log = *log,
                                                         .leases = *leases,
                                                         .effects = *effects,
                                                         .machines = {&jobs, &keys, &audit},
                                                         .clock = clock(),
                                                         .random = random,
                                                         .snapshots = snapshots.get(),
                                                         .test_clock = test_clock.get()}));
  return {};
}

Result<void> Coordinator::Parts::make_data_replica() {
  if (!config.structures) return {};
  auto options = nats_options;
  options.name = "weir-data";
  WEIR_ASSIGN(auto connection, nats::Connection::open(options));
  WEIR_ASSIGN(data, DataReplica::make({.config = config,
                                       .entries = std::move(connection),
                                       .rest = rest,
                                       .replicas = static_cast<int>(config.stream_replicas),
                                       .system_clock = system_clock,
                                       .random = random}));
  return {};
}

void Coordinator::Parts::make_api() {
  const auto sync_always = embedded ? std::optional<bool>(embedded->syncs_always()) : std::nullopt;
  probe = std::make_unique<api::NatsProbe>(rest, system_clock, sync_always);
  const int replicas = static_cast<int>(config.stream_replicas);
  kv =
      std::make_unique<kv::Service>(rest, system_clock, kv::Service::Options{.replicas = replicas});
  rooms = std::make_unique<rooms::Rooms>(rest, system_clock, random,
                                         rooms::Rooms::Options{.replicas = replicas});
  streams = std::make_unique<streams::Service>(rest);
  tails = std::make_unique<streams::Tails>(streams->jetstream(), system_clock);
  pubsub = std::make_unique<pubsub::Hub>(rest, system_clock, random);
  nodes = std::make_unique<api::NodeBoard>(api::NodeBoard::Parts{
      .connection = rest, .instance = *instance, .clock = system_clock, .shard = config.shard});
  // Without keys, commands are for those on loopback only.
  const bool over_nats = config.nats_commands && (!config.dev_no_auth || embedded);
  api = std::make_unique<api::Api>(api::ApiParts{.instance = *instance,
                                                 .keys = keys,
                                                 .job_stats = jobs.stats(),
                                                 .probe = *probe,
                                                 .kv = *kv,
                                                 .rooms = *rooms,
                                                 .streams = *streams,
                                                 .tails = *tails,
                                                 .clock = clock(),
                                                 .random = random,
                                                 .metrics = metrics,
                                                 .pubsub = *pubsub,
                                                 .data = data ? &data->instance() : nullptr,
                                                 .structures = data ? &data->structures() : nullptr,
                                                 .payload_keys = payload_keys.get(),
                                                 .blobs = blobs.get(),
                                                 .test_clock = test_clock.get(),
                                                 .commands_over = over_nats ? rest : nullptr,
                                                 .nodes = nodes.get(),
                                                 .config = config.shown,
                                                 .shut_down = shut_down},
                                   api_options(config, entries->max_payload()));
  auto listen = front_options(config);
  listen.tls = tls;
  front = std::make_unique<http::Front>(listen, api->routes(), api->hooks());
  api->set_connections([this] { return front->stats(); });
}

void Coordinator::Parts::tell_certificate(std::string_view event) const {
  const auto ends = tls->expires_at();
  log::info(event, {{"certificate", config.http_tls.cert_file}, {"ends", format_rfc3339(ends)}});
  if (ends - system_clock.wall() > kCertificateWarning) return;
  log::warn("http_tls_ends_soon",
            {{"certificate", config.http_tls.cert_file}, {"ends", format_rfc3339(ends)}});
}

Coordinator::Coordinator(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Coordinator::~Coordinator() {
  stop();
}

Result<std::unique_ptr<Coordinator>> Coordinator::make(const config::ServeConfig& config,
                                                       std::function<void()> shut_down) {
  auto parts = std::make_unique<Parts>();
  parts->config = config;
  parts->shut_down = std::move(shut_down);
  if (config.test_clock) {
    parts->test_clock = std::make_unique<replica::TestClock>(parts->system_clock);
    log::warn("test_clock",
              {{"meaning", "anybody with an admin key sets the time: for tests only"}});
  }
  if (config.has_tls()) {
    WEIR_ASSIGN(parts->tls, http::TlsServer::load({.certificate = config.http_tls.cert_file,
                                                   .key = config.http_tls.key_file,
                                                   .client_ca = config.http_tls.client_ca_file}));
    parts->tell_certificate("http_tls_loaded");
  }
  if (config.encrypts()) {
    WEIR_ASSIGN(parts->payload_keys, api::PayloadKeys::load(config.payload_keys_file));
    parts->tell_keys("payload_keys_loaded");
  }
  WEIR_TRY(parts->connect());
  WEIR_TRY(parts->make_replica());
  WEIR_TRY(parts->make_data_replica());
  WEIR_ASSIGN(parts->webhooks,
              WebhookService::make(config.webhooks, *parts->instance, parts->clock()));
  parts->make_api();
  return std::unique_ptr<Coordinator>(new Coordinator(std::move(parts)));
}

Result<void> Coordinator::start() {
  WEIR_TRY(parts_->instance->start());
  if (parts_->data) WEIR_TRY(parts_->data->start());
  WEIR_TRY(parts_->webhooks->start());
  WEIR_TRY(parts_->probe->start());
  WEIR_TRY(parts_->pubsub->start());
  WEIR_TRY(parts_->nodes->start());
  WEIR_TRY(parts_->kv->start());
  WEIR_TRY(parts_->rooms->start());
  WEIR_TRY(parts_->tails->start());
  WEIR_TRY(parts_->api->start());
  // Before the first request where that is possible, so that whoever sees /ready has a valid key.
  if (parts_->instance->health().applying) finish_start();
  return parts_->front->start();
}

bool Coordinator::finish_start() {
  const bool data_finished = !parts_->data || parts_->data->finish_start();
  return finish_jobs() && data_finished;
}

bool Coordinator::finish_jobs() {
  Parts& parts = *parts_;
  if (parts.finished) return true;
  if (!parts.waiters_dropped) {
    const auto dropped = api::propose_and_wait(
        *parts.instance, jobs::node_started(parts.instance->node_id()), kFinishWait);
    if (!dropped) return false;
    parts.waiters_dropped = true;
  }
  parts.finished = parts.config.dev_no_auth;
  if (parts.finished) return true;
  const auto given = parts.config.api_key.empty()
                         ? std::nullopt
                         : std::optional<std::string>(parts.config.api_key);
  auto made = api::ensure_admin_key(*parts.instance, parts.random, given, kFinishWait);
  if (!made) {
    log::warn("admin_key_not_made", {{"error", describe(made.error())}});
    parts.finished = made.error().code == Code::invalid;  // a weak key stays weak
    return parts.finished;
  }
  parts.finished = true;
  parts.new_admin_key = *made;
  if (!*made) return true;
  const std::string path = parts.config.data_dir + "/admin-key";
  if (const auto written = process::write_private_file(path, **made + "\n"); !written) {
    log::error("admin_key_not_written", {{"error", describe(written.error())}});
  }
  return true;
}

void Coordinator::Parts::tell_reload(const Result<bool>& read) const {
  if (!read) {
    log::error("http_tls_not_reloaded",
               {{"error", describe(read.error())}, {"used", "the certificate from before"}});
  } else if (*read) {
    tell_certificate("http_tls_reloaded");
  }
}

void Coordinator::Parts::tell_keys(std::string_view event) const {
  const auto ring = payload_keys->ring();
  log::info(event, {{"file", config.payload_keys_file},
                    {"current", ring->current().id},
                    {"keys", std::to_string(ring->keys().size())}});
}

void Coordinator::Parts::tell_keys_reload(const Result<bool>& read) const {
  if (!read) {
    log::error("payload_keys_not_reloaded",
               {{"error", describe(read.error())}, {"used", "the keys from before"}});
  } else if (*read) {
    tell_keys("payload_keys_reloaded");
  }
}

void Coordinator::refresh_files() {
  if (parts_->tls) parts_->tell_reload(parts_->tls->reload_if_changed());
  if (parts_->payload_keys) parts_->tell_keys_reload(parts_->payload_keys->reload_if_changed());
}

void Coordinator::reload_files() {
  const auto done = [](const Result<void>& read) {
    return read ? Result<bool>(true) : Result<bool>(read.error());
  };
  if (parts_->tls) parts_->tell_reload(done(parts_->tls->reload()));
  if (parts_->payload_keys) parts_->tell_keys_reload(done(parts_->payload_keys->reload()));
}

void Coordinator::stop() {
  if (!parts_) return;
  parts_->api->leave();
  parts_->front->send_away(parts_->config.drain_delay);
  parts_->api->drain();
  parts_->front->stop();
  parts_->pubsub->stop();
  parts_->api->stop();
  parts_->nodes->stop();
  parts_->probe->stop();
  parts_->webhooks->stop();
  if (parts_->data) parts_->data->stop();
  parts_->tails->stop();
  parts_->rooms->stop();
  parts_->kv->stop();
  parts_->instance->stop();
  if (parts_->embedded) {
    parts_->effects.reset();
    parts_->data.reset();
    parts_->instance.reset();
    parts_->embedded->stop();
  }
  parts_.reset();
}

std::string Coordinator::where() const {
  const auto& parts = *parts_;
  const bool v6 = parts.config.http.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + parts.config.http.host + "]" : parts.config.http.host;
  std::string text =
      (parts.tls ? "https://" : "http://") + host + ":" + std::to_string(parts.front->port());
  const std::string version = parts.rest->server_version();
  text += ", NATS " + (version.empty() ? std::string("not connected yet") : version);
  const std::string url = parts.rest->url();
  if (parts.embedded || !url.empty()) text += parts.embedded ? " (embedded)" : " at " + url;
  return text + ", data in " + parts.config.data_dir;
}

std::optional<std::string> Coordinator::new_admin_key() const {
  return parts_->new_admin_key;
}

}  // namespace weir::cli
