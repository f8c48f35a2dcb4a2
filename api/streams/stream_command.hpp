// The rows of /v1/streams: what all of them share.
#pragma once

#include <functional>
#include <string>

#include "api/core/commands.hpp"

namespace weir::api {

inline constexpr std::string_view kStreams = "/v1/streams";

using StreamWork = std::function<Result<void>(Services&, const Call&)>;

// Scope, errors and handler of a row; all but kStreams itself name a stream.
Command stream_command(std::string_view name, std::string_view method, std::string_view path,
                       Services& services, StreamWork work);

std::string stream_of(const Call& call);

}  // namespace weir::api
