// Workers: a few threads that run what a callback of the applier must not do itself, such as
// reading SQLite for a request that was parked. Bounded. Lifecycle of a Service; what is queued at
// stop() still runs before stop() returns. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pkg/base/bounded_queue.hpp"
#include "pkg/base/service.hpp"

namespace weir::api {

class Workers final : public Service {
 public:
  explicit Workers(std::size_t threads) : thread_count_(threads) {}
  ~Workers() override { stop(); }

  Result<void> start() override;
  void stop() override;

  // False when the queue is full or the service stopped; the work then never runs.
  [[nodiscard]] bool run(std::function<void()> work);

 private:
  static constexpr std::size_t kCapacity = 20'000;

  using Queue = BoundedQueue<std::function<void()>>;

  const std::size_t thread_count_;
  std::mutex mutex_;
  std::shared_ptr<Queue> queue_;  // null unless running
  std::vector<std::thread> threads_;
};

}  // namespace weir::api
