#include "cmd/weir/serve/data_replica.hpp"

#include "api/core/bootstrap.hpp"
#include "pkg/log/log.hpp"
#include "pkg/replica/jetstream_log.hpp"
#include "pkg/replica/jetstream_snapshots.hpp"
#include "pkg/replica/kv_lease_store.hpp"
#include "pkg/replica/local_instance.hpp"

namespace weir::cli {
namespace {

constexpr Millis kLimitsWait{2'000};

// Structures owe nothing to the outside.
class NoEffects final : public replica::EffectSink {
 public:
  std::size_t publish(std::span<const replica::EffectMessage> messages) override {
    return messages.size();
  }
};

}  // namespace

struct DataReplica::Members {
  structures::StateLimits limits;
  std::unique_ptr<replica::TestClock> test_clock;  // of this log; null: real time
  std::unique_ptr<replica::JetStreamLog> log;
  std::unique_ptr<replica::KvLeaseStore> leases;
  NoEffects effects;
  std::unique_ptr<replica::JetStreamSnapshots> snapshots;
  structures::Machine structures;
  std::unique_ptr<replica::Instance> instance;
  bool finished = false;
};

DataReplica::DataReplica(std::unique_ptr<Members> members) : members_(std::move(members)) {}

DataReplica::~DataReplica() = default;

Result<std::unique_ptr<DataReplica>> DataReplica::make(const Parts& parts) {
  const auto& config = parts.config;
  const std::string shard = std::to_string(config.shard);
  const std::string suffix = config.shard == 0 ? "" : "-" + shard;
  auto members = std::make_unique<Members>();
  const Clock* clock = &parts.system_clock;
  if (config.test_clock) {
    members->test_clock = std::make_unique<replica::TestClock>(parts.system_clock);
    clock = members->test_clock.get();
  }
  members->limits = {.max_bytes = static_cast<std::int64_t>(config.structures_max_bytes),
                     .max_elements = static_cast<std::int64_t>(config.structures_max_elements)};
  WEIR_ASSIGN(members->log, replica::JetStreamLog::make({.stream = "DATA" + suffix,
                                                         .subject = "weir.log.data." + shard,
                                                         .replicas = parts.replicas,
                                                         .test_clock = config.test_clock},
                                                        parts.entries, parts.rest));
  members->leases = std::make_unique<replica::KvLeaseStore>(nats::JetStream(parts.rest),
                                                            "data-" + shard, parts.replicas);
  members->snapshots = std::make_unique<replica::JetStreamSnapshots>(
      replica::JetStreamSnapshotOptions{.stream = "WEIR_SNAPSHOTS_DATA" + suffix,
                                        .subject = "weir.snapshots.data." + shard,
                                        .replicas = parts.replicas},
      parts.rest);
  replica::InstanceOptions options;
  options.data_dir = config.data_dir;
  options.name = "data-" + shard;
  options.snapshots.log_bytes = config.snapshot_log_bytes;
  options.journal_bytes = config.journal_bytes;
  // One entry at a time: operations are applied in the order they were proposed in, also when a
  // publish is lost. Batches rely on it (rpc::Command::pipelined).
  options.proposer.max_in_flight = 1;
  WEIR_ASSIGN(members->instance,
              replica::make_instance(options, {.log = *members->log,
                                               .leases = *members->leases,
                                               .effects = members->effects,
                                               .machines = {&members->structures},
                                               .clock = *clock,
                                               .random = parts.random,
                                               .snapshots = members->snapshots.get(),
                                               .test_clock = members->test_clock.get()}));
  return std::unique_ptr<DataReplica>(new DataReplica(std::move(members)));
}

Result<void> DataReplica::start() {
  return members_->instance->start();
}

bool DataReplica::finish_start() {
  if (members_->finished) return true;
  if (!members_->instance->health().applying) return false;
  const auto now = members_->structures.stats().limits;
  const auto& wanted = members_->limits;
  if (now.max_bytes != wanted.max_bytes || now.max_elements != wanted.max_elements) {
    const auto set = api::propose_and_wait(*members_->instance,
                                           structures::limits_operation(wanted), kLimitsWait);
    if (!set) return false;
    log::info("structures_limits_set",
              {{"max_bytes", wanted.max_bytes}, {"max_elements", wanted.max_elements}});
  }
  members_->finished = true;
  return true;
}

void DataReplica::stop() {
  members_->instance->stop();
}

replica::Instance& DataReplica::instance() const {
  return *members_->instance;
}

const structures::Machine& DataReplica::structures() const {
  return members_->structures;
}

}  // namespace weir::cli
