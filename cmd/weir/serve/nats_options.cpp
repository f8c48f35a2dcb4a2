#include "cmd/weir/serve/nats_options.hpp"

namespace weir::cli {

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
