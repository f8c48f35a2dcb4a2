// Instances on a real nats-server: two that converge, a server killed under load, a restart, a
// store that was wiped.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include "pkg/replica/jetstream_effects.hpp"
#include "pkg/replica/jetstream_log.hpp"
#include "pkg/replica/jetstream_snapshots.hpp"
#include "pkg/replica/kv_lease_store.hpp"
#include "pkg/replica/local_instance.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/registers_machine.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace weir::replica {
namespace {

using namespace std::chrono_literals;
using test::add_operation;
using test::wait_until;

// A coordinator's replica with connections of its own.
class Node {
 public:
  explicit Node(std::string url) : url_(std::move(url)) {}
  ~Node() { stop(); }

  Result<void> start() {
    nats::ConnectOptions connect;
    connect.urls = {url_};
    WEIR_ASSIGN(entries_, nats::Connection::open(connect));
    WEIR_ASSIGN(rest_, nats::Connection::open(connect));
    if (!entries_->wait_connected(20s) || !rest_->wait_connected(20s)) {
      return Error{Code::unavailable, "nats_unavailable", "not connected", ""};
    }
    WEIR_ASSIGN(log_, JetStreamLog::make({}, entries_, rest_));
    leases_ = std::make_unique<KvLeaseStore>(nats::JetStream(rest_), "jobs-0", 1);
    nats::StreamConfig stream;
    stream.name = "TOY_EFFECTS";
    stream.subjects = {"toy.effects"};
    WEIR_ASSIGN(effects_, JetStreamEffects::make(rest_, {stream}));
    machine_ = std::make_unique<test::RegistersMachine>();
    InstanceOptions options{.data_dir = dir_.file("data")};
    options.leader.observe = 100ms;
    options.start_wait = 20s;
    options.snapshots.log_bytes = 0;  // only when a test asks
    options.digests = {.entries = 20, .every = 500ms, .rows = 200};
    snapshots_ =
        std::make_unique<JetStreamSnapshots>(JetStreamSnapshotOptions{.chunk_bytes = 1'000}, rest_);
    WEIR_ASSIGN(
        instance_,
        make_instance(
            options,
            {*log_, *leases_, *effects_, {machine_.get()}, clock_, random_, snapshots_.get()}));
    return instance_->start();
  }
  void stop() {
    if (instance_) instance_->stop();
    instance_.reset();
    snapshots_.reset();
    effects_.reset();
    leases_.reset();
    log_.reset();
    entries_.reset();
    rest_.reset();
  }

  // By hand, behind its back.
  void alter(const std::string& sql) {
    auto db = sqlite::Database::open({.path = database()});
    ASSERT_TRUE(db);
    ASSERT_TRUE((*db)->transaction([&]() -> Result<void> {
      (*db)->execute(sql);
      return {};
    }));
  }
  void remove_database() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database() + suffix);
  }
  std::string database() const { return dir_.file("data/jobs-0.db"); }

  Instance& operator*() { return *instance_; }
  Instance* operator->() { return instance_.get(); }
  nats::JetStream jetstream() { return nats::JetStream(rest_); }

  Result<Reply> ask(Operation operation) {
    auto answer = std::make_shared<std::promise<Result<Reply>>>();
    instance_->propose(std::move(operation),
                       [answer](Result<Reply> reply) { answer->set_value(std::move(reply)); });
    return answer->get_future().get();
  }
  // Asks until it is answered; only for operations that may be repeated.
  bool ask_until_done(const Operation& operation) {
    return wait_until([&] { return ask(operation).has_value(); }, 60s);
  }

  std::map<std::string, std::int64_t> values() {
    std::map<std::string, std::int64_t> out;
    EXPECT_TRUE(instance_->read([&](sqlite::Database& db) -> Result<void> {
      auto rows = db.prepare("SELECT key,value FROM toy_values");
      while (rows.step()) out[std::string(rows.text(0))] = rows.int64(1);
      return {};
    }));
    return out;
  }

 private:
  const std::string url_;
  test::TempDir dir_;
  SystemClock clock_;
  SystemRandom random_;
  std::shared_ptr<nats::Connection> entries_;
  std::shared_ptr<nats::Connection> rest_;
  std::unique_ptr<JetStreamLog> log_;
  std::unique_ptr<KvLeaseStore> leases_;
  std::unique_ptr<JetStreamEffects> effects_;
  std::unique_ptr<JetStreamSnapshots> snapshots_;
  std::unique_ptr<test::RegistersMachine> machine_;
  std::unique_ptr<Instance> instance_;
};

class ReplicaOnNats : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { server_.start(); }
  test::NatsServer server_{GetParam()};
};

