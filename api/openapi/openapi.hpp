// The OpenAPI 3.1 document of a command table, as served at /openapi.json. Everything in it comes
// from the table and from schemas.hpp: a route that is not documented does not exist.
#pragma once

#include <string>

#include "api/core/command.hpp"

namespace weir::api {

std::string openapi_json(const CommandTable& table, std::string_view version);

}  // namespace weir::api
