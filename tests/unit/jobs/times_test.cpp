// How long jobs wait and run, as a coordinator saw it; failures that end a job for ever.
#include "jobs/times.hpp"

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

TEST(DurationCounts, PercentilesAreNearTheTruth) {
  for (const std::int64_t scale : {1, 7, 1'000, 3'600'000}) {
    DurationCounts counts;
    for (std::int64_t i = 1; i <= 1'000; ++i) counts.add(i * scale);
    for (const double share : {0.01, 0.5, 0.9, 0.95, 0.99, 1.0}) {
      const auto truth = share * 1'000 * static_cast<double>(scale);
      EXPECT_NEAR(static_cast<double>(counts.percentile(share)), truth, truth * 0.13 + 1)
          << scale << " " << share;
    }
  }
}

TEST(DurationCounts, SmallAndAbsurdValues) {
  DurationCounts counts;
  EXPECT_EQ(counts.percentile(0.5), 0);
  for (const std::int64_t ms : {0, 1, 2, 3}) {
    DurationCounts one;
    one.add(ms);
    EXPECT_EQ(one.percentile(0.5), ms);
  }
  counts.add(-5);
  EXPECT_EQ(counts.percentile(0.5), 0);
  counts.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_GT(counts.percentile(1), 1'000'000'000);
  EXPECT_EQ(counts.count(), 2);
}

TEST(TimesBoard, ForgetsWhatIsOld) {
  TimesBoard board;
  board.ran("q", 100, 300'000);
  EXPECT_EQ(board.queue("q", 300'000).run.count(), 1);
  EXPECT_EQ(board.queue("q", 899'999).run.count(), 1);
  EXPECT_EQ(board.queue("q", 900'000).run.count(), 0);
  board.ran("q", 100, 600'000);
  EXPECT_EQ(board.queue("q", 600'000).run.count(), 2);
  board.ran("q", 100, 1'500'000);
  EXPECT_EQ(board.queue("q", 1'500'000).run.count(), 1);
  EXPECT_EQ(board.queue("other", 1'500'000).run.count(), 0);
  board.forget("q");
  EXPECT_EQ(board.queue("q", 1'500'000).run.count(), 0);
}

TEST(TimesBoard, ALeaseCountsTheWaitAndAnEndTheRun) {
  Harness h;
  submit(h, "now", "q", R"(,"priority":7)");
  submit(h, "later", "q", R"(,"delay_ms":10000,"priority":2)");
  h.advance(2s);
  const auto token = h.lease_one();
  h.advance(5s);
  h.complete(token);
  h.advance(4s);  // a second after run_at
  h.tick();
  h.fail(h.lease_one());
  const auto& board = h.machine->stats().times();
  const auto times = board.queue("q", to_unix_ms(h.clock.wall()));
  EXPECT_EQ(times.wait.count(), 2);
  EXPECT_NEAR(static_cast<double>(times.wait.percentile(1)), 2'000, 260);
  EXPECT_NEAR(static_cast<double>(times.wait.percentile(0.5)), 1'000, 130);
  EXPECT_EQ(times.run.count(), 2);
  EXPECT_NEAR(static_cast<double>(times.run.percentile(1)), 5'000, 650);
  const auto levels = board.by_priority();
  EXPECT_DOUBLE_EQ(levels.at(7).sum_seconds, 2);
  EXPECT_DOUBLE_EQ(levels.at(2).sum_seconds, 1);
  EXPECT_EQ(levels.at(7).counts.at(5), 1U);  // up to 5 s
  EXPECT_DOUBLE_EQ(levels.at(5).sum_seconds, 0);
}

TEST(Terminate, EndsAsFailedWithoutADeadLetter) {
  Harness h;
  submit(h, "j");
  h.fail(h.lease_one(), R"({"terminate":true,"error":{"message":"no such user"}})");
  EXPECT_EQ(h.status("j"), "failed");
  EXPECT_TRUE(h.effects.empty());
  EXPECT_EQ(h.total(Total::dead_lettered), 0);
  EXPECT_EQ(h.total(Total::failed), 1);
  submit(h, "k");
  const auto token = h.lease_one();
  h.work(R"({"worker":"w1","fail":[{"lease":")" + token + R"(","terminate":true}]})");
  EXPECT_EQ(h.status("k"), "failed");
  h.expect_counts_true();
}

TEST(Terminate, DoesNotGoWithARetry) {
  Harness h;
  const auto bad = h.requests.fail("1.1.1", json::View(R"({"retry":true,"terminate":true})"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().fields.at(0).field, "terminate");
}

}  // namespace
}  // namespace weir::jobs