TEST_P(ReplicaOnNats, TwoInstancesOnOneLogConverge) {
  Node a(server_.url());
  Node b(server_.url());
  ASSERT_TRUE(a.start());
  ASSERT_TRUE(b.start());
  constexpr int kEach = 300;
  const auto drive = [](Node& node, const std::string& own) {
    for (int i = 0; i < kEach; ++i) {
      ASSERT_TRUE(node.ask(add_operation("shared", 1)));
      ASSERT_TRUE(node.ask(add_operation(own, 1)));
    }
  };
  std::thread other([&] { drive(b, "b"); });
  drive(a, "a");
  other.join();
  const std::map<std::string, std::int64_t> expected{
      {"a", kEach}, {"b", kEach}, {"shared", 2 * kEach}};
  EXPECT_TRUE(wait_until([&] { return a.values() == expected && b.values() == expected; }));
  EXPECT_EQ(a->health().log_last, b->health().log_last);
}

TEST_P(ReplicaOnNats, EffectsArePublishedOnceByTheLeader) {
  Node a(server_.url());
  ASSERT_TRUE(a.start());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(a.ask(add_operation("a", 1, R"(,"effect":true)")));
  }
  ASSERT_TRUE(wait_until([&] { return a->health().effects_waiting == 0; }));
  const auto info = a.jetstream().stream_info("TOY_EFFECTS");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->messages, 20U);
  EXPECT_EQ(a.jetstream().message("TOY_EFFECTS", 20)->data, "20");
}

