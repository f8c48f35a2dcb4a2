// How the configuration says to reach NATS, in the terms of the connection.
#pragma once

#include "pkg/config/serve_config.hpp"
#include "pkg/nats/connection.hpp"

namespace weir::cli {

nats::ConnectOptions connect_options(const config::NatsConfig& config);

}  // namespace weir::cli
