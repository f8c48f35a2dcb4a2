// Tails: who follows the messages of native streams. One feed for each stream that is followed
// (pkg/nats/feed_book.hpp), kept for a while after its last follower.
//
// Lifecycle of a Service: construct -> start() -> stop(). Thread-safe; feed() blocks for as long as
// NATS takes.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "pkg/base/clock.hpp"
#include "pkg/base/service.hpp"
#include "pkg/nats/feed_book.hpp"

namespace weir::streams {

class Tails final : public weir::Service {
 public:
  Tails(const nats::JetStream& jetstream, const Clock& clock)
      : jetstream_(jetstream), feeds_(clock, kIdle) {}
  ~Tails() override { stop(); }

  Result<void> start() override;
  void stop() override;

  // A feed whose keys are the subjects and whose changes are `message`, with the message as
  // message_json(). It ends when the stream is deleted or made anew (looked at every second, once
  // started), and with stop().
  struct Followed {
    std::shared_ptr<nats::Feed> feed;
    nats::StreamInfo info;  // now
  };
  // Errors: those of names.hpp; not_found / stream_not_found; unavailable / shutting_down,
  // nats_unavailable.
  Result<Followed> feed(const std::string& stream);
  std::size_t followers() const { return feeds_.watchers(); }

 private:
  static constexpr std::chrono::seconds kIdle{30};

  void loop();

  const nats::JetStream& jetstream_;
  nats::FeedBook feeds_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool running_ = false;  // guarded by mutex_
  bool stopped_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace weir::streams
