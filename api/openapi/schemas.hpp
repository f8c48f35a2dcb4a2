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

std::span<const ComponentSchema> job_schemas();   // jobs, queues, errors
std::span<const ComponentSchema> work_schemas();  // leases, reports, log lines
std::span<const ComponentSchema> schedule_schemas();
std::span<const ComponentSchema> batch_schemas();
std::span<const ComponentSchema> worker_schemas();  // and targets
std::span<const ComponentSchema> webhook_schemas();
std::span<const ComponentSchema> stream_schemas();
std::span<const ComponentSchema> system_schemas();  // keys, audit, snapshots, health

}  // namespace weir::api
