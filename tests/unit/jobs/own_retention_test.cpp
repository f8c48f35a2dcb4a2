// retention_ms: jobs that are forgotten before their queue says so.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::HasSubstr;

bool exists(Harness& h, std::string_view id) {
  return h.number("SELECT count(*) FROM jobs WHERE id='" + std::string(id) + "'") == 1;
}

TEST(OwnRetention, AJobIsForgottenSoLongAfterItsEnd) {
  Harness h;
  submit(h, "j", "q", R"(,"retention_ms":"10s")");
  EXPECT_EQ(h.member("j", "retention_ms"), "10000");
  h.advance(1h);
  h.tick();
  EXPECT_TRUE(exists(h, "j")) << "it has not ended";
  h.complete(h.lease_one());
  EXPECT_EQ(h.machine->next_due(), h.clock.wall() + 10s);
  h.restart();
  EXPECT_EQ(h.machine->next_due(), h.clock.wall() + 10s);
  h.advance(9'999ms);
  h.tick();
  EXPECT_TRUE(exists(h, "j"));
  h.advance(1ms);
  h.tick();
  EXPECT_FALSE(exists(h, "j"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_retentions"), 0);
  EXPECT_EQ(h.total(Total::removed), 1);
  h.expect_counts_true();
}

TEST(OwnRetention, ZeroForgetsWithTheNextTick) {
  Harness h;
  for (const auto* id : {"done", "failed", "cancelled", "dead"}) {
    submit(h, id, "q", R"(,"retention_ms":0,"max_attempts":1)");
  }
  h.complete(h.lease_one());
  h.fail(h.lease_one(), R"({"terminate":true})");
  h.must(h.requests.cancel("cancelled", json::View()));
  h.fail(h.lease_one());
  EXPECT_EQ(h.status("dead"), "dlq");
  EXPECT_EQ(h.machine->next_due(), h.clock.wall());
  h.tick();
  for (const auto* id : {"done", "failed", "cancelled"}) EXPECT_FALSE(exists(h, id)) << id;
  EXPECT_TRUE(exists(h, "dead")) << "dead letters stay";
  h.expect_counts_true();
}

TEST(OwnRetention, TheQueueMayBeShorter) {
  Harness h;
  h.must(h.requests.queue_config("q", json::View(R"({"retention":{"completed_ms":1000}})")));
  submit(h, "j", "q", R"(,"retention_ms":"1h")");
  h.complete(h.lease_one());
  h.advance(1s);
  h.tick();
  EXPECT_FALSE(exists(h, "j"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_retentions"), 0);
}

TEST(OwnRetention, WhatRunsAgainIsKeptUntilItsNextEnd) {
  Harness h;
  submit(h, "j", "q", R"(,"retention_ms":"10s")");
  h.fail(h.lease_one(), R"({"terminate":true})");
  h.advance(9s);
  h.must(h.requests.retry("j", json::View()));
  h.advance(1h);
  h.tick();
  ASSERT_TRUE(exists(h, "j"));
  h.complete(h.lease_one());
  h.advance(9s);
  h.tick();
  EXPECT_TRUE(exists(h, "j"));
  h.advance(1s);
  h.tick();
  EXPECT_FALSE(exists(h, "j"));
}

TEST(OwnRetention, AnOwnerMayRemoveItBefore) {
  Harness h;
  submit(h, "j", "q", R"(,"retention_ms":"10s")");
  h.complete(h.lease_one());
  h.must(h.requests.remove("j"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_retentions"), 0);
  h.advance(10s);
  h.tick();
}

TEST(OwnRetention, ATickForgetsABoundedNumber) {
  Harness h;
  std::string body = "{\"jobs\":[";
  for (int i = 0; i < kTickRows + 5; ++i) {
    body += (i == 0 ? "" : ",") + std::string(R"({"queue":"q","retention_ms":0})");
  }
  const auto batch = h.requests.submit_batch(json::View(body + "]}"));
  ASSERT_TRUE(batch.has_value());
  for (const auto& part : batch->parts) ASSERT_TRUE(h.apply(part.operation).has_value());
  for (int i = 0; i < 2; ++i) {
    std::vector<std::string> tokens;
    for (const auto job : h.lease("q", ",\"max\":1000")) tokens.push_back(text(job.find("lease")));
    for (const auto& token : tokens) h.complete(token);
  }
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 5);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 0);
}

TEST(OwnRetention, ItsLimitsAreSaid) {
  Harness h;
  const auto refused = [&](const char* value) {
    const auto body = R"({"queue":"q","retention_ms":)" + std::string(value) + "}";
    const auto operation = h.requests.submit(json::View(body));
    return operation ? std::string() : operation.error().fields.at(0).field;
  };
  EXPECT_EQ(refused("-1"), "retention_ms");
  EXPECT_EQ(refused("\"88000h\""), "retention_ms");  // over ten years
  EXPECT_EQ(refused("\"soon\""), "retention_ms");
  EXPECT_EQ(refused("\"87600h\""), "");
  EXPECT_EQ(refused("null"), "");
}

}  // namespace
}  // namespace weir::jobs
