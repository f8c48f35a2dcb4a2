// StreamState: what the stream of the rooms is like now. Callers that come while NATS is asked wait
// for the next answer and share it, so that thousands of followers that come back at once ask a few
// times. Blocks for as long as NATS takes. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "pkg/nats/jetstream.hpp"

namespace weir::rooms {

class StreamState {
 public:
  explicit StreamState(nats::JetStream jetstream) : jetstream_(std::move(jetstream)) {}

  // NATS was asked after the call began. Errors: those of JetStream::stream_info().
  Result<nats::StreamInfo> now();

 private:
  const nats::JetStream jetstream_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asking_ = false;                        // guarded by mutex_
  std::uint64_t asked_ = 0;                    // guarded by mutex_: times, so far
  std::uint64_t answered_ = 0;                 // guarded by mutex_: which of them answer_ is of
  Result<nats::StreamInfo> answer_ = Error{};  // guarded by mutex_
};

}  // namespace weir::rooms
