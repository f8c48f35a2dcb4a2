#include "api/admin/http_metrics.hpp"

#include <algorithm>
#include <chrono>

#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

std::string label_of(std::string_view method, std::string_view route) {
  return std::string(method) + " " + std::string(route);
}

}  // namespace

HttpMetrics::HttpMetrics(metrics::Registry& registry, AccessLog access_log)
    : registry_(registry),
      access_log_(access_log),
      none_(make_route("none")),
      request_bytes_(
          registry.counter("weir_http_request_bytes_total", "Bytes of request bodies.").with({})),
      response_bytes_(
          registry.counter("weir_http_response_bytes_total", "Bytes of answer bodies.").with({})) {}

HttpMetrics::Route HttpMetrics::make_route(const std::string& label) {
  static constexpr std::array<const char*, 5> kClasses{"1xx", "2xx", "3xx", "4xx", "5xx"};
  Route route;
  route.seconds = &registry_
                       .histogram("weir_http_request_duration_seconds",
                                  "Time from a request's last byte to its answer.",
                                  metrics::latency_buckets(), {"route"})
                       .with({label});
  auto& requests =
      registry_.counter("weir_http_requests_total", "Requests answered.", {"route", "status"});
  for (std::size_t i = 0; i < kClasses.size(); ++i) {
    route.by_class[i] = &requests.with({label, kClasses[i]});
  }
  return route;
}

void HttpMetrics::add_route(std::string_view method, std::string_view route) {
  const std::string label = label_of(method, route);
  routes_.insert_or_assign(label, make_route(label));
}

const HttpMetrics::Route& HttpMetrics::route_of(const http::FinishedRequest& finished) const {
  if (finished.request == nullptr || finished.route.empty()) return none_;
  const auto found = routes_.find(label_of(finished.request->method, finished.route));
  return found == routes_.end() ? none_ : found->second;
}

void HttpMetrics::on_finished(const http::FinishedRequest& finished) const {
  const Route& route = route_of(finished);
  const int status_class = std::clamp(finished.status / 100, 1, 5);
  route.by_class[static_cast<std::size_t>(status_class - 1)]->add();
  route.seconds->observe(std::chrono::duration<double>(finished.duration).count());
  request_bytes_.add(finished.request_bytes);
  response_bytes_.add(finished.response_bytes);
  if (access_log_ == AccessLog::on) write_access_log(finished);
}

void HttpMetrics::write_access_log(const http::FinishedRequest& finished) const {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(finished.duration).count();
  const http::Request* request = finished.request;
  log::info("http_request", {{"method", request != nullptr ? request->method : "-"},
                             {"path", request != nullptr ? request->path : "-"},
                             {"status", finished.status},
                             {"duration_us", us},
                             {"response_bytes", finished.response_bytes},
                             {"remote", request != nullptr ? request->remote_address : "-"},
                             {"request_id", finished.request_id}});
}

}  // namespace weir::api
