// Quotas of API keys: what a submit is charged to.
#pragma once

#include "api/core/call.hpp"
#include "jobs/quota.hpp"

namespace weir::api {

// The submit as the key of the call makes it: the log counts it when the key has a quota.
inline replica::Operation charged(const Call& call, replica::Operation submit) {
  const auto& key = call.principal();
  if (!key.max_waiting) return submit;
  return jobs::of_key(std::move(submit), key.key_id, *key.max_waiting);
}

}  // namespace weir::api
