// Messages: jobs as the messages of a plain queue.
#include "jobs/messages.hpp"

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;

constexpr auto kBody = R"({"queue":"q","type":"message","payload":{"n":1}})";

std::string publish(Harness& h, std::string_view job = kBody) {
  return h.must(h.requests.message_publish(json::View(job)));
}
// The leased job; missing when there is none.
std::string consume(Harness& h, const MessageAnswer& who) {
  const auto body = R"({"worker":")" + message_worker(who) + R"("})";
  const auto request = h.requests.message_consume(who.queue, json::View(body), {});
  const auto reply = h.must(request->operation);
  const auto jobs = list(reply, "jobs");
  return jobs.empty() ? "" : std::string(jobs[0].raw());
}
MessageAnswer of(std::string key, std::string id = {}) {
  return {.queue = "q", .id = std::move(id), .key = std::move(key)};
}
std::string stats(Harness& h) {
  return h.read([&](sqlite::Database& db) { return message_stats(db, "q", h.clock.wall()); });
}

TEST(Messages, PublishMakesTheQueueAndSaysThePosition) {
  Harness h;
  EXPECT_EQ(text(publish(h), "position"), "1");
  EXPECT_EQ(text(publish(h), "position"), "2");
  EXPECT_EQ(text(publish(h, R"({"queue":"q","priority":9,"payload":1})"), "position"), "1");
  EXPECT_EQ(text(publish(h, R"({"queue":"q","delay_ms":1000,"payload":1})"), "position"), "4");
  const auto queue =
      h.read([&](sqlite::Database& db) { return get_queue(db, "q", h.clock.wall()); });
  const auto config = json::View(queue).find("config");
  EXPECT_EQ(text(config.find("max_attempts")), "4");
  EXPECT_EQ(text(config.find("max_waiting")), "100000");
  EXPECT_EQ(text(config.find("lease_ms")), "30000");
  h.expect_counts_true();
}

TEST(Messages, CreateIsOnceAndItsSettingsHold) {
  Harness h;
  h.must(h.requests.message_queue(
      "q", {.max_depth = 1, .ack_deadline = 5s, .max_retries = 0, .default_priority = 7}));
  EXPECT_EQ(h.refused(h.requests.message_queue("q", {})).reason, "queue_exists");
  const auto id = text(publish(h), "message_id");
  EXPECT_EQ(h.refused(h.requests.message_publish(json::View(kBody))).reason, "queue_full");
  EXPECT_EQ(h.member(id, "priority"), "7");
  h.restart();
  ASSERT_NE(consume(h, of("k")), "");
  h.advance(5s);
  h.tick();
  EXPECT_EQ(h.status(id), "dlq") << "no retries";
}

TEST(Messages, APriorityThatIsGivenIsNotTheDefault) {
  Harness h;
  h.must(h.requests.message_queue("q", {.default_priority = 7}));
  submit(h, "a", "q", R"(,"priority":5)");
  submit(h, "b");
  EXPECT_EQ(h.member("a", "priority"), "5");
  EXPECT_EQ(h.member("b", "priority"), "7");
}

TEST(Messages, TheLiveLeaseIsAnsweredByItsHolderOnly) {
  Harness h;
  const auto id = text(publish(h), "message_id");
  auto a = of("k", id);
  a.socket = "s1";
  EXPECT_EQ(h.refused(h.requests.message_ack(a)).reason, "lease_lost") << "nobody has it";
  ASSERT_NE(consume(h, a), "");
  auto b = a;
  b.socket = "s2";
  EXPECT_EQ(h.refused(h.requests.message_ack(b)).reason, "lease_lost") << "another socket";
  EXPECT_EQ(h.refused(h.requests.message_ack(of("k2", id))).reason, "lease_lost");
  auto named = of("k", id);
  named.consumer = "c";
  EXPECT_EQ(h.refused(h.requests.message_ack(named)).reason, "lease_lost");
  EXPECT_EQ(h.must(h.requests.message_ack(of("k", id))), R"({"success":true})") << "by the key";
  EXPECT_EQ(h.refused(h.requests.message_ack(a)).reason, "message_not_found") << "it has ended";
  EXPECT_EQ(h.status(id), "completed");
}

TEST(Messages, AKeyThatBeginsLikeAnotherIsNotThatOne) {
  Harness h;
  const auto id = text(publish(h), "message_id");
  ASSERT_NE(consume(h, of("key12")), "");
  EXPECT_EQ(h.refused(h.requests.message_ack(of("key1", id))).reason, "lease_lost");
  h.must(h.requests.message_ack(of("key12", id)));
}

TEST(Messages, AMissedDeadlineIsANackWithRequeue) {
  Harness h;
  const auto id = text(publish(h), "message_id");
  for (int retry = 0; retry <= 3; ++retry) {
    const auto job = consume(h, of("k"));
    ASSERT_NE(job, "") << retry;
    EXPECT_EQ(text(job, "attempt"), std::to_string(retry + 1));
    h.advance(30s);
    h.tick();
    if (retry < 3) {
      EXPECT_EQ(h.refused(h.requests.message_ack(of("k", id))).reason, "lease_lost");
    }
  }
  EXPECT_EQ(h.status(id), "dlq");
  EXPECT_EQ(h.refused(h.requests.message_ack(of("k", id))).reason, "message_not_found");
}

