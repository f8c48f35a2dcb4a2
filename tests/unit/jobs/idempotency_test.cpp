// Idempotency keys: one request, one outcome, and how long they are kept.
#include "jobs/idempotency.hpp"

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

const Idempotency kOnce{.key = "k", .by = "client", .digest = "d1"};

Result<std::string> send(Harness& h, const Idempotency& once, const std::string& body) {
  return h.apply(h.requests.submit(json::View(body), once).value());
}

const std::string kJob = R"({"queue":"q"})";

TEST(Idempotency, TheFirstAnswerAgain) {
  Harness h;
  const auto first = send(h, kOnce, kJob).value();
  EXPECT_FALSE(is_duplicate(first));
  h.restart();
  h.advance(Millis{5'000});
  const auto again = send(h, kOnce, kJob).value();
  EXPECT_EQ(again, first.substr(0, first.size() - 1) + R"(,"duplicate":true})");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 1);
  EXPECT_EQ(h.total(Total::duplicates), 1);
}

TEST(Idempotency, AnotherRequestIsRefused) {
  Harness h;
  ASSERT_TRUE(send(h, kOnce, kJob));
  auto other = kOnce;
  other.digest = "d2";
  const auto refused = send(h, other, kJob);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_EQ(refused.error().reason, "idempotency_key_reused");
  other.by = "somebody else";
  EXPECT_FALSE(is_duplicate(send(h, other, kJob).value()));
}

TEST(Idempotency, IsKeptAsLongAsTheJob) {
  Harness h;
  const auto id = text(send(h, kOnce, kJob).value(), "id");
  h.complete(h.lease_one());
  h.advance(kDefaultRetention - Millis{1});
  h.tick();
  EXPECT_TRUE(is_duplicate(send(h, kOnce, kJob).value()));
  h.advance(Millis{1});
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_idempotency"), 0);
  const auto fresh = send(h, kOnce, kJob).value();
  EXPECT_FALSE(is_duplicate(fresh));
  EXPECT_NE(text(fresh, "id"), id);
}

TEST(Idempotency, BelongsToTheJobThatAnswered) {
  Harness h;
  const std::string unique = R"({"queue":"q","unique":{"key":"u"}})";
  const auto id = h.submit(unique);
  const auto first = send(h, kOnce, unique).value();
  EXPECT_EQ(text(first, "id"), id);
  EXPECT_EQ(send(h, kOnce, unique).value(), first);
  h.complete(h.lease_one());
  EXPECT_EQ(send(h, kOnce, unique).value(), first) << "the first answer, although the key is free";
  h.must(h.requests.remove(id));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_idempotency"), 0);
}

TEST(Idempotency, ARefusedRequestKeepsNothing) {
  Harness h;
  const std::string unique = R"({"queue":"q","unique":{"key":"u","on_conflict":"reject"}})";
  h.submit(unique);
  EXPECT_FALSE(send(h, kOnce, unique));
  h.complete(h.lease_one());
  EXPECT_FALSE(is_duplicate(send(h, kOnce, unique).value()));
}

TEST(Idempotency, PartsOfABatchAreKeptForADay) {
  Harness h;
  std::string body = R"({"jobs":[)";
  for (int i = 0; i < 3; ++i) {
    body +=
        (i == 0 ? "" : ",") + (R"({"queue":"q","payload":")" + std::string(600'000, 'x')) + "\"}";
  }
  body += "]}";
  const auto run = [&](const Idempotency& once) {
    const auto batch = h.requests.submit_batch(json::View(body), once).value();
    EXPECT_EQ(batch.parts.size(), 3U);
    std::vector<Result<replica::Reply>> replies;
    for (const auto& part : batch.parts) {
      auto reply = h.apply(part.operation);
      if (reply) {
        replies.emplace_back(replica::Reply{.json = *reply, .revision = h.revision});
      } else {
        replies.emplace_back(reply.error());
      }
    }
    return merge_batch(batch, replies);
  };
  const auto first = run(kOnce).value();
  const auto again = run(kOnce).value();
  EXPECT_TRUE(is_duplicate(again));
  EXPECT_EQ(json::View(again).find("results").raw(), json::View(first).find("results").raw());
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 3);
  auto other = kOnce;
  other.digest = "d2";
  EXPECT_EQ(run(other).error().reason, "idempotency_key_reused");
  h.advance(kIdempotencyKept);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_idempotency"), 0);
  EXPECT_FALSE(is_duplicate(run(kOnce).value()));
}

}  // namespace
}  // namespace weir::jobs
