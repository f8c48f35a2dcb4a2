// NatsProbe: a SystemProbe that asks NATS on its own thread, so that a server that hangs delays
// nobody by more than the bound of refresh(). It also asks by itself every few seconds, which keeps
// the last known values young.
//
// Lifecycle of a Service; before start() and after stop() it gives the last known values as not
// fresh. Thread-safe.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "api/core/system_probe.hpp"
#include "pkg/base/service.hpp"
#include "pkg/nats/jetstream.hpp"

namespace weir::api {

class NatsProbe final : public SystemProbe, public Service {
 public:
  // `sync_always`: whether this NATS syncs before it acknowledges, where that is known.
  NatsProbe(std::shared_ptr<nats::Connection> connection, const Clock& clock,
            std::optional<bool> sync_always = std::nullopt);
  ~NatsProbe() override { stop(); }

  Result<void> start() override;
  void stop() override;

  SystemFacts refresh(Millis wait) override;
  SystemFacts last_known() const override;

 private:
  void loop();
  void ask();

  const nats::JetStream jetstream_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable wanted_;    // the thread waits for a question
  std::condition_variable answered_;  // callers wait for an answer
  std::uint64_t questions_ = 0;       // asked by callers
  std::uint64_t answers_ = 0;         // the newest question that `facts_` answers
  bool running_ = false;
  SystemFacts facts_;
  std::thread thread_;
};

}  // namespace weir::api