TEST(Messages, NackSaysWhatBecameOfIt) {
  Harness h;
  const auto id = text(publish(h), "message_id");
  const auto nack = [&](Requeue requeue) {
    consume(h, of("k"));
    return text(h.must(h.requests.message_nack(of("k", id), requeue)), "action");
  };
  for (int retry = 0; retry < 3; ++retry) EXPECT_EQ(nack(Requeue::yes), "requeued");
  EXPECT_EQ(nack(Requeue::yes), "dead_lettered") << "the retries are used up";
  const auto other = text(publish(h), "message_id");
  consume(h, of("k"));
  EXPECT_EQ(text(h.must(h.requests.message_nack(of("k", other), Requeue::no)), "action"),
            "dead_lettered");
  const auto shown = stats(h);
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"queue", "q"},
                                                        {"depth", "0"},
                                                        {"in_flight", "0"},
                                                        {"consumers", "1"},
                                                        {"published_total", "2"},
                                                        {"consumed_total", "5"},
                                                        {"acked_total", "0"},
                                                        {"nacked_total", "5"},
                                                        {"dead_lettered_total", "2"},
                                                        {"published", "2"},
                                                        {"oldest_message_age_secs", "0"}}) {
    EXPECT_EQ(text(shown, name), value) << name;
  }
}

TEST(Messages, StatsSurviveARestartAndKnowAges) {
  Harness h;
  publish(h);
  publish(h);
  h.must(h.requests.message_ack(of("k", text(consume(h, of("k")), "id"))));
  h.advance(45s);
  h.restart();
  const auto before = h.dump();
  EXPECT_EQ(text(stats(h), "oldest_message_age_secs"), "45");
  EXPECT_EQ(text(stats(h), "acked_total"), "1");
  publish(h);
  EXPECT_EQ(text(stats(h), "published_total"), "3");
  EXPECT_NE(before, h.dump());
}

TEST(Messages, WhatIsNotThereIsSaid) {
  Harness h;
  EXPECT_EQ(h.refused(h.requests.message_ack(of("k", "m"))).reason, "queue_not_found");
  const auto ask = h.requests.message_consume("q", json::View(R"({"worker":"k"})"), {});
  EXPECT_EQ(h.refused(ask->operation).reason, "queue_not_found");
  publish(h);
  submit(h, "elsewhere", "other");
  EXPECT_EQ(h.refused(h.requests.message_ack(of("k", "m"))).reason, "message_not_found");
  EXPECT_EQ(h.refused(h.requests.message_ack(of("k", "elsewhere"))).reason, "message_not_found");
  EXPECT_EQ(h.refused(h.requests.queue_drop("none")).reason, "queue_not_found");
  EXPECT_EQ(h.requests.queue_drop("not a name").error().fields.at(0).field, "queue");
}

TEST(Messages, DroppingAQueueTakesEverythingWithIt) {
  Harness h;
  publish(h);
  publish(h);
  h.must(h.requests.message_ack(of("k", text(consume(h, of("k")), "id"))));
  ASSERT_NE(consume(h, of("k")), "") << "one is running";
  publish(h);
  publish(h, R"({"queue":"q","delay_ms":1000,"payload":1})");
  auto operation = h.requests.queue_drop("q").value();
  int steps = 0;
  std::int64_t purged = 0;
  while (true) {
    ASSERT_LT(++steps, 10);
    const auto reply = h.must(operation);
    const auto step = next_step(operation, reply);
    purged += step.done;
    if (!step.next) break;
    operation = *step.next;
  }
  EXPECT_EQ(purged, 4);
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_queues"), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_counts WHERE queue>0"), 0);
  h.expect_counts_true();
  EXPECT_EQ(text(publish(h), "position"), "1") << "a new one";
}

// Drops the queue; how many operations it took.
int drop(Harness& h, std::string_view queue) {
  auto operation = h.requests.queue_drop(queue).value();
  for (int steps = 1; steps < 20; ++steps) {
    const auto step = next_step(operation, h.must(operation));
    if (!step.next) return steps;
    operation = *step.next;
  }
  ADD_FAILURE() << "it never ends";
  return 0;
}

TEST(Messages, WhatDependsOnADroppedQueueGoesOn) {
  Harness h;
  h.must(h.requests.batch_create(
      json::View(R"({"id":"b","seal":true,"jobs":[{"id":"running","queue":"q"},)"
                 R"({"id":"other","queue":"r"}]})")));
  submit(h, "child", "r", R"(,"depends_on":["running"],"on_failure":"run")");
  submit(h, "waits", "q", R"(,"depends_on":["running"])");
  submit(h, "held", "q", R"(,"unique":{"key":"u","scope":"active"})");
  ASSERT_EQ(ids_of(h.lease("q", R"(,"max":2)")), (std::vector<std::string>{"running", "held"}));
  submit(h, "ready", "q");
  h.must(h.requests.pause("q"));
  ASSERT_TRUE(h.park("w", "q"));
  drop(h, "q");
  EXPECT_EQ(h.number("SELECT count(*) FROM job_queues WHERE name='q'"), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_unique"), 0);
  EXPECT_EQ(h.status("child"), "unprocessed") << "its parent ended";
  h.complete(h.lease_one("r"));
  h.complete(h.lease_one("r"));
  h.expect_counts_true();
  const auto before = h.dump();
  h.restart();
  EXPECT_EQ(h.dump(), before);
  submit(h, "again", "q");
  EXPECT_EQ(h.deliveries.size(), 1U) << "who waited is served by the new queue";
}

}  // namespace
}  // namespace weir::jobs
