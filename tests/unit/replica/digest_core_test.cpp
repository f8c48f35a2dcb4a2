#include "pkg/replica/digest_core.hpp"

#include <gtest/gtest.h>

namespace weir::replica {
namespace {

using namespace std::chrono_literals;
using Duty = DigestCore::Duty;

constexpr MonoTime at(Millis since) {
  return MonoTime{1h} + since;
}
DigestNews news(Revision checkpoint, std::uint64_t work, bool disputed = false) {
  return {.checkpoint = checkpoint, .work = work, .disputed = disputed, .own = {}, .differing = {}};
}

class DigestCoreTest : public testing::Test {
 protected:
  DigestCore core_{{.entries = 100, .every = 60s, .rows = 7}, "here"};
};

TEST_F(DigestCoreTest, ACheckpointIsDueAfterSoManyEntries) {
  core_.set(news(0, 99), at(0ms));
  EXPECT_FALSE(core_.checkpoint(at(0ms)));
  core_.set(news(0, 100), at(10ms));
  const auto checkpoint = core_.checkpoint(at(10ms));
  ASSERT_TRUE(checkpoint);
  EXPECT_EQ(checkpoint->name, "sys.checkpoint");
  EXPECT_EQ(checkpoint->body, R"({"by":"here","rows":7})");
  EXPECT_FALSE(core_.checkpoint(at(10ms))) << "one at a time";
  core_.on_reply(Duty::checkpoint, {}, at(20ms));
  core_.set(news(101, 0), at(20ms));
  EXPECT_FALSE(core_.checkpoint(at(20ms)));
}

TEST_F(DigestCoreTest, OrAfterAWhileWhenThereWasAnyEntry) {
  core_.set(news(5, 0), at(0ms));
  EXPECT_FALSE(core_.checkpoint(at(1h)));
  EXPECT_FALSE(core_.next_step(true));
  core_.set(news(5, 1), at(1h));
  EXPECT_TRUE(core_.checkpoint(at(1h))) << "counted from the last checkpoint";
  core_.on_reply(Duty::checkpoint, {}, at(1h));
  core_.set(news(9, 1), at(1h));
  EXPECT_EQ(core_.next_step(true), at(1h + 60s));
  EXPECT_FALSE(core_.next_step(false)) << "the leader's";
  EXPECT_FALSE(core_.checkpoint(at(1h + 59s)));
  EXPECT_TRUE(core_.checkpoint(at(1h + 60s)));
}

TEST_F(DigestCoreTest, ADisputeIsDecidedSoon) {
  core_.set(news(5, 0, true), at(0ms));
  EXPECT_FALSE(core_.checkpoint(at(2'999ms)));
  EXPECT_TRUE(core_.checkpoint(at(3s)));
}

TEST_F(DigestCoreTest, AFailedProposalIsMadeAgainLater) {
  auto mine = news(5, 200);
  mine.own = Operation{"sys.digest", "{}"};
  core_.set(mine, at(0ms));
  EXPECT_EQ(core_.next_step(false), MonoTime{});
  EXPECT_TRUE(core_.digest(at(0ms)));
  EXPECT_FALSE(core_.digest(at(0ms)));
  EXPECT_TRUE(core_.checkpoint(at(0ms)));
  const Error away{Code::unavailable, "nats_unavailable", "", ""};
  core_.on_reply(Duty::digest, away, at(0ms));
  core_.on_reply(Duty::checkpoint, away, at(0ms));
  EXPECT_FALSE(core_.digest(at(500ms)));
  EXPECT_FALSE(core_.checkpoint(at(500ms)));
  EXPECT_EQ(core_.next_step(true), at(1s));
  EXPECT_TRUE(core_.digest(at(1s)));
  EXPECT_TRUE(core_.checkpoint(at(1s)));
}

TEST(DigestCore, NoneAreMadeWithZeroEntries) {
  DigestCore core({.entries = 0}, "here");
  core.set(news(0, 1'000'000), at(0ms));
  EXPECT_FALSE(core.checkpoint(at(24h)));
  EXPECT_FALSE(core.next_step(true));
}

}  // namespace
}  // namespace weir::replica
