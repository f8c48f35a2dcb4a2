// JetStreamEffects: performs effects by publishing them to JetStream, pipelined, in order.
//
// publish() and prepare(): one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pkg/nats/jetstream.hpp"
#include "pkg/nats/publisher.hpp"
#include "pkg/replica/effects_core.hpp"

namespace weir::replica {

class JetStreamEffects final : public EffectSink {
 public:
  // `streams` are made by prepare() when missing. Errors: as nats::Publisher::make.
  static Result<std::unique_ptr<JetStreamEffects>> make(
      const std::shared_ptr<nats::Connection>& connection, std::vector<nats::StreamConfig> streams);

  bool prepare() override;
  std::size_t publish(std::span<const EffectMessage> messages) override;

 private:
  JetStreamEffects(const std::shared_ptr<nats::Connection>& connection,
                   std::vector<nats::StreamConfig> streams,
                   std::unique_ptr<nats::Publisher> publisher)
      : jetstream_(connection), streams_(std::move(streams)), publisher_(std::move(publisher)) {}

  const nats::JetStream jetstream_;
  const std::vector<nats::StreamConfig> streams_;
  const std::unique_ptr<nats::Publisher> publisher_;
};

}  // namespace weir::replica
