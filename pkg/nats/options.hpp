// ConnectOptions in the form of nats.c. Internal to this folder.
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>

#include "pkg/nats/connection.hpp"

namespace weir::nats {

struct DestroyOptions {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using OptionsPtr = std::unique_ptr<natsOptions, DestroyOptions>;

// Error: invalid / nats_options, naming the option and never its secret.
Result<OptionsPtr> make_options(const ConnectOptions& options, const std::string& inbox_prefix);

}  // namespace weir::nats
