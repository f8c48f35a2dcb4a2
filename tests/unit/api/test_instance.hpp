// A replica without a log for tests of the API: operations are applied at once, in the order of the
// calls, by the real state machines on an in-memory database. It can lose NATS, hold its replies
// back, and stop.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "pkg/replica/instance.hpp"

namespace weir::api {

class TestInstance final : public replica::Instance, private replica::Outbound {
 public:
  TestInstance(const Clock& clock, std::vector<replica::StateMachine*> machines);

  Result<void> start() override { return {}; }
  void stop() override {}
  void propose(replica::Operation operation, replica::ReplyHandler done) override;
  Result<replica::Revision> read(
      const std::function<Result<void>(sqlite::Database&)>& body) override;
  void when_applied(replica::Revision revision, MonoTime deadline,
                    std::function<void(Result<void>)> done) override;
  void open_waiter(const std::string& id, std::function<void(std::string)> deliver) override;
  void close_waiter(const std::string& id) override;
  void set_orphan_handler(std::function<void(std::string)> handler) override;
  std::shared_ptr<void> watch(const std::string& key, std::function<void()> changed) override;
  std::shared_ptr<void> listen(std::function<void(const replica::EventBatch&)> heard) override;
  const std::string& node_id() const override { return node_; }
  replica::Health health() const override;
  replica::Totals totals() const override;

  // --- what tests do to it ---
  void set_connected(bool connected);
  void set_problem(std::string problem);
  void set_catching_up(bool catching_up);
  void hold_replies();     // replies, deliveries and touches wait ...
  void release_replies();  // ... until now
  void deliver_to(const std::string& waiter, const std::string& json);
  std::vector<std::string> proposed() const;  // names of all operations so far
  std::string proposed_text() const;          // bodies of all operations so far
  std::size_t open_waiters() const;
  std::size_t watches() const;

 private:
  using Callbacks = std::vector<std::function<void()>>;

  void deliver(std::string_view node, std::string_view waiter, std::string json) override;
  void touch(std::string_view key) override;
  bool anyone_watches() const override { return true; }
  void publish(std::string json) override;
  bool anyone_listens() const override { return !listeners_.empty(); }
  Result<std::string> apply(const replica::Operation& operation);
  void record(const replica::Operation& operation, const Result<std::string>& answer,
              replica::ApplyContext& context);
  void run(Callbacks callbacks);
  Callbacks after_commit();

  const Clock& clock_;
  const std::vector<replica::StateMachine*> machines_;
  const std::string node_ = "node-a";
  mutable std::recursive_mutex mutex_;
  std::unique_ptr<sqlite::Database> db_;
  std::function<void(std::string)> orphan_;
  std::map<std::string, std::function<void(std::string)>> waiters_;
  std::map<std::uint64_t, std::pair<std::string, std::function<void()>>> watches_;
  std::uint64_t last_watch_ = 0;
  std::map<std::uint64_t, std::function<void(const replica::EventBatch&)>> listeners_;
  std::vector<replica::Publication> published_;                  // of the entry being applied
  std::vector<std::pair<std::string, std::string>> deliveries_;  // of the entry being applied
  std::set<std::string> touched_;
  std::vector<std::string> proposed_;
  std::string proposed_text_;
  replica::Health health_;
  replica::Totals totals_;
  bool holding_ = false;
  Callbacks held_;
};

}  // namespace weir::api
