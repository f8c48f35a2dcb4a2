// Counts and times every HTTP answer by route, and writes the access log when asked. One call per
// answer, from any thread, without a lock on known routes.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "api/http/front.hpp"
#include "pkg/metrics/registry.hpp"

namespace weir::api {

enum class AccessLog : std::uint8_t { off, on };

class HttpMetrics {
 public:
  HttpMetrics(metrics::Registry& registry, AccessLog access_log);

  // Before serving: routes seen later count as "none".
  void add_route(std::string_view method, std::string_view route);
  void on_finished(const http::FinishedRequest& finished) const;

 private:
  struct Route {
    metrics::Histogram* seconds = nullptr;
    std::array<metrics::Counter*, 5> by_class{};  // 1xx to 5xx
  };
  Route make_route(const std::string& label);
  const Route& route_of(const http::FinishedRequest& finished) const;
  void write_access_log(const http::FinishedRequest& finished) const;

  metrics::Registry& registry_;
  const AccessLog access_log_;
  std::map<std::string, Route, std::less<>> routes_;  // "GET /v1/jobs"
  Route none_;
  metrics::Counter& request_bytes_;
  metrics::Counter& response_bytes_;
};

}  // namespace weir::api
