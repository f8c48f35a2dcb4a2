// Editing jobs that wait, and giving back with a delay.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

void edit(Harness& h, std::string_view id, std::string_view body) {
  h.must(h.requests.edit(id, json::View(body)));
}

TEST(Edit, ChangesWhatItNames) {
  Harness h;
  h.submit(R"({"id":"j","queue":"q","payload":1,"tags":["a"],"metadata":{"m":1},)"
           R"("backoff":{"kind":"fixed"}})");
  edit(h, "j", R"({"priority":9,"tags":["b","c"],"headers":{"h":"v"},"max_attempts":3})");
  EXPECT_EQ(h.member("j", "priority"), "9");
  EXPECT_EQ(h.member("j", "payload"), "1");
  EXPECT_EQ(h.member("j", "tags"), R"(["b","c"])");
  EXPECT_EQ(h.member("j", "metadata"), R"({"m":1})");
  EXPECT_EQ(h.member("j", "headers"), R"({"h":"v"})");
  EXPECT_EQ(h.member("j", "max_attempts"), "3");
  EXPECT_THAT(h.member("j", "backoff"), testing::HasSubstr("fixed"));
  h.expect_counts_true();
  h.restart();
  h.expect_counts_true();
}

TEST(Edit, PriorityDecidesWhoIsNext) {
  Harness h;
  submit(h, "a");
  submit(h, "b");
  edit(h, "b", R"({"priority":6})");
  EXPECT_EQ(ids_of(h.lease("q", ",\"max\":2")), (std::vector<std::string>{"b", "a"}));
}

TEST(Edit, PayloadsMoveBesideTheRowAndBack) {
  Harness h;
  submit(h, "j");
  const auto big = "\"" + std::string(5'000, 'x') + "\"";
  edit(h, "j", "{\"payload\":" + big + "}");
  EXPECT_EQ(h.member("j", "payload"), big);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_blobs"), 1);
  edit(h, "j", R"({"payload":2})");
  EXPECT_EQ(h.member("j", "payload"), "2");
  EXPECT_EQ(h.number("SELECT count(*) FROM job_blobs"), 0);
}

TEST(Edit, TimeMovesBothWays) {
  Harness h;
  submit(h, "j");
  edit(h, "j", R"({"delay_ms":1000})");
  EXPECT_EQ(h.status("j"), "scheduled");
  edit(h, "j", R"({"delay_ms":500})");  // the timer moves too
  h.advance(Millis{500});
  ASSERT_TRUE(h.machine->next_due().has_value());
  EXPECT_LE(*h.machine->next_due(), h.clock.wall());
  h.tick();
  EXPECT_EQ(h.status("j"), "unprocessed");
  edit(h, "j", R"({"delay_ms":500})");
  edit(h, "j", R"({"run_at":"2001-01-01T00:00:00Z"})");
  EXPECT_EQ(h.status("j"), "unprocessed");
  h.expect_counts_true();
}

TEST(Edit, SoonerThanAWaiter) {
  Harness h;
  submit(h, "j", "q", R"(,"delay_ms":60000)");
  ASSERT_TRUE(h.park("w"));
  edit(h, "j", R"({"delay_ms":0})");
  EXPECT_EQ(h.status("j"), "processing");
  EXPECT_EQ(h.deliveries.size(), 1U);
}

TEST(Edit, OnlyWhatWaits) {
  Harness h;
  const json::View body(R"({"priority":1})");
  EXPECT_EQ(h.refused(h.requests.edit("j", body)).reason, "job_not_found");
  submit(h, "j");
  const auto token = h.lease_one();
  EXPECT_EQ(h.refused(h.requests.edit("j", body)).reason, "job_not_waiting");
  h.complete(token);
  const auto error = h.refused(h.requests.edit("j", body));
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_EQ(error.reason, "job_not_waiting");
}

TEST(Edit, BadValuesAreRefusedWithTheirField) {
  Harness h;
  const std::pair<const char*, const char*> cases[] = {{R"({"priority":10})", "priority"},
                                                       {R"({"run_at":"soon"})", "run_at"},
                                                       {R"({"run_at":1,"delay_ms":1})", "delay_ms"},
                                                       {R"({"max_attempts":0})", "max_attempts"},
                                                       {R"({"tags":[1]})", "tags[0]"},
                                                       {R"({"headers":{"h":1}})", "headers.h"},
                                                       {R"({"queue":"other"})", "queue"},
                                                       {"{}", "(body)"}};
  for (const auto& [body, field] : cases) {
    const auto operation = h.requests.edit("j", json::View(std::string_view(body)));
    ASSERT_FALSE(operation.has_value()) << body;
    ASSERT_FALSE(operation.error().fields.empty()) << body;
    EXPECT_EQ(operation.error().fields[0].field, field) << body;
  }
}

TEST(Snooze, GivesBackWithADelayAndWithoutAnAttempt) {
  Harness h;
  submit(h, "j");
  h.work(R"({"worker":"w","release":[{"lease":")" + h.lease_one() + R"(","delay_ms":"2s"}]})");
  EXPECT_EQ(h.status("j"), "scheduled");
  EXPECT_EQ(h.member("j", "attempt"), "0");
  h.advance(Millis{1'999});
  h.tick();
  EXPECT_EQ(h.lease_one(), "");
  h.advance(Millis{1});
  h.tick();
  EXPECT_NE(h.lease_one(), "");
  EXPECT_EQ(h.member("j", "attempt"), "1");
  h.expect_counts_true();
}

TEST(Snooze, ADelayHasABound) {
  Harness h;
  const auto body = "{\"delay_ms\":" + std::to_string(kMaxDelay.count() + 1) + "}";
  EXPECT_EQ(h.requests.release("1.1.1", json::View(body)).error().fields.at(0).field, "delay_ms");
}

}  // namespace
}  // namespace weir::jobs
