// `weir bench` does the work that it prints figures of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

TEST(Bench, MeasuresEveryPhaseAndLeavesNothingBehind) {
  WeirServer server;
  server.start();
  const auto ran =
      server.cli({"bench", "--jobs", "400", "--batch", "20", "--connections", "4", "--samples", "5",
                  "--runs", "1", "--json", "--data-dir", server.data_dir()});
  ASSERT_EQ(ran.code, 0) << ran.err;
  ASSERT_TRUE(json::check(ran.out)) << ran.out;
  const auto rates = json::View(ran.out).find("per_second");
  for (const char* phase : {"submit-single", "submit-batch", "lifecycle", "lifecycle-limited",
                            "jetstream publish", "jetstream fetch+ack"}) {
    EXPECT_GT(rates.find(phase).find("median").as_double().value_or(0), 0) << phase;
  }
  const auto latency = json::View(ran.out).find("latency_us").find("latency p50");
  EXPECT_GT(latency.find("median").as_double().value_or(0), 0);

  auto client = server.client();
  const auto status = client.get("/health/status");
  // Four phases of 400 jobs, five samples: each was completed, or purged after its submit.
  const auto jobs = status.json().find("jobs");
  EXPECT_EQ(jobs.find("total").as_int(), 0) << jobs.raw();
  const auto queues = client.get("/v1/queues");
  EXPECT_EQ(queues.body.find("bench-"), std::string::npos) << queues.body;
}

TEST(Bench, SaysWhatIsWrong) {
  WeirServer server;
  server.start();
  const auto unknown = server.cli({"bench", "--phase", "nap"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, testing::HasSubstr("unknown phase \"nap\""));
  const auto no_nats = server.cli({"bench", "--phase", "yardstick", "--data-dir", "/nowhere"});
  EXPECT_NE(no_nats.code, 0);
  EXPECT_THAT(no_nats.err, testing::HasSubstr("no embedded NATS in /nowhere"));
}

}  // namespace
}  // namespace weir::test
