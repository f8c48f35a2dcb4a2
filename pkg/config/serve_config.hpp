// ServeConfig: what `weir serve` runs with, typed and checked as a whole. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/config/loader.hpp"
#include "pkg/log/log.hpp"

namespace weir::config {

// How to reach an existing NATS. Secrets are here in the clear: never log this struct.
struct NatsConfig {
  std::vector<std::string> urls;  // empty = embed a server
  std::string creds_file;
  std::string nkey_file;    // seed
  std::string nkey_public;  // set exactly when nkey_file is
  std::string user;
  std::string password;
  std::string token;
  bool tls = false;
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
};

struct HttpTlsConfig {
  std::string cert_file;       // empty = plain HTTP
  std::string key_file;        // set exactly when cert_file is
  std::string client_ca_file;  // empty = clients need no certificate
};

struct EmbeddedConfig {
  std::string server_path;  // empty = search
  std::string versions_dir;
  std::uint16_t port = 0;  // 0 = any free
  bool sync_always = true;
};

struct WebhookConfig {
  bool deliver = true;
  std::vector<std::string> allow;  // addresses and networks beyond the public ones
  std::string secret;              // empty = none
  std::string ca_file;             // empty = the system's
  Millis timeout{0};
};

struct ServeConfig {
  std::string shown;  // all settings as they may be shown (render.hpp), JSON
  Address http;
  std::string data_dir;
  HttpTlsConfig http_tls;
  std::string payload_keys_file;  // empty = payloads are not encrypted
  std::string api_key;            // empty = make one at the first start
  bool dev_no_auth = false;
  bool test_clock = false;
  NatsConfig nats;
  EmbeddedConfig embedded;
  unsigned stream_replicas = 0;  // 0 = 3 on a cluster, else 1
  unsigned shard = 0;
  std::size_t in_flight_entries = 4;
  std::uint64_t snapshot_log_bytes = 256U << 20U;
  std::uint64_t outbox_bytes = 1U << 30U;
  std::uint64_t journal_bytes = 64U << 20U;
  bool structures = true;
  std::uint64_t structures_max_bytes = 1U << 30U;
  std::uint64_t structures_max_elements = 1'000'000;
  bool nats_commands = true;
  WebhookConfig webhooks;
  std::size_t max_payload_bytes = 0;
  std::size_t max_connections = 0;
  std::size_t max_event_streams = 0;
  std::size_t max_websockets = 0;
  std::vector<std::string> allowed_origins;
  std::int64_t health_per_minute = 0;  // 0 = any number, as the next two
  std::int64_t stats_per_minute = 0;
  std::int64_t admin_per_minute = 0;
  unsigned http_threads = 0;  // never 0 once made
  unsigned pool_threads = 0;  // never 0 once made
  Millis request_timeout{0};
  Millis drain_delay{0};
  Millis drain_timeout{0};
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::text;

  bool embeds_nats() const { return nats.urls.empty(); }
  bool encrypts() const { return !payload_keys_file.empty(); }
  bool has_tls() const { return !http_tls.cert_file.empty(); }
};

// Checks what concerns several settings, reads the *_file secrets. Error: invalid / bad_config with
// one FieldError for each thing that is wrong.
Result<ServeConfig> make_serve_config(const Values& values);

}  // namespace weir::config
