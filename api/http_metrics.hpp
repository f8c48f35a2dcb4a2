// Counts and times every HTTP answer by route, and writes the access log when asked. One call per
// answer, from any thread, without a lock on known routes.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "pkg/metrics/registry.hpp"

namespace weir::api {

// What the front tells when an answer has gone out.
struct Finished {
  std::string_view method = {};
  std::string_view path = {};   // as asked, without the query
  std::string_view route = {};  // the pattern; empty when no route matched
  std::string_view remote_address = {};
  std::string_view request_id = {};
  int status = 0;
  std::size_t request_bytes = 0;
  std::size_t response_bytes = 0;
  std::chrono::nanoseconds duration{0};
};

enum class AccessLog : std::uint8_t { off, on };

class HttpMetrics {
 public:
  HttpMetrics(metrics::Registry& registry, AccessLog access_log);

  // Before serving: routes seen later count as "none".
  void add_route(std::string_view method, std::string_view route);
  void on_finished(const Finished& finished) const;

 private:
  struct Route {
    metrics::Histogram* seconds = nullptr;
    std::array<metrics::Counter*, 5> by_class{};  // 1xx to 5xx
  };
  Route make_route(const std::string& label);

  metrics::Registry& registry_;
  const AccessLog access_log_;
  std::map<std::string, Route, std::less<>> routes_;  // "GET /v1/jobs"
  Route none_;
  metrics::Counter& request_bytes_;
  metrics::Counter& response_bytes_;
};

}  // namespace weir::api
