// Making batches in tests.
#pragma once

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {

inline std::string create(Harness& h, const std::string& more = "", const std::string& id = "b") {
  const auto body = R"({"id":")" + id + "\"" + more + "}";
  return h.must(h.requests.batch_create(json::View(body)));
}

// `count` jobs of queue q with the ids m0, m1, ...
inline std::string members(int count) {
  std::string out = R"(,"jobs":[)";
  for (int i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + plain("m" + std::to_string(i));
  return out + "]";
}

}  // namespace weir::jobs
