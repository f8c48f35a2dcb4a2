#include "cmd/weir/serve/coordinator_options.hpp"

#include <algorithm>

namespace weir::cli {
namespace {

// Of waiters, where time jumps: their node closes them.
constexpr Millis kWaiterSlack = std::chrono::hours(24 * 365 * 1'000);
// Of one NATS message, for the entry around an operation.
constexpr std::size_t kOperationHeadroom = 16U << 10U;
constexpr std::size_t kInlineBytes = 1008U << 10U;      // longer values do not go into the log
constexpr std::size_t kLeastMessageBytes = 64U << 10U;  // while NATS has not said

}  // namespace

api::ApiOptions api_options(const config::ServeConfig& config, std::size_t message_bytes) {
  message_bytes = std::max(message_bytes, kLeastMessageBytes);
  api::ApiOptions options;
  if (config.test_clock) options.requests.waiter_slack = kWaiterSlack;
  options.auth = config.dev_no_auth ? api::AuthMode::off : api::AuthMode::keys;
  options.shard = config.shard;
  options.public_limits = {.health = config.health_per_minute,
                           .stats = config.stats_per_minute,
                           .admin = config.admin_per_minute};
  options.requests.signs_webhooks = !config.webhooks.secret.empty();
  options.requests.max_operation_bytes = message_bytes - kOperationHeadroom;
  options.requests.max_payload_bytes = config.max_payload_bytes;
  options.inline_bytes = std::min(kInlineBytes, message_bytes - 2 * kOperationHeadroom);
  return options;
}

http::FrontOptions front_options(const config::ServeConfig& config) {
  http::FrontOptions listen;
  listen.host = config.http.host == "localhost" ? "127.0.0.1" : config.http.host;
  listen.port = config.http.port;
  listen.io_threads = config.http_threads;
  listen.pool_threads = config.pool_threads;
  listen.max_connections = config.max_connections;
  listen.max_streams = config.max_event_streams;
  listen.max_sockets = config.max_websockets;
  listen.allowed_origins = config.allowed_origins;
  listen.request_deadline = config.request_timeout;
  listen.drain_timeout = config.drain_timeout;
  return listen;
}

nats::ConnectOptions connect_options(const config::NatsConfig& config) {
  nats::ConnectOptions options;
  options.urls = config.urls;
  options.user = config.user;
  options.password = config.password;
  options.token = config.token;
  options.creds_file = config.creds_file;
  options.nkey_seed_file = config.nkey_file;
  options.nkey_public = config.nkey_public;
  options.tls = {.enabled = config.tls,
                 .ca_file = config.tls_ca_file,
                 .cert_file = config.tls_cert_file,
                 .key_file = config.tls_key_file};
  return options;
}

}  // namespace weir::cli
