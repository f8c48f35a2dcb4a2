// Redrives that go on by themselves.
#include "jobs/redrive_query.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::HasSubstr;

std::string start(Harness& h, std::string_view body) {
  return text(h.must(h.requests.redrive_start(json::View(body))), "id");
}

std::string redrive(Harness& h, const std::string& id) {
  return h.read([&](sqlite::Database& db) { return get_redrive(db, id); });
}

void make_letters(Harness& h, int count, std::string_view more = "") {
  for (int i = 0; i < count; ++i) {
    submit(h, "d" + std::to_string(i), "q", R"(,"max_attempts":1)" + std::string(more));
    h.fail(h.lease_one(), R"({"error":"boom"})");
  }
}

TEST(Redrives, GoAtTheirRate) {
  Harness h;
  make_letters(h, 6);
  const auto id = start(h, R"({"filter":{"queue":"q"},"rate_per_s":2})");
  EXPECT_EQ(h.machine->next_due(), h.clock.wall());
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 1);
  h.advance(499ms);
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 1);
  h.advance(1ms);
  h.restart();
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 2);
  EXPECT_EQ(text(redrive(h, id), "state"), "running");
  EXPECT_EQ(text(redrive(h, id), "redriven"), "2");
  h.advance(1h);  // nobody led: one second's worth
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 4);
  for (int i = 0; i < 4; ++i) {
    h.advance(500ms);
    h.tick();
  }
  EXPECT_EQ(h.count(Status::dlq), 0);
  EXPECT_EQ(text(redrive(h, id), "state"), "completed");
  EXPECT_EQ(text(redrive(h, id), "redriven"), "6");
  EXPECT_EQ(h.status("d3"), "unprocessed");
  h.expect_counts_true();
}

TEST(Redrives, AFastRateTakesManyInAStep) {
  Harness h;
  make_letters(h, 50);
  start(h, R"({"queue":"q","rate_per_s":100})");
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 1);
  EXPECT_EQ(h.machine->next_due(), h.clock.wall() + 200ms);
  h.advance(200ms);
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 21);
}

TEST(Redrives, ThePatchChangesEachPayload) {
  Harness h;
  make_letters(h, 2, R"(,"payload":{"to":"a@example.com","old":1,"deep":{"x":1,"y":2}})");
  const auto id =
      start(h, R"({"filter":{"queue":"q"},"patch":{"old":null,"deep":{"x":3},"new":[1]}})");
  h.tick();
  EXPECT_EQ(h.member("d0", "payload"), R"({"to":"a@example.com","deep":{"x":3,"y":2},"new":[1]})");
  EXPECT_EQ(h.status("d1"), "unprocessed");
  EXPECT_EQ(h.member("d1", "attempt"), "0");
  EXPECT_EQ(text(redrive(h, id), "state"), "completed");
  EXPECT_THAT(redrive(h, id), HasSubstr(R"("patch":{"old":null,"deep":{"x":3},"new":[1]})"));
  h.expect_counts_true();
}

TEST(Redrives, LargePayloadsMoveBesideAndTooLargeOnesStayDead) {
  Harness h;
  make_letters(h, 1, R"(,"payload":{"a":1})");
  const std::string large(3'000, 'x');
  start(h, R"({"ids":["d0"],"patch":{"b":")" + large + "\"}}");
  h.tick();
  EXPECT_EQ(h.member("d0", "payload"), R"({"a":1,"b":")" + large + "\"}");
  h.fail(h.lease_one());
  const auto id = text(h.apply({"jobs.redrive_start", R"({"id":"small","ids":["d0"],"patch":{},)"
                                                      R"("max_bytes":100})"})
                           .value(),
                       "id");
  h.tick();
  EXPECT_EQ(h.status("d0"), "dlq");
  EXPECT_EQ(text(redrive(h, id), "failed"), "1");
}

TEST(Redrives, StoredFormsAreNeitherPatchedNorMade) {
  Harness h;
  make_letters(h, 1, R"(,"payload":{"$weir":{"k":"1"}})");
  submit(h, "plain", "q", R"(,"max_attempts":1,"payload":{})");
  h.fail(h.lease_one());
  const auto id = start(h, R"({"ids":["d0","plain"],"patch":{"$weir":{"k":"2"}}})");
  h.tick();
  EXPECT_EQ(h.count(Status::dlq), 2);
  EXPECT_EQ(text(redrive(h, id), "failed"), "2");
}

