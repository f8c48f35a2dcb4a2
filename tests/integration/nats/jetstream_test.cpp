#include "tests/integration/nats/link.hpp"

#include "pkg/nats/key_value.hpp"

namespace weir::nats {
namespace {

class JetStreamTest : public OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
  }
  JetStream jetstream() const { return JetStream(connection_); }

  std::shared_ptr<Connection> connection_;
};

TEST_P(JetStreamTest, AStreamIsMadeOnceAndReadBack) {
  const StreamConfig config{.name = "S", .subjects = {"s.>"}};
  ASSERT_TRUE(jetstream().ensure_stream(config));
  ASSERT_TRUE(jetstream().publish("s.a", "one", {}));
  const auto again = jetstream().ensure_stream(config);
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_EQ(again->messages, 1U);
  EXPECT_EQ(again->replicas, 1);

  const auto other = jetstream().ensure_stream({.name = "S", .subjects = {"other"}});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "stream_mismatch");
  const auto missing = jetstream().stream_info("NONE");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "stream_not_found");

  const auto all = jetstream().streams();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ(all->front().name, "S");

  const auto first = again->created;
  ASSERT_TRUE(jetstream().delete_stream("S"));
  const auto anew = jetstream().ensure_stream(config);
  ASSERT_TRUE(anew);
  EXPECT_NE(anew->created, first) << "tells one stream from the next of its name";
}

TEST_P(JetStreamTest, MessagesAreReadBySequenceAndSubject) {
  ASSERT_TRUE(jetstream().ensure_stream({.name = "S", .subjects = {"s.>"}}));
  for (const auto* subject : {"s.a", "s.b", "s.a"}) {
    ASSERT_TRUE(jetstream().publish(subject, std::string("for ") + subject, {{"K", "v"}}));
  }
  const auto second = jetstream().message("S", 2);
  ASSERT_TRUE(second) << describe(second.error());
  EXPECT_EQ(second->subject, "s.b");
  EXPECT_EQ(second->data, "for s.b");
  EXPECT_EQ(second->headers, (Headers{{"K", "v"}}));
  EXPECT_GT(second->time_ns, 0);
  const auto last = jetstream().last_message("S", "s.a");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->sequence, 3U);
  const auto none = jetstream().message("S", 4);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, "message_not_found");
}

TEST_P(JetStreamTest, AnyReplicaAnswersADirectGet) {
  ASSERT_TRUE(jetstream().ensure_stream({.name = "S", .subjects = {"s.>"}}));
  for (const auto* subject : {"s.a", "s.b", "s.a"}) {
    ASSERT_TRUE(jetstream().publish(subject, std::string("for ") + subject, {{"K", "v"}}));
  }
  const auto second = jetstream().direct_message("S", 2);
  ASSERT_TRUE(second) << describe(second.error());
  EXPECT_EQ(second->sequence, 2U);
  EXPECT_EQ(second->subject, "s.b");
  EXPECT_EQ(second->data, "for s.b");
  EXPECT_EQ(second->headers, (Headers{{"K", "v"}}));
  EXPECT_EQ(second->time_ns, jetstream().message("S", 2)->time_ns);
  const auto last = jetstream().direct_last_message("S", "s.a");
  ASSERT_TRUE(last) << describe(last.error());
  EXPECT_EQ(last->sequence, 3U);
  const auto none = jetstream().direct_message("S", 4);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().reason, "message_not_found");
  const auto no_subject = jetstream().direct_last_message("S", "s.c");
  ASSERT_FALSE(no_subject);
  EXPECT_EQ(no_subject.error().reason, "message_not_found");
}

