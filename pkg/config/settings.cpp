#include "pkg/config/settings.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace weir::config {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kMaxLogBytes = std::int64_t{1} << 50;

constexpr Setting text(std::string_view key, Kind kind, std::string_view fallback,
                       std::string_view doc) {
  return {.key = key, .kind = kind, .fallback = fallback, .choices = {}, .doc = doc};
}
constexpr Setting secret(std::string_view key, std::string_view doc) {
  return {.key = key, .fallback = {}, .choices = {}, .secret = true, .doc = doc};
}
constexpr Setting number(std::string_view key, Kind kind, std::string_view fallback,
                         std::int64_t min, std::int64_t max, std::string_view doc) {
  return {.key = key,
          .kind = kind,
          .fallback = fallback,
          .min = min,
          .max = max,
          .choices = {},
          .doc = doc};
}
constexpr Setting choice(std::string_view key, std::string_view fallback, std::string_view choices,
                         std::string_view doc) {
  return {.key = key, .kind = Kind::choice, .fallback = fallback, .choices = choices, .doc = doc};
}

constexpr std::array kSettings{
    // where it listens and keeps its data
    text("http", Kind::address, "127.0.0.1:7080", "Address of the HTTP API. Port 0 takes any."),
    text("data_dir", Kind::path, "./weir-data",
         "Folder of the local state: SQLite files, the admin key, the embedded server's store."),
    text("http_tls_cert", Kind::path, "",
         "PEM certificate chain; with http_tls_key the API speaks HTTPS only. Read again when the "
         "files change, and on SIGHUP."),
    text("http_tls_key", Kind::path, "", "PEM private key of http_tls_cert, without pass phrase."),
    text("http_tls_client_ca", Kind::path, "",
         "PEM authorities: only clients with a certificate of theirs are let in (mutual TLS)."),
    text("unsafe_bind", Kind::boolean, "false",
         "Allow an address off loopback without TLS, or with dev_no_auth."),
    // who may call
    secret("api_key", "The admin key to install at the first start, instead of a made-up one."),
    text("api_key_file", Kind::path, "", "File that holds api_key."),
    text("dev_no_auth", Kind::boolean, "false",
         "Turn authentication off. For development on loopback; /health says so."),
    text("test_clock", Kind::boolean, "false",
         "Let /v1/test/clock set the time, for tests of your workers. Needs a data directory (and "
         "NATS) of its own, which no coordinator without it takes; /health says so."),
    // encryption
    text("payload_keys_file", Kind::path, "",
         "File of payload keys, made by weir payload-key: payloads, results and checkpoints are "
         "encrypted with the first and decrypted with any. Read again when it changes, and on "
         "SIGHUP. Empty: they are stored as they are."),
    // NATS
    text("nats_url", Kind::list, "",
         "URLs of an existing NATS. Empty: a nats-server child is started and supervised."),
    text("nats_creds", Kind::path, "", "Credentials file (JWT and seed) for NATS."),
    text("nats_nkey", Kind::path, "", "NKey seed file for NATS."),
    text("nats_nkey_public", Kind::text, "", "Public NKey (U...) of the seed in nats_nkey."),
    text("nats_user", Kind::text, "", "User name for NATS."),
    secret("nats_password", "Password of nats_user."),
    text("nats_password_file", Kind::path, "", "File that holds nats_password."),
    secret("nats_token", "Token for NATS."),
    text("nats_token_file", Kind::path, "", "File that holds nats_token."),
    text("nats_tls", Kind::boolean, "false",
         "Require TLS to NATS. A tls:// URL or any nats_tls_* file implies it."),
    text("nats_tls_ca", Kind::path, "", "PEM authorities that NATS's certificate is checked with."),
    text("nats_tls_cert", Kind::path, "", "PEM client certificate for NATS."),
    text("nats_tls_key", Kind::path, "", "PEM private key of nats_tls_cert."),
    // the embedded server
    text("nats_server", Kind::path, "",
         "The nats-server program to embed. Empty: the newest of nats_dir and PATH."),
    text("nats_dir", Kind::path, "",
         "Folder with VERSION/nats-server programs, searched for the newest."),
    number("nats_port", Kind::integer, "0", 0, 65535,
           "Loopback port of the embedded server; 0 takes any free one."),
    text("sync_always", Kind::boolean, "true",
         "Embedded server: fsync before every answer (nats-server 2.10 and later)."),
    // the log
    number("stream_replicas", Kind::integer, "0", 0, 5,
           "Replicas of the streams; 0 chooses 3 on a NATS cluster and 1 otherwise."),
    number("shard", Kind::integer, "0", 0, 1023, "Which log this coordinator serves."),
    number("in_flight_entries", Kind::integer, "4", 1, 256,
           "Log entries published but not yet acknowledged. More helps when NATS is far away."),
    number(
        "snapshot_log_bytes", Kind::bytes, "256MiB", 0, kMaxLogBytes,
        "Bytes the log may grow by before the leader takes a snapshot and truncates it; 0: never."),
    number("outbox_bytes", Kind::bytes, "1GiB", 0, kMaxLogBytes,
           "Bytes of submits and reports that are kept while NATS is away; 0: they are refused."),
    number("journal_bytes", Kind::bytes, "64MiB", 0, kMaxLogBytes,
           "Bytes of the newest log entries kept here, for a NATS that loses its end; 0: none."),
    // data structures
    text("structures", Kind::boolean, "true",
         "Serve hashes, lists, sets and sorted sets, from a log of their own."),
    number("structures_max_bytes", Kind::bytes, "1GiB", kMiB, kMaxLogBytes,
           "Estimated bytes that all data structures may use; writes are then refused. The value "
           "of the coordinator that started last counts, for all of them."),
    number("structures_max_elements", Kind::integer, "1000000", 1, 1'000'000'000,
           "Elements of one data structure; see structures_max_bytes."),
    text("nats_commands", Kind::boolean, "true",
         "Answer commands on the subjects weir.cmd.>, with an API key; docs/nats-services.md."),
    // webhooks
    text("webhooks", Kind::boolean, "true",
         "Deliver webhooks while this coordinator leads; otherwise they wait for another leader."),
    text(
        "webhooks_allow", Kind::list, "",
        "Addresses and networks (10.0.0.0/8, fd00::/8, 127.0.0.1) that webhooks may go to although "
        "they are not public, or * for all."),
    secret("webhook_secret",
           "Signs the webhooks of jobs whose queue has none (whsec_...). The same on every "
           "coordinator."),
    text("webhook_secret_file", Kind::path, "", "File that holds webhook_secret."),
    text("webhook_ca", Kind::path, "",
         "PEM authorities that receivers of webhooks are checked with. Empty: the system's."),
    number("webhook_timeout", Kind::duration, "15s", 100, 60 * kSecond,
           "Time that a receiver gets to answer a webhook, all in all."),
    // limits
    number("max_payload_bytes", Kind::bytes, "8MiB", 1024, 64 * kMiB,
           "Largest payload, result or checkpoint of one job. What is too long for one message of "
           "NATS is kept in pieces, in a stream of its own."),
    number("max_connections", Kind::integer, "10000", 1, 1'000'000,
           "Open client connections; one more is answered 503 and closed."),
    number("max_event_streams", Kind::integer, "5000", 0, 1'000'000,
           "Open event streams (SSE); one more is answered 503. They are connections too."),
    number("max_websockets", Kind::integer, "5000", 0, 1'000'000,
           "Open WebSockets; one more is answered 503. They are connections too."),
    text("allowed_origins", Kind::list, "",
         "Web pages (https://app.example.com) that may open WebSockets, or * for all of them."),
    number("health_per_minute", Kind::integer, "60", 0, 1'000'000,
           "Requests for /health that one address without an API key may make in a minute; 0: any "
           "number. /live and /ready are never limited."),
    number("stats_per_minute", Kind::integer, "30", 0, 1'000'000, "The same for /stats."),
    number("admin_per_minute", Kind::integer, "10", 0, 1'000'000,
           "The same for /admin/: each is answered 401, and 429 when there are more."),
    number("http_threads", Kind::integer, "0", 0, 256,
           "Threads for socket input and output; 0 takes one per CPU, at most 4."),
    number("pool_threads", Kind::integer, "0", 0, 256,
           "Threads for requests that read the database; 0 takes two per CPU, at least 4."),
    number("request_timeout", Kind::duration, "30s", kSecond, kHour,
           "Time to receive a request and, unless it waits on purpose, to answer it."),
    number(
        "drain_delay", Kind::duration, "500ms", 0, kHour,
        "Time for which a server that stops still answers, with /ready false and `Connection: "
        "close`, so that clients and load balancers go elsewhere; less when nobody is connected."),
    number("drain_timeout", Kind::duration, "10s", 0, kHour,
           "Time that requests in flight get to finish when the server stops."),
    // logging
    choice("log_level", "info", "debug|info|warn|error|off", "Lowest level that is logged."),
    choice("log_format", "text", "text|json", "Form of a log line on standard error."),
};

}  // namespace

std::span<const Setting> settings() {
  return kSettings;
}

const Setting* find_setting(std::string_view key) {
  const auto* found = std::ranges::find(kSettings, key, &Setting::key);
  return found == kSettings.end() ? nullptr : found;
}

std::string flag_name(const Setting& setting) {
  if (setting.secret) return {};
  std::string name(setting.key);
  std::ranges::replace(name, '_', '-');
  return name;
}

std::string environment_name(const Setting& setting) {
  std::string name = "WEIR_";
  for (const char c : setting.key) {
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::text:
      return "text";
    case Kind::path:
      return "path";
    case Kind::address:
      return "host:port";
    case Kind::list:
      return "list";
    case Kind::boolean:
      return "boolean";
    case Kind::integer:
      return "integer";
    case Kind::bytes:
      return "bytes";
    case Kind::duration:
      return "duration";
    case Kind::choice:
      return "choice";
  }
  return "text";
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cost((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return cost[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return cost.back();
}

std::string_view nearest_key(std::string_view text) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, text.size() / 3) + 1;
  for (const auto& setting : kSettings) {
    const std::size_t distance = edit_distance(text.substr(0, 64), setting.key);
    if (distance < best_distance) {
      best = setting.key;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace weir::config
