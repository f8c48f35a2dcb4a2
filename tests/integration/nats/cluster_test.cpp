// Three servers: who chooses nothing gets three replicas, and they outlive the leader.
#include "tests/integration/nats/link.hpp"

#include <future>

#include "pkg/nats/publisher.hpp"
#include "tests/support/nats_cluster.hpp"

namespace weir::nats {
namespace {

class OnACluster : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    cluster_.start();
    ConnectOptions options;
    for (std::size_t node = 0; node < test::NatsCluster::kNodes; ++node) {
      options.urls.push_back(cluster_.url(node));
    }
    connection_ = connect(options);
    ASSERT_TRUE(connection_->wait_connected(20s)) << connection_->last_problem();
  }
  JetStream jetstream() const { return JetStream(connection_, 5s); }
  // Which node leads the stream: its servers are called n1, n2 and n3.
  std::optional<std::size_t> leader() const {
    const auto info = jetstream().call("STREAM.INFO.S", "");
    if (!info) return std::nullopt;
    const auto name = json::View(*info).find("cluster").find("leader").as_string().value_or("");
    if (name.size() != 2) return std::nullopt;
    return static_cast<std::size_t>(name.back() - '1');
  }

  test::NatsCluster cluster_{GetParam()};
  std::shared_ptr<Connection> connection_;
};

// The same id until it is acknowledged, as the proposer does it.
Result<PublishAck> publish_until_stored(Publisher& publisher, const std::string& id) {
  Result<PublishAck> last = Error{Code::internal, "not_tried", "", ""};
  const bool stored = wait_until(
      [&] {
        std::promise<Result<PublishAck>> answer;
        publisher.publish("s", id, "data of " + id, SystemClock().mono() + Millis(2s),
                          [&](Result<PublishAck> ack) { answer.set_value(std::move(ack)); });
        last = answer.get_future().get();
        return last.has_value();
      },
      60s);
  EXPECT_TRUE(stored) << describe(last.error());
  return last;
}

TEST_P(OnACluster, AStreamHasThreeReplicasAndOutlivesItsLeader) {
  Result<StreamInfo> made = Error{Code::internal, "not_tried", "", ""};
  ASSERT_TRUE(wait_until([&] {
    made =
        jetstream().ensure_stream({.name = "S", .subjects = {"s"}, .replicas = kAutomaticReplicas});
    return made.has_value();
  })) << describe(made.error());
  EXPECT_EQ(made->replicas, 3);

  auto publisher = Publisher::make(connection_);
  ASSERT_TRUE(publisher);
  std::uint64_t stored = 0;
  constexpr std::uint64_t kMessages = 300;
  for (std::uint64_t i = 1; i <= kMessages; ++i) {
    if (i == kMessages / 2) {
      std::optional<std::size_t> leads;
      ASSERT_TRUE(wait_until([&] { return (leads = leader()).has_value(); }));
      cluster_.kill_node(*leads);
    }
    const auto ack = publish_until_stored(**publisher, std::to_string(i));
    if (ack) ++stored;
  }
  EXPECT_EQ(stored, kMessages);
  Result<StreamInfo> info = Error{Code::internal, "not_tried", "", ""};
  EXPECT_TRUE(wait_until([&] {
    info = jetstream().stream_info("S");
    return info.has_value();
  }));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->messages, kMessages) << "each once";
}

WEIR_ON_EVERY_SERVER(OnACluster);

}  // namespace
}  // namespace weir::nats
