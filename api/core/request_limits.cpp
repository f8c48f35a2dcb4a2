#include "api/core/request_limits.hpp"

#include <algorithm>
#include <chrono>

#include "api/http/event_stream.hpp"
#include "api/http/websocket.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/ratelimit/address.hpp"

namespace weir::api {
namespace {

constexpr Millis kMinute{60'000};

std::int64_t whole_seconds(Millis time) {
  return std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(time).count(), 1);
}

class WithHeaders final : public http::Responder::Sink {
 public:
  WithHeaders(http::Responder inner, RequestLimits::Headers headers)
      : inner_(std::move(inner)), headers_(std::move(headers)) {}

  void send(http::Response response) override {
    response.headers.insert(response.headers.end(), headers_.begin(), headers_.end());
    inner_.send(std::move(response));
  }
  void open_stream(http::StreamStart start) override {
    start.headers.insert(start.headers.end(), headers_.begin(), headers_.end());
    inner_.open_stream(std::move(start));
  }
  void open_socket(http::WebSocketStart start) override { inner_.open_socket(std::move(start)); }
  void on_closed(std::function<void()> closed) override { inner_.on_closed(std::move(closed)); }

 private:
  const http::Responder inner_;
  const RequestLimits::Headers headers_;
};

}  // namespace

std::optional<ratelimit::Verdict> RequestLimits::of_key(const auth::Principal& principal) {
  if (!principal.rate) return std::nullopt;
  return keys_.take(principal.key_id, *principal.rate, clock_.mono());
}

std::optional<RequestLimits::Shared> RequestLimits::shared_limit(std::string_view path) const {
  const auto shared = [](std::string_view name, std::int64_t limit) -> std::optional<Shared> {
    if (limit == 0) return std::nullopt;
    return Shared{name, {.limit = limit, .window = kMinute}};
  };
  if (path == "/health") return shared("health", limits_.health);
  if (path == "/stats") return shared("stats", limits_.stats);
  if (path.starts_with("/admin/")) return shared("admin", limits_.admin);
  return std::nullopt;
}

ratelimit::Verdict RequestLimits::of_address(const Shared& shared, std::string_view address) {
  return addresses_.take(std::string(shared.name) + ' ' + ratelimit::neighbourhood(address),
                         shared.allowance, clock_.mono());
}

RequestLimits::Headers RequestLimits::headers(const ratelimit::Verdict& verdict) const {
  const auto reset = std::chrono::ceil<std::chrono::seconds>(Millis{to_unix_ms(clock_.wall())} +
                                                             verdict.resets_in);
  return {{"X-RateLimit-Limit", std::to_string(verdict.limit)},
          {"X-RateLimit-Remaining", std::to_string(verdict.remaining)},
          {"X-RateLimit-Reset", std::to_string(reset.count())}};
}

Error rate_limit_exceeded(const ratelimit::Verdict& verdict) {
  const auto seconds = std::to_string(whole_seconds(verdict.resets_in));
  return {Code::too_many_requests,
          "rate_limit_exceeded",
          "Rate limit exceeded. Try again in " + seconds + " seconds.",
          "The API key may make " + std::to_string(verdict.limit) + " requests in its window.",
          {},
          verdict.resets_in};
}

http::Response rate_limited_response(const ratelimit::Verdict& verdict) {
  const auto seconds = whole_seconds(verdict.resets_in);
  json::Writer out;
  out.begin_object().member("error", "Rate limit exceeded").member("retryAfter", seconds);
  out.member("limit", verdict.limit).member("window", "1m").end_object();
  http::Response response{.status = 429, .body = out.take()};
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

http::Responder with_headers(const http::Responder& responder, RequestLimits::Headers headers) {
  return http::Responder(std::make_shared<WithHeaders>(responder, std::move(headers)));
}

}  // namespace weir::api
