#include "pkg/config/serve_config.hpp"

#include <algorithm>
#include <thread>

#include "pkg/config/render.hpp"

namespace weir::config {
namespace {

using Errors = std::vector<FieldError>;

std::string first_line(std::string text) {
  text.erase(std::min(text.find_first_of("\r\n"), text.size()));
  return text;
}

// The secret `key`, given itself or as `key`_file.
std::string secret(const Values& values, const std::string& key, Errors& errors) {
  const std::string file_key = key + "_file";
  if (!values.is_set(file_key)) return values.text(key);
  if (values.is_set(key)) {
    errors.push_back({file_key, "give " + key + " or " + file_key + ", not both"});
    return {};
  }
  auto content = load_file(values.text(file_key));
  if (!content) {
    errors.push_back({file_key, content.error().message + ", " + content.error().details});
    return {};
  }
  auto line = first_line(std::move(*content));
  if (line.empty()) errors.push_back({file_key, "its first line is empty"});
  return line;
}

void check_url(const std::string& url, Origin origin, Errors& errors) {
  const bool scheme = url.starts_with("nats://") || url.starts_with("tls://");
  if (!scheme || url.size() <= url.find("//") + 2) {
    errors.push_back({"nats_url", "want nats://HOST:PORT or tls://HOST:PORT"});
    return;
  }
  if (origin == Origin::flag && url.find('@') != std::string::npos) {
    errors.push_back({"nats_url",
                      "a password on the command line is visible to everybody on this machine: "
                      "use nats_user with nats_password_file, or WEIR_NATS_URL"});
  }
}

void check_pair(const Values& values, const char* a, const char* b, Errors& errors) {
  if (values.is_set(a) == values.is_set(b)) return;
  errors.push_back({values.is_set(a) ? b : a, std::string(a) + " and " + b + " go together"});
}

NatsConfig nats_config(const Values& values, Errors& errors) {
  NatsConfig out;
  out.urls = values.list("nats_url");
  out.creds_file = values.text("nats_creds");
  out.nkey_file = values.text("nats_nkey");
  out.nkey_public = values.text("nats_nkey_public");
  check_pair(values, "nats_nkey", "nats_nkey_public", errors);
  out.user = values.text("nats_user");
  out.password = secret(values, "nats_password", errors);
  out.token = secret(values, "nats_token", errors);
  out.tls_ca_file = values.text("nats_tls_ca");
  out.tls_cert_file = values.text("nats_tls_cert");
  out.tls_key_file = values.text("nats_tls_key");
  out.tls = values.boolean("nats_tls") || !out.tls_ca_file.empty() || !out.tls_cert_file.empty();
  for (const auto& url : out.urls) {
    check_url(url, values.at("nats_url").origin, errors);
    out.tls = out.tls || url.starts_with("tls://");
  }
  check_pair(values, "nats_tls_cert", "nats_tls_key", errors);
  const int ways = static_cast<int>(!out.creds_file.empty()) +
                   static_cast<int>(!out.nkey_file.empty()) + static_cast<int>(!out.user.empty()) +
                   static_cast<int>(!out.token.empty());
  if (ways > 1) {
    errors.push_back({"nats_creds", "give one of nats_creds, nats_nkey, nats_user and nats_token"});
  }
  if (!out.password.empty() && out.user.empty()) {
    errors.push_back({"nats_user", "nats_password needs nats_user"});
  }
  const bool credentials = ways > 0 || !out.password.empty() || out.tls;
  if (out.urls.empty() && credentials) {
    errors.push_back({"nats_url", "NATS credentials or TLS are given, but no nats_url"});
  }
  return out;
}

HttpTlsConfig http_tls_config(const Values& values, Errors& errors) {
  check_pair(values, "http_tls_cert", "http_tls_key", errors);
  if (values.is_set("http_tls_client_ca") && !values.is_set("http_tls_cert")) {
    errors.push_back({"http_tls_client_ca", "needs http_tls_cert and http_tls_key"});
  }
  return {.cert_file = values.text("http_tls_cert"),
          .key_file = values.text("http_tls_key"),
          .client_ca_file = values.text("http_tls_client_ca")};
}

void check_embedded(const Values& values, Errors& errors) {
  if (!values.is_set("nats_url")) return;
  for (const char* key : {"nats_server", "nats_dir", "nats_port"}) {
    if (values.at(key).origin == Origin::flag) {
      errors.push_back({key, "is for the embedded server, but nats_url is given"});
    }
  }
}

void check_exposure(const Values& values, const Address& http, Errors& errors) {
  if (is_loopback(http.host) || values.boolean("unsafe_bind")) return;
  if (!values.is_set("http_tls_cert")) {
    errors.push_back(
        {"http", "\"" + http.host +
                     "\" is not loopback and TLS is off: set http_tls_cert and "
                     "http_tls_key, or unsafe_bind when the network in front is trusted"});
  }
  if (values.boolean("dev_no_auth")) {
    errors.push_back({"dev_no_auth",
                      "anybody on the network could do anything: bind to loopback, "
                      "or set unsafe_bind"});
  }
}

WebhookConfig webhook_config(const Values& values, Errors& errors) {
  return {.deliver = values.boolean("webhooks"),
          .allow = values.list("webhooks_allow"),
          .secret = secret(values, "webhook_secret", errors),
          .ca_file = values.text("webhook_ca"),
          .timeout = values.duration("webhook_timeout")};
}

unsigned threads(const Values& values, const char* key, unsigned automatic) {
  const auto given = static_cast<unsigned>(values.integer(key));
  return given == 0 ? automatic : given;
}

}  // namespace

Result<ServeConfig> make_serve_config(const Values& values) {
  Errors errors;
  ServeConfig out;
  out.shown = to_json(values);
  WEIR_ASSIGN(out.http, parse_address(values.text("http")));
  out.data_dir = values.text("data_dir");
  if (out.data_dir.empty()) errors.push_back({"data_dir", "must not be empty"});
  out.http_tls = http_tls_config(values, errors);
  out.payload_keys_file = values.text("payload_keys_file");
  out.api_key = secret(values, "api_key", errors);
  out.dev_no_auth = values.boolean("dev_no_auth");
  out.test_clock = values.boolean("test_clock");
  check_exposure(values, out.http, errors);
  out.nats = nats_config(values, errors);
  check_embedded(values, errors);
  out.embedded = {.server_path = values.text("nats_server"),
                  .versions_dir = values.text("nats_dir"),
                  .port = static_cast<std::uint16_t>(values.integer("nats_port")),
                  .sync_always = values.boolean("sync_always")};
  out.stream_replicas = static_cast<unsigned>(values.integer("stream_replicas"));
  if (out.stream_replicas > 1 && out.embeds_nats()) {
    errors.push_back({"stream_replicas", "the embedded server is one server: want 0 or 1"});
  }
  out.shard = static_cast<unsigned>(values.integer("shard"));
  out.in_flight_entries = static_cast<std::size_t>(values.integer("in_flight_entries"));
  out.snapshot_log_bytes = static_cast<std::uint64_t>(values.integer("snapshot_log_bytes"));
  out.outbox_bytes = static_cast<std::uint64_t>(values.integer("outbox_bytes"));
  out.journal_bytes = static_cast<std::uint64_t>(values.integer("journal_bytes"));
  out.structures = values.boolean("structures");
  out.nats_commands = values.boolean("nats_commands");
  out.structures_max_bytes = static_cast<std::uint64_t>(values.integer("structures_max_bytes"));
  out.structures_max_elements =
      static_cast<std::uint64_t>(values.integer("structures_max_elements"));
  out.webhooks = webhook_config(values, errors);
  out.max_payload_bytes = static_cast<std::size_t>(values.integer("max_payload_bytes"));
  out.max_connections = static_cast<std::size_t>(values.integer("max_connections"));
  out.max_event_streams = static_cast<std::size_t>(values.integer("max_event_streams"));
  out.max_websockets = static_cast<std::size_t>(values.integer("max_websockets"));
  out.allowed_origins = values.list("allowed_origins");
  out.health_per_minute = values.integer("health_per_minute");
  out.stats_per_minute = values.integer("stats_per_minute");
  out.admin_per_minute = values.integer("admin_per_minute");
  const unsigned cpus = std::max(1U, std::thread::hardware_concurrency());
  out.http_threads = threads(values, "http_threads", std::min(cpus, 4U));
  out.pool_threads = threads(values, "pool_threads", std::max(2 * cpus, 4U));
  out.request_timeout = values.duration("request_timeout");
  out.drain_delay = values.duration("drain_delay");
  out.drain_timeout = values.duration("drain_timeout");
  WEIR_ASSIGN(out.log_level, log::parse_level(values.text("log_level")));
  WEIR_ASSIGN(out.log_format, log::parse_format(values.text("log_format")));
  if (!errors.empty()) {
    return Error{Code::invalid, "bad_config", "the configuration has errors",
                 "docs/config.md lists every key", std::move(errors)};
  }
  return out;
}

}  // namespace weir::config
