// The probe against a connection that answers, refuses or hangs on command.
#include "api/admin/nats_probe.hpp"

#include <gtest/gtest.h>

namespace weir::api {
namespace {

constexpr const char* kStreams = R"({"type":"io.nats.jetstream.api.v1.stream_list_response",
 "total":3,"offset":0,"limit":256,"streams":[
 {"config":{"name":"KV_weir-leader","subjects":["$KV.weir-leader.>"],"num_replicas":1},
  "created":"2026-11-21T10:00:00Z","state":{"messages":7,"bytes":70,"first_seq":1,"last_seq":7,
  "consumer_count":0,"num_subjects":2}},
 {"config":{"name":"JOBS_DLQ","subjects":["weir.dlq.>"],"num_replicas":1},
  "created":"2026-11-21T10:00:00Z","state":{"messages":0,"bytes":0,"first_seq":0,"last_seq":0,
  "consumer_count":0}},
 {"config":{"name":"JOBS","subjects":["weir.log.jobs.0"],"num_replicas":1},
  "created":"2026-11-21T10:00:00Z","state":{"messages":42,"bytes":1024,"first_seq":1,
  "last_seq":42,"consumer_count":1,"num_subjects":1}}]})";

// A cluster of 2.10 or later, whose clock is far ahead: one of three replicas is offline, one
// behind.
constexpr const char* kCluster = R"({"total":1,"offset":0,"limit":256,"streams":[
 {"config":{"name":"JOBS","num_replicas":3,"discard":"old","max_bytes":1000,"max_msgs":-1,
  "max_age":5000000000},"state":{"messages":0},"ts":"2999-01-01T00:00:00.123456789Z",
  "cluster":{"name":"C","leader":"n1","replicas":[{"name":"n2","current":true,"offline":true},
  {"name":"n3","current":false}]}}]})";

enum class Mood { answers, refuses, hangs };

class FakeConnection final : public nats::Connection {
 public:
  ~FakeConnection() override { set(Mood::refuses); }

  void set(Mood mood) {
    const std::lock_guard lock(mutex_);
    mood_ = mood;
    changed_.notify_all();
  }

  Result<nats::Message> request(std::string_view, std::string_view, Millis,
                                const nats::Headers&) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return mood_ != Mood::hangs; });
    if (mood_ == Mood::refuses) {
      return Error{Code::unavailable, "nats_unavailable", "NATS is not reachable", why_};
    }
    nats::Message answer;
    answer.data = streams_;
    return answer;
  }

  void refuse_because(std::string why) {
    const std::lock_guard lock(mutex_);
    why_ = std::move(why);
  }
  void say(std::string streams) {
    const std::lock_guard lock(mutex_);
    streams_ = std::move(streams);
  }

  nats::State state() const override { return nats::State::connected; }
  bool wait_connected(Millis) const override { return true; }
  std::string last_problem() const override { return ""; }
  std::string url() const override { return "nats://localhost:4222"; }
  std::string server_version() const override { return "2.10.27"; }
  std::size_t max_payload() const override { return 1 << 20; }
  std::uint64_t reconnects() const override { return 0; }
  std::shared_ptr<void> on_state(std::function<void(nats::State)>) override { return nullptr; }
  Result<void> publish(std::string_view, std::string_view, std::string_view,
                       const nats::Headers&) override {
    return {};
  }
  Result<std::unique_ptr<nats::Subscription>> subscribe_queue(std::string_view, std::string_view,
                                                              nats::MessageHandler) override {
    return std::unique_ptr<nats::Subscription>();
  }
  Result<std::unique_ptr<nats::Subscription>> subscribe(std::string_view,
                                                        nats::MessageHandler) override {
    return std::unique_ptr<nats::Subscription>();
  }
  std::string new_inbox() override { return "_INBOX.test"; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Mood mood_ = Mood::answers;
  std::string streams_ = kStreams;
  std::string why_;
};

class NatsProbeTest : public testing::Test {
 protected:
  void TearDown() override {
    connection_->set(Mood::refuses);
    probe_.stop();
  }

  SystemClock clock_;
  std::shared_ptr<FakeConnection> connection_ = std::make_shared<FakeConnection>();
  NatsProbe probe_{connection_, clock_};
};

