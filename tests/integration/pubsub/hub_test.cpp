// The hub on real servers: two coordinators and other NATS clients see the same messages.
#include "pkg/pubsub/hub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "pkg/json/view.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"

namespace weir::pubsub {
namespace {

using test::wait_until;
using testing::ElementsAre;

class Inbox final : public Subscriber {
 public:
  Taken take(const Delivery& delivery) override {
    const std::lock_guard lock(mutex_);
    frames_.push_back(*delivery.frame);
    return Taken::yes;
  }
  std::vector<std::string> frames() const {
    const std::lock_guard lock(mutex_);
    return frames_;
  }
  std::vector<std::string> messages() const {
    std::vector<std::string> out;
    for (const auto& frame : frames()) out.emplace_back(json::View(frame).find("message").raw());
    return out;
  }
  std::size_t size() const { return frames().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> frames_;
};

class HubTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    server_ = std::make_unique<test::NatsServer>(GetParam());
    server_->start();
    hub_ = make_hub();
  }
  std::shared_ptr<nats::Connection> connect() const {
    nats::ConnectOptions options;
    options.urls = {server_->url()};
    auto connection = nats::Connection::open(options);
    EXPECT_TRUE(connection);
    EXPECT_TRUE((*connection)->wait_connected(Millis{10'000}));
    return *connection;
  }
  std::unique_ptr<Hub> make_hub() {
    auto hub = std::make_unique<Hub>(connect(), clock_, random_);
    EXPECT_TRUE(hub->start());
    EXPECT_TRUE(hub->start()) << "twice is once";
    return hub;
  }
  // Until the hub hears what is published: a subscription is at work a moment after start().
  static void warm(Hub& hub, Hub& publisher) {
    const auto probe = std::make_shared<Inbox>();
    ASSERT_TRUE(hub.subscribe(probe, {"warm.up"}));
    ASSERT_TRUE(wait_until([&] {
      EXPECT_TRUE(publisher.publish({.topic = "warm.up", .message = "1"}));
      return probe->size() > 0;
    }));
    hub.unsubscribe(probe.get(), {});
  }

  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<test::NatsServer> server_;
  std::unique_ptr<Hub> hub_;
};

TEST_P(HubTest, EachSubscriberGetsAMessageOnceInOrder) {
  const auto other = make_hub();
  warm(*hub_, *other);
  const auto plain = std::make_shared<Inbox>();
  const auto several = std::make_shared<Inbox>();
  const auto strange = std::make_shared<Inbox>();
  ASSERT_TRUE(hub_->subscribe(plain, {"a.b"}));
  ASSERT_TRUE(hub_->subscribe(several, {"a.b", "a.*", "a.#"}));
  ASSERT_TRUE(hub_->subscribe(strange, {"a.b.c", "*"}));
  std::vector<std::string> sent;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(std::to_string(i));
    const auto published = other->publish({.topic = "a.b", .message = sent.back()});
    ASSERT_TRUE(published);
    EXPECT_EQ(published->matched, 0U) << "those of the publishing hub are counted";
    EXPECT_EQ(published->id.size(), 36U);
  }
  ASSERT_TRUE(wait_until([&] { return plain->size() == 100 && several->size() == 100; }));
  EXPECT_EQ(plain->messages(), sent);
  EXPECT_EQ(several->messages(), sent);
  EXPECT_EQ(strange->size(), 0U);
  const auto own =
      hub_->publish({.topic = "a.b", .message = R"({"x":1})", .metadata = R"({"from":"me"})"});
  ASSERT_TRUE(own);
  EXPECT_EQ(own->matched, 2U);
  ASSERT_TRUE(wait_until([&] { return plain->size() == 101; }));
  EXPECT_EQ(plain->frames().back(), R"({"type":"message","topic":"a.b","message":{"x":1},)"
                                    R"("message_id":")" +
                                        own->id + R"(","metadata":{"from":"me"}})");
}

TEST_P(HubTest, OtherClientsReadAndWrite) {
  warm(*hub_, *hub_);
  const auto client = connect();
  std::mutex mutex;
  std::vector<nats::Message> read;
  const auto subscription = client->subscribe("weir.pubsub.x.>", [&](nats::Message message) {
    const std::lock_guard lock(mutex);
    read.push_back(std::move(message));
  });
  ASSERT_TRUE(subscription);
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(hub_->publish({.topic = "x.y", .message = R"({"n":1})"}));
    const std::lock_guard lock(mutex);
    return !read.empty();
  }));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(read[0].subject, "weir.pubsub.x.y");
    EXPECT_EQ(read[0].data, R"({"n":1})");
    ASSERT_FALSE(read[0].headers.empty());
    EXPECT_EQ(read[0].headers[0].first, "Weir-Message-Id");
  }
  const auto inbox = std::make_shared<Inbox>();
  ASSERT_TRUE(hub_->subscribe(inbox, {"raw.#"}));
  for (const std::string body : {R"( {"a" : 1} )", "plain text", "\xff\x01", ""})
    ASSERT_TRUE(client->publish("weir.pubsub.raw.z", "", body));
  ASSERT_TRUE(wait_until([&] { return inbox->size() == 4; }));
  EXPECT_THAT(inbox->messages(),
              ElementsAre(R"({"a" : 1})", "\"plain text\"", R"({"base64":"/wE="})", "\"\""));
}

