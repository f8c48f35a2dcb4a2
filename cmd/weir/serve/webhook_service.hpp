// WebhookService: the sender of webhooks and what drives it, as `weir serve` runs them.
//
// Lifecycle: make() -> start() -> stop(). One thread. The instance and the clock outlive it.
#pragma once

#include <memory>

#include "api/webhooks/webhook_courier.hpp"
#include "pkg/config/serve_config.hpp"

namespace weir::cli {

class WebhookService final : public Service {
 public:
  // Errors: invalid / bad_webhook_secret, bad_network, bad_webhook_ca.
  static Result<std::unique_ptr<WebhookService>> make(const config::WebhookConfig& config,
                                                      replica::Instance& instance,
                                                      const Clock& clock);

  Result<void> start() override;
  void stop() override;

 private:
  std::unique_ptr<webhook::Sender> sender_;
  std::unique_ptr<api::WebhookCourier> courier_;  // null: they are off
};

}  // namespace weir::cli
