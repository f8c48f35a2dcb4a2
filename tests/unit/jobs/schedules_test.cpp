// Schedules: which runs there are, whoever proposes them.
#include "tests/unit/jobs/schedules.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Schedules, FiresWhenItIsDue) {
  Harness h;
  const auto made = set_schedule(h, "s", spec(R"("time_zone":"Europe/Berlin")"));
  EXPECT_EQ(text(made, "next_at"), "2023-11-14T22:14:00.000Z");
  EXPECT_EQ(h.machine->next_proposal(), h.clock.wall() + Millis{40'000});
  h.advance(Millis{40'250});
  fire_due(h);
  EXPECT_THAT(job_ids(h), ElementsAre("s:2023-11-14T22:14:00Z"));
  EXPECT_EQ(show(h, "s", "next_at"), R"("2023-11-14T22:15:00.000Z")");
  EXPECT_EQ(show(h, "s", "last_at"), R"("2023-11-14T22:14:00.000Z")");
  EXPECT_EQ(show(h, "s", "last_job"), R"("s:2023-11-14T22:14:00Z")");
  EXPECT_EQ(show(h, "s", "runs"), "1");
  EXPECT_EQ(show(h, "s", "running"), "1");
  EXPECT_EQ(h.member("s:2023-11-14T22:14:00Z", "headers"),
            R"({"weir-schedule":"s","weir-scheduled-at":"2023-11-14T22:14:00.000Z"})");
  EXPECT_EQ(h.member("s:2023-11-14T22:14:00Z", "payload"), R"({"n":1})");
  EXPECT_EQ(h.total(Total::schedule_runs), 1);
  EXPECT_EQ(h.total(Total::schedule_late_ms), 250);
  h.complete(h.lease_one());
  EXPECT_EQ(show(h, "s", "running"), "0");
}

TEST(Schedules, TheSameProposalAgainChangesNothing) {
  Harness h;
  set_schedule(h, "s", spec(""));
  h.advance(Millis{40'000});
  const auto operations = proposed(h);
  ASSERT_EQ(operations.size(), 1U);
  EXPECT_EQ(h.must(operations[0]), R"({"fired":true})");
  const auto before = h.dump();
  EXPECT_EQ(h.must(operations[0]), R"({"fired":false})");
  EXPECT_EQ(h.dump(), before);
}

TEST(Schedules, AProposalOfAnotherGenerationChangesNothing) {
  Harness h;
  for (const std::string_view change : {"set", "pause", "remove"}) {
    set_schedule(h, "s", spec(R"("paused":false)"));
    h.advance(Millis{60'000});
    const auto operations = proposed(h);
    if (change == "set") {
      set_schedule(h, "s", spec(R"("paused":false)"));
    } else {
      h.must(change == "pause" ? h.requests.schedule_pause("s") : h.requests.schedule_remove("s"));
    }
    EXPECT_EQ(h.must(operations[0]), R"({"fired":false})") << change;
    EXPECT_THAT(job_ids(h), ElementsAre()) << change;
  }
}

TEST(Schedules, AnEarlyProposalChangesNothing) {
  Harness h;
  set_schedule(h, "s", spec(""));
  const auto operations = proposed(h);  // by a node whose clock is ahead
  ASSERT_EQ(operations.size(), 1U);
  EXPECT_EQ(h.must(operations[0]), R"({"fired":false})");
  h.advance(Millis{40'000});
  EXPECT_EQ(h.must(operations[0]), R"({"fired":true})");
}

TEST(Schedules, AProposalThatIsOutOfDateIsMadeAgain) {
  Harness h;
  set_schedule(h, "s", spec(R"("catchup":"last")"));
  h.advance(Millis{40'000});
  const auto operations = proposed(h);
  h.advance(Millis{180'000});  // it reaches the log much later, three more runs are due
  EXPECT_EQ(h.must(operations[0]), R"({"fired":false})");
  fire_due(h);
  EXPECT_THAT(job_ids(h), ElementsAre("s:2023-11-14T22:17:00Z"));
  EXPECT_EQ(show(h, "s", "missed"), "3");
}

struct CatchUpCase {
  std::string_view more;
  std::vector<std::string> ids;
  std::string_view missed;
};

TEST(Schedules, CatchUp) {
  const std::vector<CatchUpCase> cases{
      {R"("catchup":"none")", {}, "5"},
      {R"("catchup":"last")", {"s:2023-11-14T22:18:00Z"}, "4"},
      {R"("catchup":"all","catchup_max":2)",
       {"s:2023-11-14T22:17:00Z", "s:2023-11-14T22:18:00Z"},
       "3"},
      {R"("catchup":"all")",
       {"s:2023-11-14T22:14:00Z", "s:2023-11-14T22:15:00Z", "s:2023-11-14T22:16:00Z",
        "s:2023-11-14T22:17:00Z", "s:2023-11-14T22:18:00Z"},
       "0"},
  };
  for (const auto& one : cases) {
    Harness h;
    set_schedule(h, "s", spec(one.more, R"("cron":"14-18 22 * * *",)"));
    h.advance(std::chrono::minutes(60));
    fire_due(h);
    EXPECT_EQ(job_ids(h), one.ids) << one.more;
    EXPECT_EQ(show(h, "s", "missed"), one.missed) << one.more;
    EXPECT_EQ(show(h, "s", "next_at"), R"("2023-11-15T22:14:00.000Z")") << one.more;
  }
}

TEST(Schedules, CatchUpNoneRunsWhatIsLessThanAMinuteLate) {
  Harness h;
  set_schedule(h, "s", spec(R"("catchup":"none")"));
  h.advance(Millis{40'000} + kOnTime);
  fire_due(h);
  EXPECT_EQ(job_ids(h).size(), 1U);  // the newest of two
  EXPECT_EQ(show(h, "s", "missed"), "1");
}

TEST(Schedules, ALongAbsenceIsCaughtUpInSteps) {
  Harness h;
  set_schedule(h, "s", spec(R"("catchup":"all","catchup_max":3)", R"("every":1000,)"));
  h.advance(std::chrono::hours(10));  // 36,000 runs
  const auto first = proposed(h);
  EXPECT_EQ(h.must(first[0]), R"({"fired":true})");
  EXPECT_EQ(show(h, "s", "missed"), std::to_string(kScheduleScan));
  EXPECT_THAT(job_ids(h), ElementsAre());
  fire_due(h);
  EXPECT_THAT(job_ids(h), ElementsAre("s:2023-11-15T08:13:18Z", "s:2023-11-15T08:13:19Z",
                                      "s:2023-11-15T08:13:20Z"));
  EXPECT_EQ(show(h, "s", "missed"), "35997");
}

TEST(Schedules, OverlapAllow) {
  Harness h;
  set_schedule(h, "s", spec(R"("overlap":"allow")"));
  for (int i = 0; i < 3; ++i) {
    h.advance(std::chrono::minutes(1));
    fire_due(h);
  }
  EXPECT_EQ(job_ids(h).size(), 3U);
  EXPECT_EQ(show(h, "s", "running"), "3");
}

TEST(Schedules, OverlapSkip) {
  Harness h;
  set_schedule(h, "s", spec(R"("overlap":"skip")"));
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  EXPECT_EQ(job_ids(h).size(), 1U);
  EXPECT_EQ(show(h, "s", "skipped"), "1");
  h.complete(h.lease_one());
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  EXPECT_EQ(job_ids(h).size(), 2U);
  EXPECT_EQ(h.total(Total::schedule_skipped), 1);
}

TEST(Schedules, OverlapBufferOne) {
  Harness h;
  set_schedule(h, "s", spec(R"("overlap":"buffer_one")"));
  for (int i = 0; i < 3; ++i) {
    h.advance(std::chrono::minutes(1));
    fire_due(h);
  }
  EXPECT_EQ(job_ids(h).size(), 1U);
  EXPECT_EQ(show(h, "s", "waiting_at"), R"("2023-11-14T22:15:00.000Z")");
  EXPECT_EQ(show(h, "s", "skipped"), "1");
  const auto token = h.lease_one();
  h.restart();
  h.complete(token);  // its end starts the one that waits
  EXPECT_THAT(job_ids(h), ElementsAre("s:2023-11-14T22:14:00Z", "s:2023-11-14T22:15:00Z"));
  EXPECT_EQ(show(h, "s", "waiting_at"), "null");
  EXPECT_EQ(show(h, "s", "running"), "1");
}

TEST(Schedules, OverlapCancelRunning) {
  Harness h;
  set_schedule(h, "s", spec(R"("overlap":"cancel_running")"));
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  h.advance(std::chrono::minutes(1));
  fire_due(h);  // the first only waited: cancelled at once
  EXPECT_EQ(h.status("s:2023-11-14T22:14:00Z"), "cancelled");
  EXPECT_EQ(h.status("s:2023-11-14T22:15:00Z"), "unprocessed");
  const auto token = h.lease_one();
  h.advance(std::chrono::minutes(1));
  EXPECT_TRUE(h.machine->next_due());
  h.must(h.requests.heartbeat(token, json::View()));
  fire_due(h);
  EXPECT_EQ(job_ids(h).size(), 2U);
  EXPECT_EQ(show(h, "s", "waiting_at"), R"("2023-11-14T22:16:00.000Z")");
  h.fail(token);  // the worker gives up: cancelled
  EXPECT_EQ(h.status("s:2023-11-14T22:15:00Z"), "cancelled");
  EXPECT_EQ(h.status("s:2023-11-14T22:16:00Z"), "unprocessed");
}

TEST(Schedules, JitterIsTheSameForEverybody) {
  Harness h;
  set_schedule(h, "s", spec(R"("jitter_ms":30000)"));
  h.advance(Millis{40'000});
  const auto one = proposed(h);
  const auto two = proposed(h);
  EXPECT_EQ(one[0].body, two[0].body);
  h.must(one[0]);
  const auto run_at = h.number("SELECT run_at FROM jobs");
  const auto due = to_unix_ms(h.clock.wall());
  EXPECT_GT(run_at, due);
  EXPECT_LE(run_at, due + 30'000);
  EXPECT_EQ(h.status("s:2023-11-14T22:14:00Z"), "scheduled");
}

TEST(Schedules, PauseAndResume) {
  Harness h;
  set_schedule(h, "s", spec(""));
  EXPECT_EQ(text(h.must(h.requests.schedule_pause("s")), "paused"), "true");
  EXPECT_FALSE(h.machine->next_proposal());
  h.advance(std::chrono::minutes(10));
  const auto resume = [&] {
    Result<replica::Operation> out = schedule_not_found("");
    h.db->read([&]() -> Result<void> {
          out = Requests::schedule_resume(*h.db, "s", h.clock.wall());
          return {};
        })
        .value();
    return out;
  };
  const auto late = resume();
  EXPECT_EQ(text(h.must(resume()), "next_at"), "2023-11-14T22:24:00.000Z");
  EXPECT_EQ(h.refused(late).reason, "schedule_changed");
  fire_due(h);
  EXPECT_EQ(show(h, "s", "missed"), "0");  // a pause misses nothing
  h.must(h.requests.schedule_pause("s"));
  set_schedule(h, "s", spec(""));  // stays paused
  EXPECT_EQ(show(h, "s", "paused"), "true");
  set_schedule(h, "s", spec(R"("paused":false)"));
  EXPECT_EQ(show(h, "s", "next_at"), R"("2023-11-14T22:24:00.000Z")");
}

TEST(Schedules, Trigger) {
  Harness h;
  set_schedule(h, "s", spec(R"("overlap":"skip","paused":true)"));
  const auto reply = h.must(h.requests.schedule_trigger("s"));
  const auto again = h.must(h.requests.schedule_trigger("s"));
  EXPECT_NE(text(reply, "id"), text(again, "id"));
  EXPECT_EQ(text(reply, "at"), "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(job_ids(h).size(), 2U);
  EXPECT_EQ(h.refused(h.requests.schedule_trigger("other")).reason, "schedule_not_found");
}

TEST(Schedules, DeletingKeepsTheJobs) {
  Harness h;
  set_schedule(h, "s", spec(R"("overlap":"buffer_one")"));
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  h.must(h.requests.schedule_remove("s"));
  EXPECT_FALSE(h.machine->next_proposal());
  EXPECT_EQ(job_ids(h).size(), 1U);
  h.complete(h.lease_one());
  EXPECT_EQ(h.refused(h.requests.schedule_remove("s")).reason, "schedule_not_found");
  // Made again, it does not repeat a run that is there.
  set_schedule(h, "s", spec(""));
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  EXPECT_EQ(job_ids(h).size(), 2U);
}

TEST(Schedules, ARefusedJobIsSaidAndSkipped) {
  Harness h;
  set_schedule(h, "s", spec(""));
  h.db->transaction([&]() -> Result<void> {
        auto write = h.db->prepare(
            "INSERT INTO job_queues(name,paused,created_at,config) VALUES(?1,0,0,'{}')");
        for (std::size_t i = 0; i < kMaxQueues; ++i) {
          write.bind_all("full" + std::to_string(i)).run();
        }
        return {};
      })
      .value();
  h.restart();
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  EXPECT_THAT(show(h, "s", "problem"), HasSubstr("too_many_queues"));
  EXPECT_EQ(show(h, "s", "skipped"), "1");
  EXPECT_EQ(h.apply(*h.requests.schedule_trigger("s")).error().reason, "run_refused");
}

TEST(Schedules, AtMostSoMany) {
  Harness h;
  h.db->transaction([&]() -> Result<void> {
        auto write = h.db->prepare(
            "INSERT INTO "
            "job_schedules(name,generation,paused,created_at,updated_at,spec,runs,missed,"
            "skipped) VALUES(?1,1,1,0,0,'{}',0,0,0)");
        for (std::size_t i = 0; i < kMaxSchedules; ++i) {
          write.bind_all("full" + std::to_string(i)).run();
        }
        return {};
      })
      .value();
  const auto body = spec("");
  const auto operation = h.requests.schedule_set("s", json::View(body), h.clock.wall());
  EXPECT_EQ(h.refused(operation).reason, "too_many_schedules");
}

TEST(Schedules, RunsAreListedAndForgottenWithTheirJobs) {
  Harness h;
  set_schedule(h, "s", spec(""));
  for (int i = 0; i < 3; ++i) {
    h.advance(std::chrono::minutes(1));
    fire_due(h);
  }
  const auto page = [&](std::string_view cursor) {
    return h.read([&](sqlite::Database& db) { return list_schedule_runs(db, "s", 2, cursor); });
  };
  const auto first = page("");
  const auto items = list(first, "items");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(text(items[0].find("id")), "s:2023-11-14T22:16:00Z");
  EXPECT_EQ(text(items[0].find("kind")), "due");
  EXPECT_EQ(text(items[0].find("status")), "unprocessed");
  const auto second = page(text(first, "next_cursor"));
  ASSERT_EQ(list(second, "items").size(), 1U);
  EXPECT_EQ(text(second, "next_cursor"), "null");
  h.must(h.requests.purge("q"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_schedule_runs"), 0);
  EXPECT_EQ(show(h, "s", "running"), "0");
}

TEST(Schedules, ARetriedRunRunsAgain) {
  Harness h;
  set_schedule(h, "s", spec(R"("overlap":"skip")"));
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  const auto id = job_ids(h)[0];
  h.must(h.requests.cancel(id, json::View()));
  EXPECT_EQ(show(h, "s", "running"), "0");
  h.must(h.requests.retry(id, json::View()));
  EXPECT_EQ(show(h, "s", "running"), "1");
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  EXPECT_EQ(show(h, "s", "skipped"), "1");
}

}  // namespace
}  // namespace weir::jobs
