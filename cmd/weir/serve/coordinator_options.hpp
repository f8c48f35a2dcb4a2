// From the settings of `weir serve` to the options of the parts. Pure functions.
#pragma once

#include <cstddef>

#include "api/api.hpp"
#include "api/http/front.hpp"
#include "pkg/config/serve_config.hpp"
#include "pkg/nats/connection.hpp"

namespace weir::cli {

// `message_bytes`: what one message of NATS may have, as it says.
api::ApiOptions api_options(const config::ServeConfig& config, std::size_t message_bytes);

// Without TLS.
http::FrontOptions front_options(const config::ServeConfig& config);

nats::ConnectOptions connect_options(const config::NatsConfig& config);

}  // namespace weir::cli
