// What time alone brings about: ticks and retention.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST(Tick, IsBoundedAndDueAgain) {
  Harness h;
  std::string body = "{\"jobs\":[";
  for (int i = 0; i < 2'500; ++i) {
    body += std::string(i > 0 ? "," : "") + R"({"queue":"q","delay_ms":1000})";
  }
  body += "]}";
  const auto batch = h.requests.submit_batch(json::View(body)).value();
  for (const auto& part : batch.parts) h.must(part.operation);
  h.advance(1s);
  std::vector<std::string> due;
  while (h.machine->next_due() && *h.machine->next_due() <= h.clock.wall()) {
    due.push_back(text(h.tick(), "due"));
  }
  EXPECT_THAT(due, ElementsAre("1000", "1000", "500"));
  EXPECT_FALSE(h.machine->next_due());
  h.expect_counts_true();
}

TEST(Tick, NoQueueStarves) {
  Harness h;
  for (int queue = 0; queue < 5; ++queue) {
    std::string body = "{\"jobs\":[";
    for (int i = 0; i < 1'000; ++i) {
      body += std::string(i > 0 ? "," : "") + "{\"queue\":\"q" + std::to_string(queue) +
              "\",\"delay_ms\":1000}";
    }
    h.must(h.requests.submit_batch(json::View(body + "]}")).value().parts.at(0).operation);
  }
  h.advance(1s);
  h.tick();
  const auto stats = h.machine->stats().snapshot();
  for (const auto& queue : stats.queues) {
    EXPECT_EQ(queue.counts[index_of(Status::unprocessed)], 200) << queue.name;
  }
}

TEST(Retention, ByAge) {
  Harness h;
  h.must(h.requests.queue_config(
      "q", json::View(R"({"retention":{"completed_ms":"1h","failed_ms":"2h"}})")));
  h.submit(plain("done"));
  h.complete(h.lease_one());
  h.submit(plain("cancelled"));
  h.must(h.requests.cancel("cancelled", json::View()));
  make_dead(h, "dead");
  EXPECT_EQ(*h.machine->next_due(), h.clock.wall() + 1h);
  h.advance(1h);
  EXPECT_EQ(text(h.tick(), "removed"), "1");
  EXPECT_EQ(*h.machine->next_due(), h.clock.wall() + 1h);
  h.advance(1h);
  EXPECT_EQ(text(h.tick(), "removed"), "1");
  EXPECT_EQ(h.status("dead"), "dlq");
  EXPECT_FALSE(h.machine->next_due());
}

TEST(Retention, ByCountDropsTheOldest) {
  Harness h;
  h.must(h.requests.queue_config("q", json::View(R"({"retention":{"count":2}})")));
  for (const auto* id : {"a", "b", "c", "d"}) {
    h.submit(plain(id));
    if (std::string_view(id) == "b") {
      h.must(h.requests.cancel("b", json::View()));
    } else {
      h.complete(h.lease_one());
    }
    h.advance(1ms);
  }
  ASSERT_LE(*h.machine->next_due(), h.clock.wall());
  EXPECT_EQ(text(h.tick(), "removed"), "2");
  EXPECT_EQ(h.status("c"), "completed");
  EXPECT_EQ(h.status("d"), "completed");
  h.expect_counts_true();
}

TEST(Retention, AShorterOneTakesEffectAtOnce) {
  Harness h;
  h.submit(plain("done"));
  h.complete(h.lease_one());
  h.advance(1h);
  h.must(h.requests.queue_config("q", json::View(R"({"retention":{"completed_ms":1000}})")));
  ASSERT_LE(*h.machine->next_due(), h.clock.wall());
  EXPECT_EQ(text(h.tick(), "removed"), "1");
}

TEST(Attempts, OnlyTheNewestAreKept) {
  Harness h;
  h.submit(plain("j"));
  for (int i = 0; i < 150; ++i) h.must(h.requests.release(h.lease_one(), json::View()));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_attempts"), kAttemptsKept);
}

}  // namespace
}  // namespace weir::jobs
