// The bare C library as a witness: it sees what is stored and made here, and the reverse.
#include <gmock/gmock.h>
#include <nats/nats.h>

#include <future>
#include <thread>

#include "pkg/streams/consumers.hpp"
#include "pkg/streams/fetch.hpp"
#include "pkg/streams/service.hpp"
#include "tests/integration/nats/link.hpp"

namespace weir::streams {
namespace {

using namespace std::chrono_literals;

// Calls of nats.c, each of which must succeed.
class Bare {
 public:
  explicit Bare(const std::string& url) {
    EXPECT_EQ(natsConnection_ConnectTo(&connection_, url.c_str()), NATS_OK);
    EXPECT_EQ(natsConnection_JetStream(&jetstream_, connection_, nullptr), NATS_OK);
  }
  ~Bare() {
    jsCtx_Destroy(jetstream_);
    natsConnection_Destroy(connection_);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void add_stream(const char* name, const char* subject) {
    jsStreamConfig config;
    ASSERT_EQ(jsStreamConfig_Init(&config), NATS_OK);
    const char* subjects[] = {subject};
    config.Name = name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    ASSERT_EQ(js_AddStream(nullptr, jetstream_, &config, nullptr, nullptr), NATS_OK);
  }
  void add_consumer(const char* stream, const char* name) {
    jsConsumerConfig config;
    ASSERT_EQ(jsConsumerConfig_Init(&config), NATS_OK);
    config.Durable = name;
    config.AckPolicy = js_AckExplicit;
    ASSERT_EQ(js_AddConsumer(nullptr, jetstream_, stream, &config, nullptr, nullptr), NATS_OK);
  }
  std::uint64_t publish(const char* subject, const std::string& data) {
    jsPubAck* ack = nullptr;
    EXPECT_EQ(js_Publish(&ack, jetstream_, subject, data.data(), static_cast<int>(data.size()),
                         nullptr, nullptr),
              NATS_OK);
    const auto sequence = ack == nullptr ? 0 : ack->Sequence;
    jsPubAck_Destroy(ack);
    return sequence;
  }
  // "subject data" of a stored message.
  std::string stored(const char* stream, std::uint64_t sequence) {
    natsMsg* message = nullptr;
    EXPECT_EQ(js_GetMsg(&message, jetstream_, stream, sequence, nullptr, nullptr), NATS_OK);
    return taken(message);
  }
  // Takes the next message of a consumer, acknowledged: "subject data".
  std::string next(const std::string& stream, const std::string& consumer) {
    const auto subject = "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer;
    natsMsg* message = nullptr;
    EXPECT_EQ(natsConnection_RequestString(&message, connection_, subject.c_str(), "1", 5'000),
              NATS_OK);
    if (message == nullptr) return {};
    EXPECT_EQ(natsConnection_PublishString(connection_, natsMsg_GetReply(message), "+ACK"),
              NATS_OK);
    EXPECT_EQ(natsConnection_Flush(connection_), NATS_OK);
    return taken(message);
  }
  // Messages of a consumer without an answer, and still to be delivered.
  std::pair<std::int64_t, std::uint64_t> owed(const char* stream, const char* consumer) {
    jsConsumerInfo* info = nullptr;
    EXPECT_EQ(js_GetConsumerInfo(&info, jetstream_, stream, consumer, nullptr, nullptr), NATS_OK);
    if (info == nullptr) return {-1, 0};
    const std::pair<std::int64_t, std::uint64_t> out{info->NumAckPending, info->NumPending};
    jsConsumerInfo_Destroy(info);
    return out;
  }

 private:
  static std::string taken(natsMsg* message) {
    if (message == nullptr) return {};
    std::string out = natsMsg_GetSubject(message);
    out.append(" ").append(natsMsg_GetData(message),
                           static_cast<std::size_t>(natsMsg_GetDataLength(message)));
    natsMsg_Destroy(message);
    return out;
  }

  natsConnection* connection_ = nullptr;
  jsCtx* jetstream_ = nullptr;
};

class WitnessTest : public nats::OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    service_ = std::make_unique<Service>(connection_);
    bare_ = std::make_unique<Bare>(server_->url());
  }
  void TearDown() override {
    for (auto& thread : threads_) thread.join();
  }
  std::vector<nats::Message> fetch(const std::string& stream, const std::string& consumer) {
    const auto promise = std::make_shared<std::promise<std::vector<nats::Message>>>();
    Fetch::start(
        connection_, {.stream = stream, .consumer = consumer, .max = 10, .wait = 5s},
        [this](std::function<void()> work) { threads_.emplace_back(std::move(work)); },
        [promise](Result<std::vector<nats::Message>> fetched) {
          promise->set_value(fetched ? std::move(*fetched) : std::vector<nats::Message>{});
        });
    return promise->get_future().get();
  }

  std::shared_ptr<nats::Connection> connection_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Bare> bare_;
  std::vector<std::thread> threads_;
};

TEST_P(WitnessTest, SeesWhatIsMadeAndStoredHere) {
  ASSERT_TRUE(service_->put("ours", {.subjects = {"ours.>"}}));
  ASSERT_TRUE(service_->publish("ours", {.subject = "ours.a", .data = R"({"id":7})"}));
  EXPECT_EQ(bare_->stored("ours", 1), R"(ours.a {"id":7})");
  ASSERT_TRUE(Consumers(service_->jetstream()).put("ours", "c", {}));
  EXPECT_EQ(bare_->owed("ours", "c"), (std::pair<std::int64_t, std::uint64_t>{0, 1}));
  EXPECT_EQ(bare_->next("ours", "c"), R"(ours.a {"id":7})");
  EXPECT_TRUE(nats::wait_until([&] {
    return bare_->owed("ours", "c") == std::pair<std::int64_t, std::uint64_t>{0, 0};
  }));
}

TEST_P(WitnessTest, MakesAndStoresWhatIsSeenHere) {
  bare_->add_stream("theirs", "theirs.>");
  EXPECT_EQ(bare_->publish("theirs.a", "one"), 1U);
  EXPECT_EQ(bare_->publish("theirs.b", "two"), 2U);
  const auto page = service_->read("theirs", {});
  ASSERT_TRUE(page) << describe(page.error());
  ASSERT_EQ(page->messages.size(), 2U);
  EXPECT_EQ(page->messages[1].subject + " " + page->messages[1].data, "theirs.b two");
  ASSERT_TRUE(service_->put("theirs", {.description = "changed here"}))
      << "what only the other client knows is kept";
  bare_->add_consumer("theirs", "c");
  const auto fetched = fetch("theirs", "c");
  ASSERT_EQ(fetched.size(), 2U);
  const Consumers consumers(service_->jetstream());
  for (const auto& message : fetched) {
    ASSERT_TRUE(consumers.answer("theirs", "c", message.reply, kAck, 0ms));
  }
  EXPECT_EQ(bare_->owed("theirs", "c"), (std::pair<std::int64_t, std::uint64_t>{0, 0}));
}

WEIR_ON_EVERY_SERVER(WitnessTest);

}  // namespace
}  // namespace weir::streams
