#include "pkg/rooms/stream_state.hpp"

#include "pkg/rooms/event.hpp"

namespace weir::rooms {

Result<nats::StreamInfo> StreamState::now() {
  std::unique_lock lock(mutex_);
  const auto wanted = asked_ + 1;  // an answer that is on its way may be older than this call
  while (answered_ < wanted) {
    if (asking_) {
      changed_.wait(lock);
      continue;
    }
    asking_ = true;
    const auto number = ++asked_;
    lock.unlock();
    auto answer = jetstream_.stream_info(kStream);
    lock.lock();
    asking_ = false;
    answered_ = number;
    answer_ = std::move(answer);
    changed_.notify_all();
  }
  return answer_;
}

}  // namespace weir::rooms
