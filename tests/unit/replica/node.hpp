// A coordinator's replica over a log in memory, for tests.
#pragma once

#include <future>
#include <mutex>

#include "pkg/replica/local_instance.hpp"
#include "tests/support/memory_log.hpp"
#include "tests/support/registers_machine.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::replica {

using namespace std::chrono_literals;
using test::add_operation;

class MemoryLeases final : public LeaseStore {
 public:
  Result<std::optional<LeaseRecord>> read() override {
    const std::lock_guard lock(mutex_);
    return record_;
  }
  Result<std::uint64_t> write(const std::string& holder, std::uint64_t expected) override {
    const std::lock_guard lock(mutex_);
    if ((record_ ? record_->revision : 0) != expected) {
      return Error{Code::conflict, "lease_changed", "", ""};
    }
    record_ = LeaseRecord{holder, expected + 1};
    return expected + 1;
  }

 private:
  std::mutex mutex_;
  std::optional<LeaseRecord> record_;
};

class MemoryEffects final : public EffectSink {
 public:
  std::size_t publish(std::span<const EffectMessage> messages) override {
    const std::lock_guard lock(mutex_);
    for (const auto& message : messages) bodies_.emplace_back(message.body);
    return messages.size();
  }
  std::vector<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> bodies_;
};

// One coordinator: a data directory, a machine, an instance.
struct Node {
  Node(Log& on, LeaseStore& leases, EffectSink& effects, SnapshotStore* snapshots = nullptr)
      : log(on) {
    open = [this, &leases, &effects, snapshots] {
      machine = std::make_unique<test::RegistersMachine>();
      InstanceOptions options{.data_dir = dir.file("data")};
      options.proposer.operation_timeout = timeout;
      options.leader.observe = 50ms;
      options.start_wait = start_wait;
      options.snapshots = snapshot_options;
      options.outbox_bytes = outbox_bytes;
      options.longest_hold = longest_hold;
      options.journal_bytes = journal_bytes;
      options.digests = digests;
      return make_instance(
          options, {log, leases, effects, {machine.get()}, clock, random, snapshots, test_clock});
    };
  }
  ~Node() {
    if (instance) instance->stop();
  }

  Result<void> start() {
    instance.reset();
    WEIR_ASSIGN(instance, open());
    return instance->start();
  }
  Result<Reply> ask(Operation operation) {
    auto answer = std::make_shared<std::promise<Result<Reply>>>();
    instance->propose(std::move(operation),
                      [answer](Result<Reply> reply) { answer->set_value(std::move(reply)); });
    return answer->get_future().get();
  }
  Result<Reply> ask_or_keep(Operation operation) { return begin(std::move(operation)).get(); }
  std::future<Result<Reply>> begin(Operation operation) {
    auto answer = std::make_shared<std::promise<Result<Reply>>>();
    instance->propose_or_keep(std::move(operation), [answer](Result<Reply> reply) {
      answer->set_value(std::move(reply));
    });
    return answer->get_future();
  }
  std::string reason(Operation operation) {
    const auto reply = ask(std::move(operation));
    return reply ? "none" : reply.error().reason;
  }

  Log& log;
  test::TempDir dir;
  SystemClock clock;
  SystemRandom random;
  Millis timeout{5'000};
  Millis start_wait{20'000};
  SnapshotOptions snapshot_options{};
  DigestCore::Options digests{};
  TestClock* test_clock = nullptr;
  std::uint64_t outbox_bytes = 0;
  Millis longest_hold{5'000};
  std::uint64_t journal_bytes = 1U << 20U;
  std::unique_ptr<test::RegistersMachine> machine;
  std::function<Result<std::unique_ptr<Instance>>()> open;
  std::unique_ptr<Instance> instance;
};

}  // namespace weir::replica
