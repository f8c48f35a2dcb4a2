#include "pkg/replica/proposer_core.hpp"

#include <gtest/gtest.h>

#include "pkg/json/view.hpp"

namespace weir::replica {
namespace {

using namespace std::chrono_literals;

struct Answer {
  int operation;
  std::string text;  // reply, or reason of the error
};

class ProposerCoreTest : public testing::Test {
 protected:
  static ProposerOptions options() {
    ProposerOptions out;
    out.proposer_id = "node-1";
    return out;
  }

  Result<void> submit(int number, std::size_t bytes = 0) {
    Operation operation{"toy.add", R"({"i":)" + std::to_string(number) + R"(,"pad":")" +
                                       std::string(bytes, 'x') + "\"}"};
    ReplyHandler done = [this, number](Result<Reply> reply) {
      answers_.push_back({number, reply ? reply->json : reply.error().reason});
    };
    return core_->submit(operation, done, now_);
  }

  // The operations that an attempt carries.
  static std::vector<int> carried(const ProposerCore::Attempt& attempt) {
    std::vector<int> out;
    for (const auto operation : json::View(*attempt.data).find("ops").elements()) {
      int at = 0;
      for (const auto part : operation.elements()) {
        if (at++ == 1) out.push_back(static_cast<int>(part.find("i").as_int().value_or(-1)));
      }
    }
    return out;
  }

  void ack(std::uint64_t sequence, Result<Appended> result = Appended{1, false}) {
    Completions out;
    core_->on_append(sequence, result, now_, out);
    finish(out);
  }
  void apply(std::uint64_t sequence, std::vector<std::string> replies) {
    OwnEntry entry{sequence, 9, {}};
    for (auto& reply : replies) entry.replies.emplace_back(std::move(reply));
    Completions out;
    core_->on_applied(std::move(entry), out);
    finish(out);
  }
  void advance(Millis by) {
    now_ += by;
    Completions out;
    core_->on_timer(now_, out);
    finish(out);
  }
  static void finish(Completions& out) {
    for (auto& completion : out) completion.done(std::move(completion.reply));
  }
  void restart(ProposerOptions with) { core_ = std::make_unique<ProposerCore>(with); }

  static Error lost() { return {Code::deadline_exceeded, "outcome_unknown", "", ""}; }
  static Error down() { return {Code::unavailable, "no_responders", "", ""}; }

  MonoTime now_{1h};
  std::unique_ptr<ProposerCore> core_ = std::make_unique<ProposerCore>(options());
  std::vector<Answer> answers_;
};

TEST_F(ProposerCoreTest, AnIdleProposerWaitsForNothing) {
  ASSERT_TRUE(submit(1));
  const auto attempt = core_->next(now_);
  ASSERT_TRUE(attempt);
  EXPECT_EQ(attempt->sequence, 1U);
  EXPECT_EQ(attempt->message_id, "node-1.1");
  EXPECT_EQ(carried(*attempt), std::vector<int>{1});
}

TEST_F(ProposerCoreTest, WhatArrivesMeanwhileGoesIntoOneEntry) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  for (int i = 2; i <= 50; ++i) ASSERT_TRUE(submit(i));
  EXPECT_FALSE(core_->next(now_));
  ack(1);
  const auto second = core_->next(now_);
  ASSERT_TRUE(second);
  EXPECT_EQ(carried(*second).size(), 49U);
  EXPECT_EQ(carried(*second).front(), 2);
  EXPECT_EQ(core_->counters().entries, 2U);
  EXPECT_EQ(core_->counters().operations, 50U);
}

TEST_F(ProposerCoreTest, AnApplyFreesTheSlotAsWellAsAnAck) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ASSERT_TRUE(submit(2));
  apply(1, {"one"});
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].text, "one");
  EXPECT_TRUE(core_->next(now_));
  ack(1);  // late: nothing to do
  EXPECT_EQ(core_->waiting(), 1U);
}

TEST_F(ProposerCoreTest, RepliesWaitForTheApply) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(submit(2));
  ASSERT_TRUE(core_->next(now_));
  ack(1);
  EXPECT_TRUE(answers_.empty());
  apply(1, {"one", "two"});
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[0].operation, 1);
  EXPECT_EQ(answers_[1].text, "two");
  apply(1, {"one", "two"});
  EXPECT_EQ(answers_.size(), 2U);
  EXPECT_EQ(core_->waiting(), 0U);
}

