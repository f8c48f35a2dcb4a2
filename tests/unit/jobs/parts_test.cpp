// Tokens and backoff.
#include "jobs/backoff.hpp"
#include "jobs/token.hpp"
#include "pkg/base/ids.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

TEST(Token, ReadsWhatItWrites) {
  SeededRandom random{3};
  for (int i = 0; i < 1'000; ++i) {
    const Token token{static_cast<std::int64_t>(random.next() >> 20U), i,
                      lease_nonce(random.next(), i)};
    EXPECT_EQ(parse_token(format_token(token)), token);
  }
}

TEST(Token, RefusesEverythingElse) {
  for (const auto* text : {"", ".", "..", "1.2", "1.2.", ".1.2", "1.2.3.4", "a b.1.1", "-1.1.1",
                           "1.-1.1", "1.1.-1", "+1.1.1", "zzzzzzzzzzzzzzz.1.1", "1.1.1 "}) {
    EXPECT_FALSE(parse_token(text)) << text;
  }
}

TEST(Token, NoncesDifferByRowAndSalt) {
  EXPECT_NE(lease_nonce(1, 1), lease_nonce(1, 2));
  EXPECT_NE(lease_nonce(1, 1), lease_nonce(2, 1));
  EXPECT_GE(lease_nonce(~0ULL, 1), 0);
}

struct DelayCase {
  std::string name;
  std::string backoff;
  std::vector<std::int64_t> delays;  // after failure 1, 2, ...
};

class BackoffTest : public testing::TestWithParam<DelayCase> {};

TEST_P(BackoffTest, GivesTheDelays) {
  const auto backoff = parse_backoff(json::View(GetParam().backoff));
  std::int64_t failure = 0;
  for (const auto delay : GetParam().delays) {
    EXPECT_EQ(retry_delay_ms(backoff, ++failure, 1'234), delay) << failure;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BackoffTest,
    testing::Values(
        DelayCase{"exponential", R"({"kind":"exponential","jitter":0})", {1000, 2000, 4000, 8000}},
        DelayCase{"factor", R"({"factor":3,"delay_ms":10,"jitter":0})", {10, 30, 90}},
        DelayCase{
            "cap", R"({"factor":10,"delay_ms":10,"max_ms":500,"jitter":0})", {10, 100, 500, 500}},
        DelayCase{"linear", R"({"kind":"linear","delay_ms":5,"jitter":0})", {5, 10, 15}},
        DelayCase{"linear_cap",
                  R"({"kind":"linear","delay_ms":5,"max_ms":12,"jitter":0})",
                  {5, 10, 12, 12}},
        DelayCase{"fixed", R"({"kind":"fixed","delay_ms":7,"jitter":0})", {7, 7, 7}},
        DelayCase{"list", R"({"kind":"list","list_ms":[1,20,3],"jitter":0})", {1, 20, 3, 3}},
        DelayCase{"zero", R"({"kind":"fixed","delay_ms":0,"jitter":1})", {0, 0}}),
    [](const auto& test) { return test.param.name; });

TEST(Backoff, JitterStaysInItsPartAndSpreads) {
  const auto backoff = parse_backoff(json::View(R"({"kind":"fixed","delay_ms":1000})"));
  SeededRandom random{5};
  std::int64_t least = 10'000;
  std::int64_t most = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto delay = retry_delay_ms(backoff, 1, random.next());
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_GE(least, 800);
  EXPECT_LT(least, 820);
  EXPECT_LE(most, 1'200);
  EXPECT_GT(most, 1'180);
}

TEST(Backoff, ReachesTheCapInAThousandFailures) {
  EXPECT_EQ(retry_delay_ms(parse_backoff(json::View(R"({"jitter":0})")), 1'000, 0), 6 * 3'600'000);
  EXPECT_EQ(retry_delay_ms(parse_backoff(json::View(R"({"factor":1,"jitter":0})")), 1'000, 0),
            1'000);
}

TEST(Backoff, ReadsWhatItWrites) {
  for (const auto* text :
       {R"({"kind":"exponential","delay_ms":5,"factor":1.5,"max_ms":9,"jitter":0.1})",
        R"({"kind":"list","list_ms":[1,2],"max_ms":9,"jitter":0})",
        R"({"kind":"linear","delay_ms":5,"max_ms":9,"jitter":1})"}) {
    json::Writer out;
    write_backoff(out, parse_backoff(json::View(text)));
    EXPECT_EQ(out.str(), text);
  }
}

}  // namespace
}  // namespace weir::jobs
