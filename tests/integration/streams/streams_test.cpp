// Native streams against every server; another client is a connection that speaks to JetStream by
// itself.
#include "pkg/streams/service.hpp"

#include "pkg/streams/tails.hpp"
#include "tests/integration/nats/link.hpp"

namespace weir::streams {
namespace {

using nats::wait_until;
using namespace std::chrono_literals;

class StreamsTest : public nats::OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    service_ = std::make_unique<Service>(connection_);
    other_ = connected();
  }
  std::string text(const std::string& json, std::string_view name) {
    const auto value = json::View(json).find(name);
    return value.as_string().value_or(std::string(value.raw()));
  }
  Published must(const std::string& stream, const Publish& message) {
    auto done = service_->publish(stream, message);
    EXPECT_TRUE(done) << describe(done.error());
    return done ? *done : Published{};
  }
  std::shared_ptr<nats::Connection> connection_;
  std::shared_ptr<nats::Connection> other_;
  std::unique_ptr<Service> service_;
};

TEST_P(StreamsTest, MadeChangedSeenAndGone) {
  const auto made = service_->put("orders", {.subjects = {"orders.>"}, .max_messages = 5});
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_TRUE(made->created);
  EXPECT_EQ(text(made->json, "max_messages"), "5");
  EXPECT_EQ(text(made->json, "replicas"), "1");
  const auto changed = service_->put("orders", {.max_age = 60'000ms});
  ASSERT_FALSE(changed) << "the duplicate window would be longer";
  EXPECT_EQ(changed.error().reason, "stream_refused");
  const auto again = service_->put("orders", {.description = "of customers", .max_age = 1h});
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_FALSE(again->created);
  EXPECT_EQ(text(again->json, "max_messages"), "5") << "kept";
  EXPECT_EQ(text(again->json, "max_age_ms"), "3600000");
  EXPECT_EQ(service_->put("more", {.subjects = {"orders.eu"}}).error().reason, "subject_taken");
  const auto seen = other_->request("$JS.API.STREAM.INFO.orders", "", 2s);
  ASSERT_TRUE(seen);
  EXPECT_NE(seen->data.find("of customers"), std::string::npos) << "by another client";
  ASSERT_TRUE(other_->request("$JS.API.STREAM.CREATE.theirs",
                              R"({"name":"theirs","subjects":["theirs"],"storage":"memory"})", 2s));
  const auto list = service_->list();
  ASSERT_TRUE(list);
  EXPECT_NE(list->find(R"("name":"theirs")"), std::string::npos) << "made by another client";
  ASSERT_TRUE(service_->remove("orders"));
  EXPECT_EQ(service_->get("orders").error().reason, "stream_not_found");
  EXPECT_EQ(service_->remove("orders").error().reason, "stream_not_found");
}

TEST_P(StreamsTest, InternalOnesAreHiddenAndRefused) {
  for (const std::string name : {"JOBS", "KV_app", "WEIR_SNAPSHOTS", "ROOMS"}) {
    ASSERT_TRUE(other_->request("$JS.API.STREAM.CREATE." + name,
                                R"({"name":")" + name + R"(","subjects":["x.)" + name + R"("]})",
                                2s));
    EXPECT_EQ(service_->get(name).error().reason, "internal_stream");
    EXPECT_EQ(service_->remove(name).error().reason, "internal_stream");
    EXPECT_EQ(service_->publish(name, {.subject = "x." + name}).error().reason, "internal_stream");
    EXPECT_EQ(service_->read(name, {}).error().reason, "internal_stream");
  }
  EXPECT_EQ(service_->list().value(), R"({"items":[]})");
}

TEST_P(StreamsTest, PublishingExpectsAndDeduplicates) {
  ASSERT_TRUE(service_->put("s", {.subjects = {"s.>"}}));
  EXPECT_EQ(service_->publish("s", {.data = "1"}).error().reason, "subject_required");
  EXPECT_EQ(service_->publish("s", {.subject = "elsewhere"}).error().reason, "not_in_stream");
  EXPECT_EQ(service_->publish("s", {.subject = "s.*"}).error().reason, "bad_subject");
  EXPECT_EQ(service_->publish("none", {.subject = "none"}).error().reason, "stream_not_found");
  const auto first = must("s", {.subject = "s.a", .data = "1", .id = "one"});
  EXPECT_EQ(first.sequence, 1U);
  EXPECT_FALSE(first.duplicate);
  const auto second = must("s", {.subject = "s.a", .data = "1", .id = "one"});
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.sequence, 1U);
  EXPECT_EQ(service_->publish("s", {.subject = "s.a", .expected_sequence = 7}).error().reason,
            "wrong_last_sequence");
  EXPECT_EQ(must("s", {.subject = "s.b", .data = "2", .expected_sequence = 1}).sequence, 2U);
  EXPECT_EQ(
      service_->publish("s", {.subject = "s.a", .expected_subject_sequence = 2}).error().reason,
      "wrong_last_sequence");
  EXPECT_EQ(must("s", {.subject = "s.a", .expected_subject_sequence = 1}).sequence, 3U);
  EXPECT_EQ(must("s", {.subject = "s.new", .expected_subject_sequence = 0}).sequence, 4U);
  ASSERT_TRUE(service_->put("t", {.subjects = {"t"}}));
  EXPECT_EQ(service_->publish("s", {.subject = "t"}).error().reason, "not_in_stream");
  EXPECT_EQ(service_->read("t", {})->messages.size(), 0U) << "and not in the other one";
  EXPECT_EQ(must("t", {.data = "x"}).subject, "t") << "its only subject";
}

TEST_P(StreamsTest, ReadsBySequenceTimeAndSubject) {
  ASSERT_TRUE(service_->put("r", {.subjects = {"r.>"}}));
  for (int i = 1; i <= 5; ++i) {
    must("r", {.subject = i % 2 == 0 ? "r.even" : "r.odd",
               .data = std::to_string(i),
               .headers = {{"n", std::to_string(i)}}});
  }
  const auto numbers = [&](const Read& read) {
    std::string out;
    const auto page = service_->read("r", read);
    EXPECT_TRUE(page) << describe(page.error());
    if (!page) return out;
    for (const auto& message : page->messages) out += message.data;
    return out + (page->next ? "+" + std::to_string(*page->next) : "");
  };
  EXPECT_EQ(numbers({}), "12345");
  EXPECT_EQ(numbers({.from = 3}), "345");
  EXPECT_EQ(numbers({.from = 9}), "");
  EXPECT_EQ(numbers({.last = 2}), "45");
  EXPECT_EQ(numbers({.last = 50}), "12345");
  EXPECT_EQ(numbers({.limit = 2}), "12+3");
  EXPECT_EQ(numbers({.limit = 5}), "12345");
  EXPECT_EQ(numbers({.subject = "r.even"}), "24");
  EXPECT_EQ(numbers({.subject = "r.*", .limit = 1}), "1+2");
  const auto third = service_->message("r", 3);
  ASSERT_TRUE(third);
  EXPECT_THAT(third->headers, testing::Contains(testing::Pair("n", "3")));
  const auto since = from_unix_ms(third->time_ns / 1'000'000);
  EXPECT_NE(numbers({.since = since}).find("345"), std::string::npos);
  EXPECT_EQ(numbers({.since = since + 1h}), "");
  EXPECT_EQ(numbers({.since = since - 1h}), "12345");
  EXPECT_EQ(service_->message("r", 99).error().reason, "message_not_found");
  ASSERT_TRUE(service_->remove_message("r", 3));
  EXPECT_EQ(numbers({}), "1245");
  ASSERT_TRUE(other_->request("r.odd", "theirs", 2s));
  EXPECT_EQ(numbers({.from = 6}), "theirs") << "written by another client";
}

TEST_P(StreamsTest, Purging) {
  ASSERT_TRUE(service_->put("p", {.subjects = {"p.>"}}));
  for (int i = 0; i < 10; ++i) must("p", {.subject = i < 5 ? "p.a" : "p.b"});
  EXPECT_EQ(service_->purge("p", {.below = 3}).value(), 2U);
  const auto by_subject = service_->purge("p", {.subject = "p.a"});
  if (test::nats_server_version(GetParam()) < test::NatsVersion{2, 9, 12}) {
    EXPECT_EQ(by_subject.error().reason, "purge_unsafe");
  } else {
    EXPECT_EQ(by_subject.value(), 3U);
  }
  EXPECT_GT(service_->purge("p", {.keep = 1}).value(), 0U);
  EXPECT_EQ(service_->read("p", {})->messages.size(), 1U);
  EXPECT_EQ(service_->purge("p", {}).value(), 1U);
}

class Recorder final : public nats::Watcher {
 public:
  Taken take(const nats::Change& change) override {
    const std::lock_guard lock(mutex_);
    heard_ += change.key.empty() ? " " + change.operation : " " + change.key;
    return Taken::yes;
  }
  void on_room(std::function<void()> room) override { room(); }
  void ended() override {
    const std::lock_guard lock(mutex_);
    heard_ += " end";
  }
  std::string heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  mutable std::mutex mutex_;
  std::string heard_;
};

TEST_P(StreamsTest, TailsHearEverybodyAndEndWithTheStream) {
  SystemClock clock;
  Tails tails(service_->jetstream(), clock);
  ASSERT_TRUE(tails.start());
  ASSERT_TRUE(service_->put("f", {.subjects = {"f.>"}}));
  must("f", {.subject = "f.1"});
  const auto followed = tails.feed("f");
  ASSERT_TRUE(followed) << describe(followed.error());
  const auto recorder = std::make_shared<Recorder>();
  followed->feed->watch({}, followed->info.last_sequence, recorder);
  ASSERT_TRUE(wait_until([&] { return recorder->heard() == " f.1 ready"; })) << recorder->heard();
  ASSERT_TRUE(other_->request("f.2", "x", 2s));
  must("f", {.subject = "f.3"});
  ASSERT_TRUE(wait_until([&] { return recorder->heard() == " f.1 ready f.2 f.3"; }))
      << recorder->heard();
  EXPECT_EQ(tails.followers(), 1U);
  ASSERT_TRUE(service_->remove("f"));
  EXPECT_TRUE(wait_until([&] { return recorder->heard().ends_with(" end"); })) << recorder->heard();
  EXPECT_EQ(tails.feed("f").error().reason, "stream_not_found");
  tails.stop();
  EXPECT_EQ(tails.feed("f").error().reason, "stream_not_found");
}

WEIR_ON_EVERY_SERVER(StreamsTest);

}  // namespace
}  // namespace weir::streams
