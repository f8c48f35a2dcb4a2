#include "api/runtime/workers.hpp"

namespace weir::api {

Result<void> Workers::start() {
  const std::lock_guard lock(mutex_);
  if (queue_) return {};
  queue_ = std::make_shared<Queue>(kCapacity);
  for (std::size_t i = 0; i < thread_count_; ++i) {
    threads_.emplace_back([queue = queue_] {
      while (auto work = queue->pop()) (*work)();
    });
  }
  return {};
}

void Workers::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    if (!queue_) return;
    queue_->close();
    queue_ = nullptr;
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
}

bool Workers::run(std::function<void()> work) {
  std::shared_ptr<Queue> queue;
  {
    const std::lock_guard lock(mutex_);
    queue = queue_;
  }
  return queue && queue->try_push(std::move(work));
}

}  // namespace weir::api
