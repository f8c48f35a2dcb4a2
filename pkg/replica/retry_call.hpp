// Calls of JetStream that come again when the server may just elect a leader.
#pragma once

#include "pkg/base/error.hpp"

namespace weir::replica {

// The result of `call`, after at most four tries.
template <class Call>
auto again_if_unavailable(const Call& call) {
  constexpr int kTries = 4;
  auto result = call();
  for (int i = 1;
       i < kTries && !result &&
       (result.error().code == Code::unavailable || result.error().code == Code::deadline_exceeded);
       ++i) {
    result = call();
  }
  return result;
}

}  // namespace weir::replica