TEST_P(HubTest, HearsAgainAfterTheServerWasAway) {
  warm(*hub_, *hub_);
  const auto inbox = std::make_shared<Inbox>();
  ASSERT_TRUE(hub_->subscribe(inbox, {"a"}));
  server_->kill();
  ASSERT_TRUE(wait_until([&] {
    const auto lost = hub_->publish({.topic = "a", .message = "\"lost\""});
    return !lost && lost.error().code == Code::unavailable;
  }));
  const auto before = inbox->size();
  server_->start();
  ASSERT_TRUE(wait_until([&] {
    (void)hub_->publish({.topic = "a", .message = "\"back\""});
    return inbox->size() > before;
  }));
  EXPECT_EQ(inbox->messages().back(), "\"back\"");
}

TEST_P(HubTest, LeavesAndCounts) {
  warm(*hub_, *hub_);
  const auto inbox = std::make_shared<Inbox>();
  ASSERT_TRUE(hub_->subscribe(inbox, {"a", "b.*", "a"}));
  EXPECT_EQ(hub_->subscribers(), 1U);
  EXPECT_EQ(hub_->unsubscribe(inbox.get(), {"a", "never"}), 1U);
  ASSERT_TRUE(hub_->publish({.topic = "a", .message = "1"}));
  ASSERT_TRUE(hub_->publish({.topic = "b.x", .message = "2"}));
  ASSERT_TRUE(wait_until([&] { return inbox->size() == 1; }));
  EXPECT_THAT(inbox->messages(), ElementsAre("2"));
  EXPECT_EQ(hub_->unsubscribe(inbox.get(), {}), 1U);
  EXPECT_EQ(hub_->subscribers(), 0U);
  EXPECT_EQ(inbox.use_count(), 1) << "nothing of it is kept";
  const auto topics = hub_->topics_json("b.*");
  EXPECT_EQ(json::View(topics).find("total").as_int(), 1) << topics;
  const auto stats = hub_->stats_json();
  EXPECT_EQ(json::View(stats).find("total_topics").as_int(), 3) << stats;
  EXPECT_EQ(json::View(stats).find("connected").as_bool(), true) << stats;
}

TEST_P(HubTest, Refusals) {
  const auto inbox = std::make_shared<Inbox>();
  EXPECT_EQ(hub_->publish({.topic = "a.*", .message = "1"}).error().reason, "invalid_topic");
  EXPECT_EQ(hub_->subscribe(inbox, {"a", "b..c"}).error().reason, "invalid_topic");
  EXPECT_EQ(hub_->subscribers(), 0U) << "all or nothing";
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= kMaxPatterns; ++i) many.push_back("t" + std::to_string(i));
  EXPECT_EQ(hub_->subscribe(inbox, many).error().reason, "too_many_subscriptions");
  EXPECT_EQ(hub_->subscribers(), 0U);
  const std::string big(4U << 20U, 'x');
  EXPECT_EQ(hub_->publish({.topic = "a", .message = "\"" + big + "\""}).error().reason,
            "message_too_large");
}

// Many at once; who replies replies twice, and some get no reply in time.
TEST_P(HubTest, RequestsAreAnsweredOnce) {
  auto replier = connect();
  const auto replies = replier->subscribe("weir.pubsub.sums.*", [&](const nats::Message& message) {
    if (message.subject.ends_with("silent")) return;
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(replier->publish(message.reply, "", message.data));
  });
  ASSERT_TRUE(replies);
  std::mutex mutex;
  std::vector<std::string> answers;
  const auto note = [&](const Result<std::string>& answer) {
    const std::lock_guard lock(mutex);
    answers.push_back(answer ? *answer : answer.error().reason);
  };
  const auto count = [&](const std::string& answer) {
    const std::lock_guard lock(mutex);
    return std::ranges::count(answers, answer);
  };
  auto& requests = hub_->requests();
  ASSERT_TRUE(wait_until([&] {
    EXPECT_TRUE(requests.ask({.topic = "sums.warm", .message = "0"}, note));
    return count(R"({"topic":"sums.warm","message":0})") > 0;
  }));
  std::vector<std::thread> askers;
  for (int i = 0; i < 4; ++i) {
    askers.emplace_back([&] {
      for (int j = 0; j < 50; ++j)
        EXPECT_TRUE(requests.ask({.topic = "sums.a", .message = "7"}, note));
    });
  }
  for (auto& asker : askers) asker.join();
  EXPECT_TRUE(wait_until([&] { return count(R"({"topic":"sums.a","message":7})") == 200; }));

  const auto silent = requests.ask({.topic = "sums.silent", .message = "1"}, note);
  ASSERT_TRUE(silent);
  requests.give_up(*silent);
  requests.give_up(*silent);
  EXPECT_EQ(count("no_reply"), 1);
  EXPECT_EQ(requests.ask({.topic = "sums.*", .message = "1"}, note).error().reason,
            "invalid_topic");
  ASSERT_TRUE(requests.ask({.topic = "sums.silent", .message = "1"}, note));
  hub_->stop();
  EXPECT_GE(count("shutting_down"), 1);
  EXPECT_EQ(requests.ask({.topic = "sums.a", .message = "1"}, note).error().reason,
            "shutting_down");
  EXPECT_EQ(count(R"({"topic":"sums.a","message":7})"), 200) << "each once";
}

INSTANTIATE_TEST_SUITE_P(Servers, HubTest, testing::ValuesIn(test::nats_server_programs()),
                         test::version_name);

}  // namespace
}  // namespace weir::pubsub
