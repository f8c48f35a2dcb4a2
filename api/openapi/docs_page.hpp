// The page at /docs: the OpenAPI document as one HTML page that asks no other host for anything.
#pragma once

#include <string>
#include <string_view>

namespace weir::api {

std::string docs_page(std::string_view openapi_json);

}  // namespace weir::api
