// Fetch: one pull of messages from a durable consumer, without a thread that waits. First what is
// there at once; when that is nothing and the caller waits, the next message.
//
// Lifecycle: start() -> `done` once, on a thread of the executor; finish() ends it early with what
// came so far. Who holds it need not: it lives until it is done. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pkg/nats/connection.hpp"

namespace weir::streams {

struct FetchRequest {
  std::string stream;
  std::string consumer;
  std::size_t max = 1;
  Millis wait{0};
};

class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  using Done = std::function<void(Result<std::vector<nats::Message>>)>;
  // Runs the work later, on a thread that may block.
  using Executor = std::function<void(std::function<void()>)>;

  // Errors of `done`: conflict / consumer_refused (not a pull consumer, deleted meanwhile, too many
  // waiting); of Connection::publish.
  static std::shared_ptr<Fetch> start(std::shared_ptr<nats::Connection> connection,
                                      FetchRequest request, Executor executor, Done done);
  void finish();

 private:
  Fetch(std::shared_ptr<nats::Connection> connection, FetchRequest request, Executor executor,
        Done done);
  void begin();
  Result<void> ask(std::size_t batch, Millis wait);
  void heard(nats::Message message);
  void heard_status(const nats::Message& message);
  void end(Result<void> how);

  const std::shared_ptr<nats::Connection> connection_;
  const FetchRequest request_;
  const Executor executor_;
  const std::string inbox_;
  std::mutex mutex_;
  std::shared_ptr<Fetch> self_;                       // guarded by mutex_; until it ends
  Done done_;                                         // guarded by mutex_; empty once it ended
  bool waiting_ = false;                              // guarded by mutex_
  std::vector<nats::Message> messages_;               // guarded by mutex_
  std::unique_ptr<nats::Subscription> subscription_;  // guarded by mutex_
};

}  // namespace weir::streams
