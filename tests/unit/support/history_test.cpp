// The checker itself: it accepts what an order of calls explains, and names each kind of lie.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/history_check.hpp"

namespace weir::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kSecond = 1'000'000;
const std::string kFirst = "1.1.a";
const std::string kSecondLease = "1.2.b";

// Calls of one job, one after the other a tenth of a second apart unless at() says otherwise.
class Story {
 public:
  Story& at(std::int64_t from_us, std::int64_t to_us) {
    from_ = from_us;
    to_ = to_us;
    return *this;
  }
  Story& client(std::size_t client) {
    client_ = client;
    return *this;
  }
  Story& revision(std::int64_t revision) {
    revision_ = revision;
    return *this;
  }
  Story& submit(Told told = Told::yes) { return add({.act = Act::submit, .told = told}); }
  Story& lease(const std::string& token, std::int64_t lease_ms = 30'000) {
    return add({.act = Act::lease, .told = Told::yes, .lease = token, .lease_ms = lease_ms});
  }
  Story& report(Act act, const std::string& token, Told told = Told::yes,
                std::int64_t lease_ms = 0) {
    return add({.act = act, .told = told, .lease = token, .lease_ms = lease_ms});
  }
  Story& complete(const std::string& token, Told told = Told::yes) {
    return report(Act::complete, token, told);
  }
  Story& read(const std::string& status) {
    return add({.act = Act::read, .told = Told::yes, .status = status});
  }
  std::vector<std::string> ends_as(const std::string& status) const {
    return check_history(events_, status.empty() ? FinalJobs{} : FinalJobs{{"j", status}});
  }

 private:
  Story& add(Event event) {
    event.client = client_;
    event.from_us = from_;
    event.to_us = to_;
    event.job = "j";
    event.revision = revision_;
    events_.push_back(std::move(event));
    from_ = to_ + kSecond / 20;
    to_ = from_ + kSecond / 20;
    revision_ = 0;
    return *this;
  }
  std::vector<Event> events_;
  std::size_t client_ = 0;
  std::int64_t revision_ = 0;
  std::int64_t from_ = kSecond;
  std::int64_t to_ = kSecond + kSecond / 20;
};

// --- histories that fit
// ---------------------------------------------------------------------------

TEST(HistoryFits, AnEmptyOne) {
  EXPECT_THAT(check_history({}, {}), IsEmpty());
}

TEST(HistoryFits, AJobThatIsDone) {
  EXPECT_THAT(Story().submit().lease(kFirst).complete(kFirst).ends_as("completed"), IsEmpty());
}

TEST(HistoryFits, UnknownAnswersMayHaveHappenedOrNot) {
  EXPECT_THAT(Story().submit(Told::unknown).ends_as(""), IsEmpty());
  EXPECT_THAT(Story().submit(Told::unknown).ends_as("unprocessed"), IsEmpty());
  Story story;
  story.submit().lease(kFirst).complete(kFirst, Told::unknown);
  EXPECT_THAT(story.ends_as("completed"), IsEmpty());
  EXPECT_THAT(story.ends_as("scheduled"), IsEmpty());
}

TEST(HistoryFits, ARepeatedCompletionIsRefusedOnceTheFirstCounted) {
  EXPECT_THAT(Story()
                  .submit()
                  .lease(kFirst)
                  .complete(kFirst, Told::unknown)
                  .complete(kFirst, Told::no)
                  .ends_as("completed"),
              IsEmpty());
}