TEST_P(ReplicaOnNats, AServerKilledUnderLoadLosesAndDoublesNothing) {
  Node a(server_.url());
  ASSERT_TRUE(a.start());
  std::atomic<bool> stop{false};
  std::atomic<int> accepted{0};
  std::atomic<int> unknown{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 3; ++t) {
    clients.emplace_back([&] {
      while (!stop.load()) {
        const auto reply = a.ask(add_operation("a", 1));
        if (reply) {
          ++accepted;
        } else if (reply.error().code == Code::deadline_exceeded) {
          ++unknown;
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  for (int round = 0; round < 3; ++round) {
    const int before = accepted.load();
    EXPECT_TRUE(wait_until([&] { return accepted.load() > before + 100; }, 60s));
    server_.kill();
    EXPECT_TRUE(wait_until([&] { return !a->health().log_connected; }));
    EXPECT_EQ(a.ask(add_operation("a", 1)).error().reason, "nats_unavailable");
    server_.start();
  }
  const int before = accepted.load();
  EXPECT_TRUE(wait_until([&] { return accepted.load() > before + 100; }, 60s));
  stop = true;
  for (auto& client : clients) client.join();
  const auto value = a.values()["a"];
  EXPECT_GE(value, accepted.load());
  EXPECT_LE(value, accepted.load() + unknown.load());
  EXPECT_TRUE(a->health().problem.empty()) << a->health().problem;
}

TEST_P(ReplicaOnNats, ARestartGoesOnWhereItWas) {
  Node a(server_.url());
  ASSERT_TRUE(a.start());
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(a.ask(add_operation("a", 1)));
  const auto applied = a->health().applied;
  a.stop();
  server_.kill();
  server_.start();
  ASSERT_TRUE(a.start());
  EXPECT_EQ(a->health().applied, applied);
  EXPECT_EQ(a->totals().entries_applied, 0U);
  EXPECT_EQ(a.ask(add_operation("a", 1))->json, "51");
}

TEST_P(ReplicaOnNats, AWipedStoreIsRefusedNotFollowed) {
  Node a(server_.url());
  Node b(server_.url());
  ASSERT_TRUE(a.start());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(a.ask(add_operation("a", 1)));
  // Under a running replica ...
  server_.kill();
  server_.wipe();
  server_.start();
  EXPECT_TRUE(wait_until([&] { return a->health().problem.find("log_") != std::string::npos; }));
  EXPECT_EQ(a.ask(add_operation("a", 1)).error().reason, "replica_stopped");
  a.stop();
  // ... and at start, before and after somebody else made a new log.
  const auto missing = a.start();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "log_missing");
  a.stop();
  ASSERT_TRUE(b.start());
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(b.ask(add_operation("a", 1)));
  const auto replaced = a.start();
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().reason, "log_replaced");
}

// The store as it was some entries ago, as after lost power: under a running replica, and at start.
TEST_P(ReplicaOnNats, ALogThatLostItsEndGetsItBack) {
  Node a(server_.url());
  ASSERT_TRUE(a.start());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(a.ask(add_operation("a", 1)));
  server_.stop();
  server_.save_store();
  server_.start();
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(a.ask_until_done(add_operation("a" + std::to_string(i), 1)));
  const auto full = a->health().applied;
  server_.kill();
  server_.go_back_to_saved_store();
  server_.start();
  ASSERT_TRUE(a.ask_until_done(add_operation("after", 1)));
  EXPECT_GE(a->totals().entries_healed, 30U);
  EXPECT_GT(a->health().applied, full);

  a.stop();
  server_.kill();
  server_.go_back_to_saved_store();
  server_.start();
  const auto again = a.start();
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_GE(a->totals().entries_healed, 31U);
  Node b(server_.url());
  ASSERT_TRUE(b.start());
  EXPECT_TRUE(wait_until([&] { return b.values() == a.values(); }));
  EXPECT_EQ(b.values()["a"], 20);
  EXPECT_EQ(b.values()["a29"], 1);
  EXPECT_EQ(b.values()["after"], 1);
  EXPECT_EQ(b->health().applied_time, a->health().applied_time) << "entries keep their times";
}

// The newest entries cut off in their file, the last one in its middle, as lost power leaves it.
TEST_P(ReplicaOnNats, ALogCutInItsFileGetsItsEndBack) {
  Node a(server_.url());
  ASSERT_TRUE(a.start());
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(a.ask_until_done(add_operation("a" + std::to_string(i), 1)));
  a.stop();
  server_.kill();
  server_.cut_newest_block("JOBS", 2'000);
  server_.start();
  const auto again = a.start();
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_GT(a->totals().entries_healed, 2U);
  ASSERT_TRUE(a.ask_until_done(add_operation("after", 1)));
  Node b(server_.url());
  ASSERT_TRUE(b.start());
  EXPECT_TRUE(wait_until([&] { return b.values() == a.values(); }));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(b.values()["a" + std::to_string(i)], 1);
}

TEST_P(ReplicaOnNats, AnAlteredStateIsFound) {
  Node a(server_.url());
  Node b(server_.url());
  Node c(server_.url());
  for (Node* node : {&a, &b, &c}) ASSERT_TRUE(node->start());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(b.ask(add_operation("k" + std::to_string(i), 1)));
  ASSERT_TRUE(a->snapshots()->take());
  ASSERT_TRUE(wait_until([&] { return a->health().digest.checkpoint > 50; }));
  b.alter("UPDATE toy_values SET value=2 WHERE key='k50'");
  ASSERT_TRUE(wait_until([&] {
    (void)a.ask(add_operation("a", 1));
    return b->health().digest.diverged;
  }));
  EXPECT_NE(b->health().problem.find("state_diverged"), std::string::npos);
  EXPECT_EQ(b.ask(add_operation("b", 1)).error().reason, "replica_stopped");
  EXPECT_EQ(a->health().digest.differing, b->node_id());
  EXPECT_TRUE(wait_until([&] { return c->health().digest.differing == b->node_id(); }));
  b.stop();
  b.remove_database();
  ASSERT_TRUE(b.start());
  EXPECT_TRUE(wait_until([&] { return b.values() == a.values(); }));
  EXPECT_EQ(b.values()["k50"], 1);
  ASSERT_TRUE(wait_until([&] {
    (void)a.ask(add_operation("a", 1));
    return a->health().digest.differing.empty();
  }));
  EXPECT_TRUE(b->health().problem.empty()) << b->health().problem;
}

TEST_P(ReplicaOnNats, AnotherNodeTakesOver) {
  Node a(server_.url());
  Node b(server_.url());
  ASSERT_TRUE(a.start());
  ASSERT_TRUE(wait_until([&] { return a->health().role == Role::leader; }));
  ASSERT_TRUE(b.start());
  EXPECT_EQ(b->health().role, Role::follower);
  a.stop();
  EXPECT_TRUE(wait_until([&] { return b->health().role == Role::leader; }));
  ASSERT_TRUE(b.ask(add_operation("b", 1, R"(,"effect":true)")));
  EXPECT_TRUE(wait_until([&] { return b->health().effects_waiting == 0; }));
}

TEST_P(ReplicaOnNats, ATruncatedLogAndItsSnapshotsMakeANewNode) {
  Node a(server_.url());
  ASSERT_TRUE(a.start());
  std::string first;
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(a.ask(add_operation("k" + std::to_string(round * 1'000 + i), round)));
    }
    const auto taken = a->snapshots()->take();
    ASSERT_TRUE(taken) << describe(taken.error());
    EXPECT_GT(taken->bytes, 1'000U) << "more than one chunk";
    if (round == 1) first = taken->id;
  }
  const auto log = a.jetstream().stream_info("JOBS");
  ASSERT_TRUE(log);
  const auto known = a->snapshots()->list();
  ASSERT_TRUE(known) << describe(known.error());
  ASSERT_EQ(known->size(), 2U);
  EXPECT_EQ(log->first_sequence, known->at(1).revision + 1);
  EXPECT_EQ(a->snapshots()->verify(first).error().reason, "snapshot_not_found");
  EXPECT_TRUE(a->snapshots()->verify(known->at(0).id));
  EXPECT_TRUE(a->snapshots()->verify(known->at(1).id));
  ASSERT_TRUE(a.ask(add_operation("after", 7)));

  Node b(server_.url());
  ASSERT_TRUE(b.start());
  EXPECT_TRUE(wait_until([&] { return b.values() == a.values(); }));
  EXPECT_EQ(b.values()["after"], 7);
  EXPECT_LT(b->totals().entries_applied, 50U);

  server_.kill();
  server_.start();
  Node c(server_.url());
  ASSERT_TRUE(c.start()) << "snapshots survive the server";
  EXPECT_TRUE(wait_until([&] { return c.values() == a.values(); }));
}

INSTANTIATE_TEST_SUITE_P(Versions, ReplicaOnNats, testing::ValuesIn(test::nats_server_programs()),
                         test::version_name);

}  // namespace
}  // namespace weir::replica
