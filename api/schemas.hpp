// The named JSON Schemas of the API (OpenAPI components). Commands refer to them as
// {"$ref":"#/components/schemas/<name>"}.
#pragma once

#include <span>
#include <string_view>

namespace weir::api {

struct ComponentSchema {
  const char* name;
  const char* json;
};

std::span<const ComponentSchema> component_schemas();

}  // namespace weir::api
