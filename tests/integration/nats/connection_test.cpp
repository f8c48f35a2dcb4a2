// A connection that never gives up: through a killed server, a silent one, one that comes late.
#include "tests/integration/nats/link.hpp"

#include <atomic>
#include <mutex>

namespace weir::nats {
namespace {

using testing::ElementsAre;

class ConnectionTest : public OnEveryServer {};

TEST_P(ConnectionTest, KnowsTheServer) {
  start();
  const auto connection = connected();
  EXPECT_EQ(connection->url(), server_->url());
  EXPECT_EQ(connection->max_payload(), 1U << 20U);
  const auto version = test::nats_server_version(GetParam());
  EXPECT_TRUE(wait_until([&] { return !connection->server_version().empty(); }));
  EXPECT_EQ(connection->server_version(), std::to_string(version[0]) + "." +
                                              std::to_string(version[1]) + "." +
                                              std::to_string(version[2]));
}

TEST_P(ConnectionTest, SurvivesAKilledServer) {
  start();
  const auto connection = connected();
  std::mutex mutex;
  std::vector<State> seen;
  const auto listener = connection->on_state([&](State state) {
    const std::lock_guard lock(mutex);
    seen.push_back(state);
  });
  std::atomic<int> heard{0};
  auto subscription = connection->subscribe("greetings", [&](const Message&) { ++heard; });
  ASSERT_TRUE(subscription);

  server_->kill();
  ASSERT_TRUE(wait_until([&] { return !connection->connected(); }));
  EXPECT_FALSE(connection->last_problem().empty());
  const auto lost = connection->publish("greetings", "", "while it is down");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().reason, "nats_unavailable");

  server_->start();
  ASSERT_TRUE(connection->wait_connected(20s));
  ASSERT_TRUE(wait_until([&] {
    (void)connection->publish("greetings", "", "again");
    return heard > 0;
  }));
  EXPECT_GE(connection->reconnects(), 1U);
  EXPECT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex);
    return seen.size() > 1;
  })) << "who listens is told a moment later";
  const std::lock_guard lock(mutex);
  EXPECT_THAT(seen, ElementsAre(State::disconnected, State::connected));
}

// Its connections stay open and nothing answers: only pings can tell.
TEST_P(ConnectionTest, NoticesASilentServer) {
  start();
  auto impatient = options();
  impatient.ping_interval = 200ms;
  const auto connection = connect(impatient);
  ASSERT_TRUE(connection->wait_connected(20s));
  server_->suspend();
  EXPECT_TRUE(wait_until([&] { return !connection->connected(); }));
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_FALSE(connection->request("x", "", 500ms));
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 5s);
  server_->resume();
  EXPECT_TRUE(connection->wait_connected(20s));
}

TEST_P(ConnectionTest, WaitsForAServerThatComesLate) {
  start();
  server_->stop();
  const auto connection = connect(options());
  EXPECT_FALSE(connection->wait_connected(500ms));
  EXPECT_FALSE(connection->last_problem().empty());
  server_->start();
  EXPECT_TRUE(connection->wait_connected(20s));
}

TEST_P(ConnectionTest, AnswersCarryTheirHeaders) {
  start();
  const auto connection = connected();
  const auto responder = connection->subscribe("ask", [&](const Message& message) {
    (void)connection->publish(message.reply, "", "you said " + message.data, message.headers);
  });
  ASSERT_TRUE(responder);
  const auto answer = connection->request("ask", "hello", 5s, {{"Trace", "17"}});
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->data, "you said hello");
  EXPECT_EQ(answer->headers, (Headers{{"Trace", "17"}}));
  const auto nobody = connection->request("nobody.listens", "", 5s);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().reason, "no_responders");
}

TEST_P(ConnectionTest, RefusesWhatTheServerWouldNotTake) {
  start("max_payload: 1000");
  const auto connection = connected();
  EXPECT_EQ(connection->max_payload(), 1'000U);
  EXPECT_TRUE(connection->publish("x", "", std::string(1'000, 'x')));
  const auto refused = connection->publish("x", "", std::string(1'001, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "message_too_large");
  EXPECT_TRUE(connection->connected());
}

TEST_P(ConnectionTest, AMessageWithoutASubjectIsRefused) {
  start();
  const auto connection = connected();
  const auto refused = connection->publish("", "", "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid) << "no retry would help";
  EXPECT_EQ(refused.error().reason, "nats_message");
}

TEST_P(ConnectionTest, NothingArrivesAfterASubscriptionEnded) {
  start();
  const auto connection = connected();
  auto flag = std::make_shared<std::atomic<bool>>(false);
  auto ended = connection->subscribe("x", [flag](const Message&) { *flag = true; });
  ASSERT_TRUE(ended);
  ended->reset();
  EXPECT_EQ(flag.use_count(), 1) << "what the handler held is free";
  std::atomic<int> heard{0};
  const auto other = connection->subscribe("x", [&](const Message&) { ++heard; });
  ASSERT_TRUE(other);
  ASSERT_TRUE(connection->publish("x", "", ""));
  EXPECT_TRUE(wait_until([&] { return heard == 1; }));
  EXPECT_FALSE(*flag);
}

WEIR_ON_EVERY_SERVER(ConnectionTest);

}  // namespace
}  // namespace weir::nats
