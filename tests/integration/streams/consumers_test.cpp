// Durable consumers against every server.
#include "pkg/streams/consumers.hpp"

#include <future>
#include <thread>

#include "pkg/streams/fetch.hpp"
#include "pkg/streams/service.hpp"
#include "tests/integration/nats/link.hpp"

namespace weir::streams {
namespace {

using namespace std::chrono_literals;
using nats::wait_until;

class ConsumersTest : public nats::OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    service_ = std::make_unique<Service>(connection_);
    consumers_ = std::make_unique<Consumers>(service_->jetstream());
    ASSERT_TRUE(service_->put("s", {.subjects = {"s.>"}}));
  }
  void TearDown() override {
    for (auto& thread : threads_) thread.join();
  }
  void add(const std::string& subject, const std::string& data) {
    ASSERT_TRUE(service_->publish("s", {.subject = subject, .data = data}));
  }
  using Fetched = Result<std::vector<nats::Message>>;
  std::future<Fetched> begin_fetch(const std::string& consumer, std::size_t max, Millis wait) {
    const auto promise = std::make_shared<std::promise<Fetched>>();
    Fetch::start(
        connection_, {.stream = "s", .consumer = consumer, .max = max, .wait = wait},
        [this](std::function<void()> work) {
          const std::lock_guard lock(mutex_);
          threads_.emplace_back(std::move(work));
        },
        [promise](Fetched fetched) { promise->set_value(std::move(fetched)); });
    return promise->get_future();
  }
  std::vector<nats::Message> fetch(const std::string& consumer, std::size_t max = 10,
                                   Millis wait = 0ms) {
    auto future = begin_fetch(consumer, max, wait);
    if (future.wait_for(20s) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    auto fetched = future.get();
    EXPECT_TRUE(fetched) << describe(fetched.error());
    return fetched ? *fetched : std::vector<nats::Message>{};
  }
  static std::string data_of(const std::vector<nats::Message>& messages) {
    std::string out;
    for (const auto& message : messages) out += message.data;
    return out;
  }
  std::shared_ptr<nats::Connection> connection_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Consumers> consumers_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

TEST_P(ConsumersTest, MadeListedAndGone) {
  const auto made = consumers_->put("s", "c", {.filter_subjects = {"s.a"}, .ack_wait = 5s});
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_TRUE(made->created);
  EXPECT_NE(made->json.find(R"("filter_subjects":["s.a"])"), std::string::npos) << made->json;
  EXPECT_NE(made->json.find(R"("ack_wait_ms":5000)"), std::string::npos) << made->json;
  const auto again = consumers_->put("s", "c", {.filter_subjects = {"s.a"}, .ack_wait = 6s});
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_FALSE(again->created);
  EXPECT_NE(consumers_->list("s")->find(R"("name":"c")"), std::string::npos);
  const auto several = consumers_->put("s", "two", {.filter_subjects = {"s.a", "s.b"}});
  if (at_least(2, 10)) {
    ASSERT_TRUE(several) << describe(several.error());
  } else {
    EXPECT_EQ(several.error().reason, "too_old_server");
    EXPECT_EQ(consumers_->get("s", "two").error().reason, "consumer_not_found");
  }
  ASSERT_TRUE(consumers_->remove("s", "c"));
  EXPECT_EQ(consumers_->get("s", "c").error().reason, "consumer_not_found");
  EXPECT_EQ(consumers_->remove("s", "c").error().reason, "consumer_not_found");
  EXPECT_EQ(consumers_->get("none", "c").error().reason, "stream_not_found");
  EXPECT_EQ(consumers_->put("JOBS", "c", {}).error().reason, "internal_stream");
}

TEST_P(ConsumersTest, FetchAckNakTerm) {
  ASSERT_TRUE(consumers_->put("s", "c", {}));
  EXPECT_EQ(data_of(fetch("c")), "") << "nothing is there";
  for (const auto* data : {"1", "2", "3", "4"}) add("s.a", data);
  EXPECT_EQ(data_of(fetch("c", 1)), "1");
  const auto rest = fetch("c");
  ASSERT_EQ(data_of(rest), "234");
  ASSERT_TRUE(consumers_->answer("s", "c", rest[0].reply, kAck, 0ms));
  ASSERT_TRUE(consumers_->answer("s", "c", rest[1].reply, kNak, 0ms));
  ASSERT_TRUE(consumers_->answer("s", "c", rest[2].reply, kTerm, 0ms));
  EXPECT_EQ(data_of(fetch("c", 10, 5s)), "3") << "it comes again, the others do not";
  EXPECT_EQ(consumers_->answer("s", "other", rest[0].reply, kAck, 0ms).error().reason,
            "bad_ack_token");
}

TEST_P(ConsumersTest, AWaitingFetchGetsWhatComes) {
  ASSERT_TRUE(consumers_->put("s", "c", {}));
  auto waiting = begin_fetch("c", 5, 20s);
  ASSERT_TRUE(wait_until([&] {
    const auto info = consumers_->get("s", "c");
    return info && info->find(R"("waiting":1)") != std::string::npos;
  }));
  add("s.a", "late");
  ASSERT_EQ(waiting.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(data_of(*waiting.get()), "late");
  EXPECT_EQ(data_of(fetch("c", 1, 200ms)), "") << "the wait ends";
}

TEST_P(ConsumersTest, OneThatIsGoneRefuses) {
  ASSERT_TRUE(consumers_->put("s", "c", {}));
  auto waiting = begin_fetch("c", 1, 20s);
  ASSERT_TRUE(wait_until([&] {
    const auto info = consumers_->get("s", "c");
    return info && info->find(R"("waiting":1)") != std::string::npos;
  }));
  ASSERT_TRUE(consumers_->remove("s", "c"));
  if (waiting.wait_for(10s) == std::future_status::ready) {
    EXPECT_EQ(waiting.get().error().reason, "consumer_refused");
  } else {
    EXPECT_FALSE(at_least(2, 10)) << "newer servers say so";
  }
}

WEIR_ON_EVERY_SERVER(ConsumersTest);

}  // namespace
}  // namespace weir::streams