TEST_F(NatsProbeTest, TellsStreamsAndBucketsApart) {
  ASSERT_TRUE(probe_.start());
  const auto facts = probe_.refresh(std::chrono::seconds(20));
  ASSERT_TRUE(facts.fresh) << facts.problem;
  EXPECT_EQ(facts.nats_url, "nats://localhost:4222");
  EXPECT_EQ(facts.nats_version, "2.10.27");
  ASSERT_EQ(facts.streams.size(), 2U);
  EXPECT_EQ(facts.streams[0].name, "JOBS");
  EXPECT_EQ(facts.streams[0].messages, 42U);
  EXPECT_EQ(facts.streams[0].bytes, 1024U);
  EXPECT_EQ(facts.streams[0].consumers, 1U);
  ASSERT_EQ(facts.kv_buckets.size(), 1U);
  EXPECT_EQ(facts.kv_buckets[0].name, "weir-leader");
  EXPECT_EQ(facts.kv_buckets[0].keys, 2U);
  EXPECT_EQ(facts.kv_buckets[0].bytes, 70U);
}

TEST_F(NatsProbeTest, TellsReplicasLimitsAndClock) {
  ASSERT_TRUE(probe_.start());
  auto facts = probe_.refresh(std::chrono::seconds(20));
  EXPECT_FALSE(facts.clustered);
  EXPECT_FALSE(facts.clock_skew) << "2.9 does not tell its time";
  EXPECT_FALSE(facts.sync_always);
  EXPECT_EQ(facts.streams[0].max_bytes, -1);

  connection_->say(kCluster);
  facts = probe_.refresh(std::chrono::seconds(20));
  EXPECT_TRUE(facts.clustered);
  ASSERT_TRUE(facts.clock_skew);
  EXPECT_GT(*facts.clock_skew, std::chrono::hours(24));
  ASSERT_EQ(facts.streams.size(), 1U);
  EXPECT_EQ(facts.streams[0].replicas, 3);
  EXPECT_EQ(facts.streams[0].replicas_current, 1);
  EXPECT_EQ(facts.streams[0].discard, "old");
  EXPECT_EQ(facts.streams[0].max_bytes, 1'000);
  EXPECT_EQ(facts.streams[0].max_messages, -1);
  EXPECT_EQ(facts.streams[0].max_age, std::chrono::seconds(5));
}

TEST_F(NatsProbeTest, ARefusalSaysWhy) {
  ASSERT_TRUE(probe_.start());
  connection_->refuse_because("Authorization Violation");
  connection_->set(Mood::refuses);
  const auto facts = probe_.refresh(std::chrono::seconds(20));
  EXPECT_EQ(facts.problem, "NATS is not reachable: Authorization Violation");
}

TEST_F(NatsProbeTest, AServerThatHangsCostsOnlyTheBound) {
  ASSERT_TRUE(probe_.start());
  ASSERT_TRUE(probe_.refresh(std::chrono::seconds(20)).fresh);
  connection_->set(Mood::hangs);
  const auto before = clock_.mono();
  const auto facts = probe_.refresh(Millis{50});
  EXPECT_LT(clock_.mono() - before, std::chrono::seconds(5));
  EXPECT_FALSE(facts.fresh);
  EXPECT_FALSE(facts.problem.empty());
  EXPECT_EQ(facts.streams.size(), 2U);  // the last known values
  connection_->set(Mood::answers);
  EXPECT_TRUE(probe_.refresh(std::chrono::seconds(20)).fresh);
}

TEST_F(NatsProbeTest, ARefusalIsToldAndKeepsWhatWasKnown) {
  ASSERT_TRUE(probe_.start());
  ASSERT_TRUE(probe_.refresh(std::chrono::seconds(20)).fresh);
  connection_->set(Mood::refuses);
  const auto facts = probe_.refresh(std::chrono::seconds(20));
  EXPECT_FALSE(facts.fresh);
  EXPECT_EQ(facts.problem, "NATS is not reachable");
  EXPECT_EQ(facts.streams.size(), 2U);
  EXPECT_EQ(facts.taken_at, probe_.last_known().taken_at);
}

TEST_F(NatsProbeTest, StopsTwiceAndAnswersAfterwards) {
  EXPECT_FALSE(probe_.refresh(Millis{0}).fresh);
  ASSERT_TRUE(probe_.start());
  ASSERT_TRUE(probe_.start());
  probe_.stop();
  probe_.stop();
  EXPECT_FALSE(probe_.refresh(std::chrono::seconds(20)).fresh);
}

}  // namespace
}  // namespace weir::api
