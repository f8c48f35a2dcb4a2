#include "pkg/base/ids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace weir {
namespace {

std::int64_t millis_of(const std::string& uuid) {
  return std::stoll(uuid.substr(0, 8) + uuid.substr(9, 4), nullptr, 16);
}

TEST(UuidGenerator, MakesVersion7OfRfc9562) {
  const ManualClock clock(from_unix_ms(0x0123456789ab));
  SeededRandom random(1);
  const std::string id = UuidGenerator(clock, random).next();
  ASSERT_EQ(id.size(), 36U);
  for (std::size_t at = 0; at < id.size(); ++at) {
    const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
    const bool hex = (id[at] >= '0' && id[at] <= '9') || (id[at] >= 'a' && id[at] <= 'f');
    EXPECT_TRUE(dash ? id[at] == '-' : hex) << id << " at " << at;
  }
  EXPECT_EQ(id.substr(0, 13), "01234567-89ab");
  EXPECT_EQ(id[14], '7') << "version";
  EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos) << "variant of " << id;
}

TEST(UuidGenerator, GrowsWithinOneMillisecondAndPastItsCounter) {
  const ManualClock clock;
  SeededRandom random(2);
  UuidGenerator generator(clock, random);
  std::string before = generator.next();
  for (int i = 0; i < 10'000; ++i) {  // more than the 4,096 values of the counter
    const std::string next = generator.next();
    ASSERT_LT(before, next);
    before = next;
  }
  EXPECT_GE(millis_of(before), to_unix_ms(clock.wall()) + 2) << "overflow borrows from the time";
}

TEST(UuidGenerator, GrowsWhenTheClockStepsBack) {
  ManualClock clock;
  SeededRandom random(3);
  UuidGenerator generator(clock, random);
  const std::string before = generator.next();
  clock.jump_wall(Millis{-3'600'000});
  const std::string after = generator.next();
  EXPECT_LT(before, after);
  clock.jump_wall(Millis{7'200'000});
  const std::string later = generator.next();
  EXPECT_LT(after, later);
  EXPECT_EQ(millis_of(later), to_unix_ms(clock.wall()));
}

TEST(UuidGenerator, ThreadsNeverShareAnId) {
  const SystemClock clock;
  SystemRandom random;
  UuidGenerator generator(clock, random);
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  std::vector<std::vector<std::string>> made(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&generator, &mine] {
      for (int i = 0; i < kEach; ++i) mine.push_back(generator.next());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> prefixes;  // the random part is not what keeps them apart
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    for (const auto& id : mine) prefixes.insert(id.substr(0, 18));
  }
  EXPECT_EQ(prefixes.size(), static_cast<std::size_t>(kThreads * kEach));
}

TEST(Random, SeededRepeatsAndSeedsDiffer) {
  SeededRandom one(7);
  SeededRandom same(7);
  SeededRandom other(8);
  const auto first = one.next();
  EXPECT_EQ(first, same.next());
  EXPECT_NE(first, other.next());
  EXPECT_NE(first, one.next());
}

TEST(Random, SplitmixMatchesItsPublishedVectors) {
  SeededRandom random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ULL);
  EXPECT_EQ(random.next(), 3203168211198807973ULL);
  EXPECT_EQ(random.next(), 9817491932198370423ULL);
}

TEST(Random, SystemDrawsDiffer) {
  SystemRandom random;
  std::set<std::uint64_t> drawn;
  for (int i = 0; i < 1'000; ++i) drawn.insert(random.next());
  EXPECT_EQ(drawn.size(), 1'000U);
}

TEST(Random, HexHasTheAskedLength) {
  SystemRandom random;
  for (const std::size_t digits : {0U, 1U, 15U, 16U, 17U, 64U}) {
    const std::string text = random_hex(random, digits);
    EXPECT_EQ(text.size(), digits);
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
  }
}

struct NameCase {
  std::string text;
  bool id;
  bool name;
};

class Names : public testing::TestWithParam<NameCase> {};

TEST_P(Names, AreJudged) {
  EXPECT_EQ(is_valid_id(GetParam().text), GetParam().id) << GetParam().text;
  EXPECT_EQ(is_valid_name(GetParam().text), GetParam().name) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Names,
    testing::Values(NameCase{"", false, false}, NameCase{"a", true, true},
                    NameCase{"emails.high-prio_2", true, true}, NameCase{"a:b", true, false},
                    NameCase{".a", true, false}, NameCase{"a.", true, false},
                    NameCase{"a..b", true, false}, NameCase{"a b", false, false},
                    NameCase{"a*", false, false}, NameCase{">", false, false},
                    NameCase{"a/b", false, false}, NameCase{"gr\xc3\xbc\xc3\x9f", false, false},
                    NameCase{std::string("a\0b", 3), false, false}, NameCase{"a\n", false, false},
                    NameCase{std::string(128, 'x'), true, true},
                    NameCase{std::string(129, 'x'), false, false}));

}  // namespace
}  // namespace weir