TEST(Redrives, IdsGoInTheirOrder) {
  Harness h;
  make_letters(h, 3);
  const auto id = start(h, R"({"filter":{"ids":["d2","nobody","d0"]},"rate_per_s":1})");
  EXPECT_EQ(text(redrive(h, id), "matched"), "3");
  h.tick();
  EXPECT_EQ(h.status("d2"), "unprocessed");
  EXPECT_EQ(h.status("d0"), "dlq");
  for (int i = 0; i < 2; ++i) {
    h.advance(1s);
    h.tick();
  }
  EXPECT_EQ(h.status("d0"), "unprocessed");
  EXPECT_EQ(h.status("d1"), "dlq");
  EXPECT_EQ(text(redrive(h, id), "skipped"), "1");
  EXPECT_EQ(text(redrive(h, id), "state"), "completed");
  EXPECT_EQ(h.number("SELECT count(*) FROM job_redrive_ids"), 0);
}

TEST(Redrives, WhatDiesAgainIsNotTheirBusiness) {
  Harness h;
  make_letters(h, 3);
  const auto id = start(h, R"({"filter":{"error":"BOOM"},"rate_per_s":1})");
  for (int i = 0; i < 6; ++i) {
    h.tick();
    if (const auto token = h.lease_one(); !token.empty()) h.fail(token, R"({"error":"boom"})");
    h.advance(1s);
  }
  EXPECT_EQ(text(redrive(h, id), "state"), "completed");
  EXPECT_EQ(text(redrive(h, id), "redriven"), "3");
  EXPECT_EQ(h.count(Status::dlq), 3);
}

TEST(Redrives, CanBeStopped) {
  Harness h;
  make_letters(h, 3);
  const auto id = start(h, R"({"ids":["d0","d1","d2"],"rate_per_s":1})");
  h.tick();
  EXPECT_EQ(text(h.must(Requests::redrive_cancel(id)), "state"), "cancelled");
  h.advance(1h);
  h.tick();
  EXPECT_EQ(h.count(Status::dlq), 2);
  EXPECT_EQ(h.machine->next_due().has_value(), false);
  EXPECT_EQ(h.refused(Requests::redrive_cancel(id)).reason, "redrive_ended");
  EXPECT_EQ(h.refused(Requests::redrive_cancel("none")).reason, "redrive_not_found");
}

TEST(Redrives, AreBoundedAndListed) {
  Harness h;
  make_letters(h, 1);
  for (int i = 0; i < kMaxRedrives; ++i) start(h, R"({"queue":"other","rate_per_s":1})");
  const json::View body(R"({"queue":"q","rate_per_s":1})");
  EXPECT_EQ(h.refused(h.requests.redrive_start(body)).reason, "too_many_redrives");
  h.tick();
  const auto last = start(h, R"({"queue":"q","patch":{}})");
  const auto page = h.read([](sqlite::Database& db) { return list_redrives(db, 2, ""); });
  ASSERT_EQ(list(page, "items").size(), 2U);
  EXPECT_EQ(text(list(page, "items")[0].find("id")), last);
  EXPECT_EQ(text(list(page, "items")[0].find("queue")), "q");
  const auto next = text(page, "next_cursor");
  const auto rest = h.read([&](sqlite::Database& db) { return list_redrives(db, 1'000, next); });
  EXPECT_EQ(list(rest, "items").size(), 99U);
  for (int i = 0; i < 5; ++i) {
    h.tick();
    start(h, R"({"queue":"other","rate_per_s":1})");
  }
  EXPECT_LE(h.number("SELECT count(*) FROM job_redrives"), kRedrivesKept + 1);
}

TEST(Redrives, BadRequestsAreRefusedWithTheField) {
  Harness h;
  const auto field = [&](const char* body) {
    const auto operation = h.requests.redrive_start(json::View(body));
    return operation ? std::string("accepted") : operation.error().fields.at(0).field;
  };
  EXPECT_EQ(field(R"({"rate_per_s":1})"), "filter");
  EXPECT_EQ(field(R"({"filter":{},"rate_per_s":1})"), "filter");
  EXPECT_EQ(field(R"({"queue":"q","rate_per_s":0})"), "rate_per_s");
  EXPECT_EQ(field(R"({"filter":{"status":"failed"},"patch":1})"), "filter.status");
  EXPECT_EQ(field(R"({"filter":{"colour":"red"},"patch":1})"), "filter.colour");
  EXPECT_EQ(field(R"({"ids":[],"patch":1})"), "ids");
  EXPECT_EQ(field(R"({"ids":[7],"patch":1})"), "ids[0]");
  EXPECT_EQ(field(R"({"queue":"q","patch":1,"start_at":1})"), "start_at");
  const auto large = R"({"queue":"q","patch":")" + std::string(65'536, 'x') + "\"}";
  EXPECT_EQ(field(large.c_str()), "patch");
  EXPECT_EQ(field(R"({"queue":"q","patch":null,"rate_per_s":1000000})"), "accepted");
}

}  // namespace
}  // namespace weir::jobs