TEST_P(JetStreamTest, AnExpectedSequenceThatHasPassedIsAConflict) {
  ASSERT_TRUE(jetstream().ensure_stream({.name = "S", .subjects = {"s"}}));
  ASSERT_TRUE(jetstream().publish("s", "1", {{"Nats-Expected-Last-Sequence", "0"}}));
  const auto late = jetstream().publish("s", "2", {{"Nats-Expected-Last-Sequence", "0"}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::conflict);
  EXPECT_EQ(late.error().reason, "wrong_last_sequence");
  EXPECT_TRUE(jetstream().publish("s", "2", {{"Nats-Expected-Last-Sequence", "1"}}));
}

TEST_P(JetStreamTest, TheServerSaysWhatItMadeOfAStream) {
  const auto made = jetstream().ensure_stream({.name = "S",
                                               .subjects = {"s"},
                                               .replicas = kAutomaticReplicas,
                                               .max_age = 3'600s,
                                               .max_bytes = 1'000'000});
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(made->replicas, 1) << "the server stands alone";
  EXPECT_EQ(made->discard, "new");
  EXPECT_EQ(made->max_bytes, 1'000'000);
  EXPECT_EQ(made->max_messages, -1);
  EXPECT_EQ(made->max_age, Millis(3'600s));
  EXPECT_EQ(made->answered_at.has_value(), at_least(2, 10));
}

TEST_P(JetStreamTest, PurgesWhatIsBelowASequence) {
  ASSERT_TRUE(jetstream().ensure_stream({.name = "S", .subjects = {"s"}}));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(jetstream().publish("s", "x", {}));
  ASSERT_TRUE(jetstream().purge_below("S", 8));
  const auto info = jetstream().stream_info("S");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->messages, 3U);
  EXPECT_EQ(info->first_sequence, 8U);
  EXPECT_EQ(info->last_sequence, 10U);
}

TEST_P(JetStreamTest, AFullStreamRefuses) {
  ASSERT_TRUE(jetstream().ensure_stream({.name = "S", .subjects = {"s"}, .max_bytes = 2'000}));
  Result<std::uint64_t> last = 0;
  for (int i = 0; i < 20 && last; ++i) last = jetstream().publish("s", std::string(500, 'x'), {});
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Code::out_of_space) << describe(last.error());
  EXPECT_EQ(last.error().reason, "stream_full");
}

TEST_P(JetStreamTest, KeysChangeOnlyUnderTheExpectedRevision) {
  const KeyValue bucket(jetstream(), "conf");
  ASSERT_TRUE(bucket.ensure({}));
  ASSERT_TRUE(bucket.ensure({})) << "a second time";
  const auto nothing = bucket.get("a");
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(nothing->has_value());

  const auto made = bucket.update("a", "1", 0);
  ASSERT_TRUE(made) << describe(made.error());
  const auto twice = bucket.update("a", "1", 0);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Code::conflict);
  EXPECT_EQ(twice.error().reason, "wrong_last_sequence");
  const auto next = bucket.update("a", "2", *made);
  ASSERT_TRUE(next);
  EXPECT_FALSE(bucket.update("a", "3", *made)) << "an old revision";
  const auto entry = bucket.get("a");
  ASSERT_TRUE(entry && entry->has_value());
  EXPECT_EQ((*entry)->value, "2");
  EXPECT_EQ((*entry)->revision, *next);

  ASSERT_TRUE(bucket.remove("a"));
  const auto removed = bucket.get("a");
  ASSERT_TRUE(removed);
  EXPECT_FALSE(removed->has_value());
}

TEST_P(JetStreamTest, KeysEndWithTheirAge) {
  const KeyValue bucket(jetstream(), "short");
  ASSERT_TRUE(bucket.ensure({.ttl = 1s}));
  ASSERT_TRUE(bucket.put("a", "1"));
  EXPECT_TRUE((*bucket.get("a")).has_value());
  EXPECT_TRUE(wait_until([&] {
    const auto entry = bucket.get("a");
    return entry && !entry->has_value();
  }));
}

WEIR_ON_EVERY_SERVER(JetStreamTest);

}  // namespace
}  // namespace weir::nats
