#include "api/http/exchange.hpp"

#include "pkg/log/log.hpp"

namespace weir::http {

void run_handler(const Route& route, const std::shared_ptr<const Request>& request,
                 const std::shared_ptr<Exchange>& exchange) {
  try {
    route.handler(request, Responder(exchange));
  } catch (const std::exception& exception) {
    log::error(
        "handler_failed",
        {{"route", route.pattern}, {"request_id", request->id}, {"error", exception.what()}});
    exchange->fail();
  }
}

}  // namespace weir::http
