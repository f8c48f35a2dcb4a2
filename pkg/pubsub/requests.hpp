// Requests: messages that want an answer. Each goes out on its topic with an inbox of its own to
// reply to, and the first reply is the answer. Replies come from NATS clients that are subscribed
// to weir.pubsub.<topic>; subscribers over HTTP only listen.
//
// Lifecycle: construct -> start() -> stop(), which answers whoever waits. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "pkg/base/service.hpp"
#include "pkg/nats/connection.hpp"

namespace weir::pubsub {

inline constexpr std::size_t kMaxRequests = 10'000;  // that wait at a time

struct Publication {
  std::string_view topic;
  std::string_view message;        // JSON
  std::string_view metadata = {};  // JSON object; empty: none
};

class Requests final : public Service {
 public:
  // {"topic","message","headers"?}: the reply, its body as JSON. From a thread of the subscription,
  // of give_up() or of stop(): must not block. Errors: deadline_exceeded / no_reply; unavailable /
  // no_responders, shutting_down.
  using Answered = std::function<void(Result<std::string>)>;

  explicit Requests(std::shared_ptr<nats::Connection> connection);
  ~Requests() override { stop(); }

  Result<void> start() override;
  void stop() override;

  // Publishes it; `answered` is called once, unless this fails. The number is for give_up().
  // Errors: invalid / invalid_topic; too_many_requests / too_many_pending; those of
  // nats::Connection::publish().
  Result<std::uint64_t> ask(const Publication& publication, Answered answered);
  // Its time is over. Nothing happens when it was answered.
  void give_up(std::uint64_t number);

 private:
  struct Waiting {
    std::string topic;
    Answered answered;
  };

  void replied(const nats::Message& message);
  Waiting take(std::uint64_t number);  // without a handler: nobody waits

  const std::shared_ptr<nats::Connection> connection_;
  const std::string inbox_;  // the number of a request follows
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;  // guarded by mutex_
  std::uint64_t last_ = 0;                              // guarded by mutex_
  bool stopped_ = true;                                 // guarded by mutex_
  std::unique_ptr<nats::Subscription> subscription_;    // last: ends before the rest
};

}  // namespace weir::pubsub
