// A service over the buckets of a server of every version.
#pragma once

#include <memory>

#include "pkg/kv/service.hpp"
#include "tests/integration/nats/link.hpp"

namespace weir::kv {

class OnBuckets : public nats::OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    service_ = std::make_unique<Service>(connection_, clock_, Service::Options{});
    ASSERT_TRUE(service_->start());
  }
  void TearDown() override { service_.reset(); }

  SystemClock clock_;
  std::shared_ptr<nats::Connection> connection_;
  std::unique_ptr<Service> service_;
};

}  // namespace weir::kv