TEST(HistoryFits, ALeaseThatRanOutIsGivenAgain) {
  EXPECT_THAT(Story()
                  .submit()
                  .lease(kFirst, 1'000)
                  .at(5 * kSecond, 6 * kSecond)
                  .lease(kSecondLease)
                  .complete(kFirst, Told::no)
                  .complete(kSecondLease)
                  .ends_as("completed"),
              IsEmpty());
}

TEST(HistoryFits, GivenAgainAfterAReleaseThatMayHaveArrived) {
  EXPECT_THAT(Story()
                  .submit()
                  .lease(kFirst)
                  .report(Act::release, kFirst, Told::unknown)
                  .lease(kSecondLease)
                  .ends_as("processing"),
              IsEmpty());
}

TEST(HistoryFits, CallsAtTheSameTimeHappenInEitherOrder) {
  EXPECT_THAT(Story()
                  .submit()
                  .lease(kFirst)
                  .at(2 * kSecond, 3 * kSecond)
                  .report(Act::fail, kFirst)
                  .client(1)
                  .at(2 * kSecond, 4 * kSecond)
                  .lease(kSecondLease)
                  .ends_as("processing"),
              IsEmpty());
}

TEST(HistoryFits, KeptWorkIsSeenLater) {
  EXPECT_THAT(Story().submit(Told::kept).read("").read("unprocessed").ends_as("unprocessed"),
              IsEmpty());
}

TEST(HistoryFits, OtherClientsMayReadOlderRevisions) {
  EXPECT_THAT(Story().revision(7).submit().client(1).revision(6).read("").ends_as("unprocessed"),
              IsEmpty());
}

// --- histories that do not
// ------------------------------------------------------------------------

struct Lie {
  std::string name;
  std::vector<std::string> complaints;
  std::string expected;
};

class HistoryRefuses : public testing::TestWithParam<Lie> {};

TEST_P(HistoryRefuses, WithAClearText) {
  EXPECT_THAT(GetParam().complaints, testing::Contains(HasSubstr(GetParam().expected)));
}

const Story kDone = Story().submit().lease(kFirst).complete(kFirst);

INSTANTIATE_TEST_SUITE_P(
    Each, HistoryRefuses,
    testing::Values(
        Lie{"Lost", Story().submit().ends_as(""), "job j was accepted and is lost"},
        Lie{"KeptAndLost", Story().submit(Told::kept).ends_as(""), "was accepted and is lost"},
        Lie{"FromNowhere", Story().ends_as("unprocessed"), "nobody submitted it"},
        Lie{"RefusedAndThere", Story().submit(Told::no).ends_as("unprocessed"),
            "every submit of it was refused"},
        Lie{"LeasedTooEarly", Story().lease(kFirst).submit().ends_as("processing"),
            "was leased before it was submitted"},
        Lie{"CompletedTwice",
            Story()
                .submit()
                .lease(kFirst)
                .complete(kFirst)
                .lease(kSecondLease)
                .complete(kSecondLease)
                .ends_as("completed"),
            "was completed 2 times"},
        Lie{"CompletionForgotten", Story(kDone).ends_as("unprocessed"),
            "was completed, but ends as unprocessed"},
        Lie{"CompletedByNobody", Story().submit().lease(kFirst).ends_as("completed"),
            "nobody completed it"},
        Lie{"LeasedAfterCompletion", Story(kDone).lease(kSecondLease).ends_as("completed"),
            "was leased as 1.2.b, and completed under the older 1.1.a"},
        Lie{"TwoLeases",
            Story().submit().lease(kFirst).client(1).lease(kSecondLease).ends_as("processing"),
            "was leased again as 1.2.b while 1.1.a held"},
        Lie{"HeartbeatIgnored",
            Story()
                .submit()
                .lease(kFirst, 1'000)
                .report(Act::heartbeat, kFirst, Told::yes, 60'000)
                .at(9 * kSecond, 10 * kSecond)
                .lease(kSecondLease)
                .ends_as("processing"),
            "was leased again as 1.2.b while 1.1.a held"},
        Lie{"GivenTwice", Story().submit().lease(kFirst).lease(kFirst).ends_as("processing"),
            "was given twice under one fence"},
        Lie{"FenceGoesBack",
            Story()
                .submit()
                .lease(kSecondLease, 100)
                .at(9 * kSecond, 10 * kSecond)
                .lease(kFirst)
                .ends_as("processing"),
            "under a lower fence than before: 1.1.a after 1.2.b"},
        Lie{"StaleHeartbeat",
            Story()
                .submit()
                .lease(kFirst, 100)
                .at(9 * kSecond, 10 * kSecond)
                .lease(kSecondLease)
                .report(Act::heartbeat, kFirst)
                .ends_as("processing"),
            "accepted a heartbeat under 1.1.a after it was leased as 1.2.b"},
        Lie{"StaleCompletion",
            Story()
                .submit()
                .lease(kFirst, 100)
                .at(9 * kSecond, 10 * kSecond)
                .lease(kSecondLease)
                .complete(kFirst)
                .ends_as("completed"),
            "completed under the older 1.1.a"},
        Lie{"ReportAfterTheEnd",
            Story()
                .submit()
                .lease(kFirst)
                .report(Act::fail, kFirst)
                .report(Act::heartbeat, kFirst)
                .ends_as("scheduled"),
            "accepted a heartbeat under 1.1.a after its fail"},
        Lie{"ForeignLease", Story().submit().complete("9.1.z").ends_as("completed"),
            "which nobody was given for it"},
        Lie{"ReportBeforeTheLease",
            Story()
                .submit()
                .report(Act::heartbeat, kFirst)
                .at(9 * kSecond, 10 * kSecond)
                .lease(kFirst)
                .ends_as("processing"),
            "before its lease"},
        Lie{"RevisionGoesBack",
            Story().revision(7).submit().revision(6).read("unprocessed").ends_as("unprocessed"),
            "was answered at revision 6, after the same client had seen 7"},
        Lie{"OwnSubmitNotSeen", Story().submit().read("").ends_as("unprocessed"),
            "is not there for a client who knew it as submitted"},
        Lie{"StatusGoesBack",
            Story(kDone).read("completed").read("processing").ends_as("completed"),
            "is processing for a client who knew it as completed"},
        Lie{"ReadMissesASubmit",
            Story().revision(7).submit().client(1).revision(8).read("").ends_as("unprocessed"),
            "was submitted at revision 7, and is not there in a read at revision 8"},
        Lie{"ReadMissesACompletion",
            Story()
                .submit()
                .lease(kFirst)
                .revision(9)
                .complete(kFirst)
                .client(1)
                .revision(9)
                .read("processing")
                .ends_as("completed"),
            "was completed at revision 9, and is processing in a read at revision 9"}),
    [](const auto& lie) { return lie.param.name; });

TEST(HistoryRefuses, OnlyTheJobThatIsWrong) {
  const std::vector<Event> events = {
      {.act = Act::submit, .told = Told::yes, .job = "good"},
      {.act = Act::submit, .told = Told::yes, .job = "gone"},
  };
  EXPECT_THAT(check_history(events, {{"good", "unprocessed"}}),
              ElementsAre("job gone was accepted and is lost"));
}

TEST(HistoryRecords, FromSeveralThreads) {
  History history;
  std::vector<std::thread> threads;
  for (std::size_t client = 0; client < 4; ++client) {
    threads.emplace_back([&history, client] {
      for (int i = 0; i < 500; ++i) {
        history.add({.client = client, .act = Act::submit, .told = Told::yes});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(history.count(Act::submit, Told::yes), 2'000U);
  EXPECT_EQ(history.count(Act::submit, Told::no), 0U);
}

}  // namespace
}  // namespace weir::test
