#include "cmd/weir/serve/webhook_service.hpp"

#include "pkg/webhook/signature.hpp"

namespace weir::cli {

Result<std::unique_ptr<WebhookService>> WebhookService::make(const config::WebhookConfig& config,
                                                             replica::Instance& instance,
                                                             const Clock& clock) {
  if (!config.secret.empty()) WEIR_TRY(webhook::secret_key(config.secret));
  WEIR_ASSIGN(auto policy, webhook::AddressPolicy::make(config.allow));
  auto service = std::make_unique<WebhookService>();
  if (!config.deliver) return service;
  WEIR_ASSIGN(service->sender_, webhook::Sender::make({.policy = std::move(policy),
                                                       .ca_file = config.ca_file,
                                                       .timeout = config.timeout,
                                                       .user_agent = "weir/" WEIR_VERSION},
                                                      clock));
  service->courier_ = std::make_unique<api::WebhookCourier>(
      api::WebhookCourier::Parts{.instance = instance,
                                 .sender = *service->sender_,
                                 .clock = clock,
                                 .default_secret = config.secret});
  return service;
}

Result<void> WebhookService::start() {
  if (!courier_) return {};
  WEIR_TRY(sender_->start());
  return courier_->start();
}

void WebhookService::stop() {
  if (!courier_) return;
  courier_->stop();
  sender_->stop();
}

}  // namespace weir::cli
