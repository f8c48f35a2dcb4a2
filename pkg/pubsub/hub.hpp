// Hub: publish and subscribe over core NATS, for the clients of one coordinator. One NATS
// subscription (weir.pubsub.>) feeds all of them, so a subscriber gets a message once, however many
// of its patterns match, and idle subscribers cost memory only.
//
// Core NATS keeps nothing: who is not subscribed when a message is published does not get it, and
// what is published while this coordinator has lost its NATS connection never arrives here. The
// subscription itself survives reconnects. Order holds for each publisher.
//
// On the wire: the body is the message as JSON; headers Weir-Message-Id and Weir-Metadata (a JSON
// object, when given). What other NATS clients publish needs neither; a body that is not JSON is
// delivered as a JSON string, and one that is not UTF-8 as {"base64":"..."}.
//
// Lifecycle: construct -> start() -> stop(). Thread-safe. Parts outlive it.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/base/service.hpp"
#include "pkg/nats/connection.hpp"
#include "pkg/pubsub/requests.hpp"

namespace weir::pubsub {

inline constexpr std::size_t kMaxPatterns = 1000;       // of one subscriber
inline constexpr std::size_t kMaxKnownTopics = 10'000;  // that topics_json() remembers

// What a subscriber gets. `frame` is {"type":"message","topic","message","message_id"?,
// "metadata"?}, in memory once for all subscribers.
struct Delivery {
  std::string topic;
  std::string id;  // empty when another NATS client published it
  std::shared_ptr<const std::string> frame;
};

class Subscriber {
 public:
  virtual ~Subscriber() = default;
  enum class Taken : std::uint8_t { yes, dropped, gone };
  // On the subscription's thread: must not block.
  virtual Taken take(const Delivery& delivery) = 0;
};

struct Published {
  std::string id;
  std::size_t matched = 0;  // subscribers of this coordinator
};

class Hub final : public Service {
 public:
  Hub(std::shared_ptr<nats::Connection> connection, const Clock& clock, Random& random);
  ~Hub() override;

  Result<void> start() override;
  void stop() override;

  // Errors: invalid / invalid_topic; those of nats::Connection::publish().
  Result<Published> publish(const Publication& publication);

  // Messages that want an answer.
  Requests& requests() { return requests_; }

  // Adds to what the subscriber hears: all or nothing. Errors: invalid / invalid_topic;
  // too_many_requests / too_many_subscriptions.
  Result<void> subscribe(const std::shared_ptr<Subscriber>& subscriber,
                         const std::vector<std::string>& patterns);
  // How many of them it had. Empty `patterns`: all.
  std::size_t unsubscribe(const Subscriber* subscriber, const std::vector<std::string>& patterns);

  // {"topics":[{"topic","messages","subscribers","last_message_at"}],"total","truncated"}: what
  // was heard since the start or has a subscriber, by name.
  std::string topics_json(std::string_view pattern) const;
  // {"total_topics","total_subscribers","subscriptions","published","received","delivered",
  // "dropped","connected"}
  std::string stats_json() const;
  std::size_t topics() const;
  std::size_t subscribers() const;

 private:
  struct Listener {
    std::shared_ptr<Subscriber> subscriber;
    std::set<std::string, std::less<>> patterns;
  };
  struct Known {
    std::uint64_t messages = 0;
    Timestamp last{};
  };
  using Listeners = std::vector<std::shared_ptr<Subscriber>>;
  using ByPattern = std::unordered_map<std::string, Listeners>;

  void heard(nats::Message message);
  Listeners matching(const std::string& topic) const;
  void drop_pattern(ByPattern& from, const std::string& pattern, const Subscriber* subscriber);

  const std::shared_ptr<nats::Connection> connection_;
  const Clock& clock_;
  UuidGenerator ids_;
  Requests requests_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<const Subscriber*, Listener> listeners_;  // guarded by mutex_
  ByPattern plain_;                                            // guarded by mutex_
  ByPattern wild_;                                             // guarded by mutex_
  std::unordered_map<std::string, Known> known_;               // guarded by mutex_
  std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> delivered_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::unique_ptr<nats::Subscription> subscription_;  // last: ends before the rest
};

}  // namespace weir::pubsub
