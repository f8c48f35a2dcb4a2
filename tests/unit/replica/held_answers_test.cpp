// Answers that wait until the outbox is empty.
#include "pkg/replica/held_answers.hpp"

#include <gtest/gtest.h>

namespace weir::replica {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

class HeldAnswersTest : public testing::Test {
 protected:
  void add(std::uint64_t place, Millis until, const std::string& body = "{}") {
    held_.add(place, MonoTime{} + until, body, [this, place](Result<Reply> reply) {
      said_.push_back(std::to_string(place) + " " +
                      (!reply        ? reply.error().reason
                       : reply->kept ? "kept"
                                     : reply->json));
    });
  }
  std::vector<std::string> said(Completions completions) {
    said_.clear();
    for (auto& one : completions) one.done(std::move(one.reply));
    return said_;
  }
  void applied(std::uint64_t first, std::vector<Result<std::string>> replies) {
    held_.applied(first, 7, replies);
  }

  HeldAnswers held_{{.answers = 3, .bytes = 10}};
  std::vector<std::string> said_;
};

using Said = std::vector<std::string>;

TEST_F(HeldAnswersTest, SayWhatWasAppliedOrThatItIsKept) {
  add(5, 10ms);
  add(7, 20ms);
  add(8, 30ms);
  applied(4, {"four"s, "five"s, "six"s, Error{Code::conflict, "no", "", ""}});
  EXPECT_EQ(said(held_.take_all()), (Said{"5 five", "7 no", "8 kept"}));
  EXPECT_TRUE(held_.take_all().empty());
}

TEST_F(HeldAnswersTest, KnowWhoWaits) {
  add(5, 10ms);
  EXPECT_FALSE(held_.awaits(1, 4));
  EXPECT_TRUE(held_.awaits(1, 5));
  EXPECT_TRUE(held_.awaits(5, 1));
  EXPECT_FALSE(held_.awaits(6, 100));
}

TEST_F(HeldAnswersTest, EndWithTheirTime) {
  EXPECT_EQ(held_.next_end(), std::nullopt);
  add(1, 10ms);
  add(2, 20ms);
  EXPECT_EQ(held_.next_end(), MonoTime{} + 10ms);
  EXPECT_EQ(said(held_.take_over(MonoTime{} + 9ms)), Said{});
  EXPECT_EQ(said(held_.take_over(MonoTime{} + 10ms)), Said{"1 kept"});
  applied(1, {"one"s, "two"s});
  EXPECT_EQ(said(held_.take_over(MonoTime{} + 20ms)), Said{"2 two"});
}

TEST_F(HeldAnswersTest, AreBounded) {
  EXPECT_TRUE(held_.has_room("0123456789"));
  EXPECT_FALSE(held_.has_room("01234567890"));
  for (std::uint64_t place = 1; place <= 3; ++place) add(place, 10ms);
  EXPECT_FALSE(held_.has_room(""));
  EXPECT_EQ(held_.take_all().size(), 3U);
  EXPECT_TRUE(held_.has_room("0123456789"));
}

}  // namespace
}  // namespace weir::replica