TEST_F(ProposerCoreTest, EntriesAreBoundedByOperationsAndBytes) {
  auto small = options();
  small.max_entry_operations = 3;
  small.max_entry_bytes = 1'000;
  small.hard_entry_bytes = 5'000;
  restart(small);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(submit(i));
  ASSERT_TRUE(submit(4, 700));
  ASSERT_TRUE(submit(5, 700));
  ASSERT_TRUE(submit(6, 4'000));  // alone: over the usual size, under the hard one
  const auto refused = submit(7, 5'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "operation_too_large");
  std::vector<std::vector<int>> entries;
  while (const auto attempt = core_->next(now_)) {
    EXPECT_LE(attempt->data->size(), 5'000U);
    entries.push_back(carried(*attempt));
    ack(attempt->sequence);
  }
  EXPECT_EQ(entries, (std::vector<std::vector<int>>{{0, 1, 2}, {3, 4}, {5}, {6}}));
}

TEST_F(ProposerCoreTest, SeveralInFlight) {
  auto wide = options();
  wide.max_in_flight = 2;
  restart(wide);
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ASSERT_TRUE(submit(2));
  ASSERT_TRUE(core_->next(now_));
  ASSERT_TRUE(submit(3));
  EXPECT_FALSE(core_->next(now_));
  ack(2);
  EXPECT_TRUE(core_->next(now_));
}

TEST_F(ProposerCoreTest, FullIsSaidAtOnce) {
  auto small = options();
  small.max_waiting_operations = 2;
  restart(small);
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ASSERT_TRUE(submit(2));
  const auto refused = submit(3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::too_many_requests);
  EXPECT_EQ(refused.error().reason, "proposer_full");
  EXPECT_GT(refused.error().retry_after, 0ms);
  apply(1, {"one"});
  EXPECT_TRUE(submit(3));

  small.max_waiting_operations = 100;
  small.max_waiting_bytes = 2'000;
  restart(small);
  ASSERT_TRUE(submit(1, 1'500));
  EXPECT_FALSE(submit(2, 1'500));
}

TEST_F(ProposerCoreTest, RepeatsUnderTheSameIdUntilAcked) {
  ASSERT_TRUE(submit(1));
  auto attempt = core_->next(now_);
  ASSERT_TRUE(attempt);
  const std::string data = *attempt->data;
  for (int i = 0; i < 4; ++i) {
    ack(1, i % 2 == 0 ? lost() : down());
    EXPECT_FALSE(core_->next(now_)) << "a repeat waits";
    ASSERT_TRUE(core_->next_timer());
    now_ = std::max(now_, *core_->next_timer());
    attempt = core_->next(now_);
    ASSERT_TRUE(attempt);
    EXPECT_EQ(attempt->message_id, "node-1.1");
    EXPECT_EQ(*attempt->data, data);
  }
  EXPECT_EQ(core_->counters().retries, 4U);
  ack(1, Appended{5, true});
  EXPECT_FALSE(core_->next(now_ + 10min));
  apply(1, {"one"});
  EXPECT_EQ(answers_.at(0).text, "one");
}

TEST_F(ProposerCoreTest, ALostAckIsUnknownNeverFailed) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ack(1, lost());
  advance(4'999ms);
  EXPECT_TRUE(answers_.empty());
  advance(1ms);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].text, "outcome_unknown");
  apply(1, {"one"});  // it was stored after all: nobody is told twice
  EXPECT_EQ(answers_.size(), 1U);
}

TEST_F(ProposerCoreTest, WhatWasSurelyNotStoredIsUnavailable) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ack(1, down());
  ASSERT_TRUE(submit(2));  // never leaves the queue: the slot is taken
  advance(5s);
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[0].text, "nats_unavailable");
  EXPECT_EQ(answers_[1].text, "nats_unavailable");
  EXPECT_EQ(core_->waiting(), 0U);
  EXPECT_FALSE(core_->next_timer());
}

TEST_F(ProposerCoreTest, AnAttemptWithoutAnswerIsUnknown) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  advance(5s);
  EXPECT_EQ(answers_.at(0).text, "outcome_unknown");
  ASSERT_TRUE(submit(2));
  EXPECT_TRUE(core_->next(now_)) << "the slot of what was given up is free again";
}

TEST_F(ProposerCoreTest, ARefusalEndsAFirstAttemptOnly) {
  const Error full{Code::out_of_space, "stream_full", "", ""};
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ack(1, full);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].text, "stream_full");

  ASSERT_TRUE(submit(2));
  ASSERT_TRUE(core_->next(now_));
  ack(2, lost());
  now_ += 1s;
  ASSERT_TRUE(core_->next(now_));
  ack(2, full);  // the first attempt may have been stored
  EXPECT_EQ(answers_.size(), 1U);
  advance(5s);
  EXPECT_EQ(answers_.at(1).text, "outcome_unknown");
}

TEST_F(ProposerCoreTest, EachOperationHasItsOwnDeadline) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ASSERT_TRUE(submit(2));
  now_ += 2s;
  ASSERT_TRUE(submit(3));
  ack(1);
  ASSERT_TRUE(core_->next(now_));  // 2 and 3
  advance(3s);
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[1].operation, 2);
  apply(2, {"two", "three"});
  ASSERT_EQ(answers_.size(), 3U);
  EXPECT_EQ(answers_[2].operation, 3);
  EXPECT_EQ(answers_[2].text, "three");
}

TEST_F(ProposerCoreTest, SaysNotStoredOnlyOfWhatIsNeverTriedAgain) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ASSERT_TRUE(submit(2));
  now_ += 2s;
  ASSERT_TRUE(submit(3));
  ack(1);
  ASSERT_TRUE(core_->next(now_));  // 2 and 3 in one entry
  ack(2, down());
  advance(3s);  // the deadline of 2
  ASSERT_EQ(answers_.size(), 3U);
  EXPECT_EQ(answers_[1].text, "nats_unavailable");
  EXPECT_EQ(answers_[2].text, "nats_unavailable") << "3 must not be stored together with 2";
  EXPECT_FALSE(core_->next(now_ + 1min));
}

TEST_F(ProposerCoreTest, TheEndAnswersEverybody) {
  ASSERT_TRUE(submit(1));
  ASSERT_TRUE(core_->next(now_));
  ASSERT_TRUE(submit(2));
  Completions out;
  core_->fail_all({Code::unavailable, "replica_stopped", "", ""}, out);
  finish(out);
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[0].text, "replica_stopped");  // never left
  EXPECT_EQ(answers_[1].text, "outcome_unknown");  // on its way
  EXPECT_EQ(core_->waiting(), 0U);
}

}  // namespace
}  // namespace weir::replica
