// Requests of schedules: what is refused, and backfill.
#include "tests/unit/jobs/schedules.hpp"

namespace weir::jobs {
namespace {

using testing::HasSubstr;

struct Refused {
  std::string body;
  std::string_view field;
  std::string_view message;
};

TEST(ScheduleRequests, EveryFieldIsChecked) {
  Harness h;
  const std::vector<Refused> cases{
      {spec("", ""), "cron", "or every is required"},
      {spec("", R"("cron":"* * * * *","every":1000,)"), "cron", "not both"},
      {spec("", R"("cron":"61 * * * *",)"), "cron", "minute \"61\": must be 0 to 59"},
      {spec("", R"("cron":"0 0 30 2 *",)"), "cron", "no such day"},
      {spec("", "\"cron\":\"" + std::string(kMaxCronBytes + 1, '*') + "\","), "cron", "1 to 256"},
      {spec(R"("time_zone":"Mars/Olympus")"), "time_zone", "IANA"},
      {spec(R"("time_zone":"UTC")", R"("every":"1h",)"), "time_zone", "belongs to cron"},
      {spec("", R"("every":999,)"), "every", ""},
      {spec("", R"("every":1500,)"), "every", "whole seconds"},
      {spec("", R"("every":"500d",)"), "every", ""},
      {spec(R"("start_at":"soon")"), "start_at", "RFC 3339"},
      {spec(R"("start_at":"2030-01-02T00:00:00Z","end_at":"2030-01-01T00:00:00Z")"), "end_at",
       "before start_at"},
      {spec(R"("end_at":"2001-01-01T00:00:00Z")"), "end_at", "no run comes before it"},
      {spec(R"("overlap":"sometimes")"), "overlap", "allow, skip, buffer_one or cancel_running"},
      {spec(R"("catchup":"some")"), "catchup", "none, last or all"},
      {spec(R"("catchup":"last","catchup_max":3)"), "catchup_max", "belongs to catchup all"},
      {spec(R"("catchup":"all","catchup_max":1001)"), "catchup_max", "1000"},
      {spec(R"("catchup":"all","catchup_max":0)"), "catchup_max", "1"},
      {spec(R"("jitter_ms":86400001)"), "jitter_ms", ""},
      {R"({"cron":"@daily"})", "job", "is required"},
      {R"({"cron":"@daily","job":{"type":"t"}})", "job.queue", "is required"},
      {R"({"cron":"@daily","job":{"queue":"q","id":"x"}})", "job.id", "decided by"},
      {R"({"cron":"@daily","job":{"queue":"q","run_at":1}})", "job.run_at", "decided by"},
      {R"({"cron":"@daily","job":{"queue":"q","delay_ms":1}})", "job.delay_ms", "decided by"},
      {R"({"cron":"@daily","job":{"queue":"q","unique":{}}})", "job.unique", "decided by"},
      {R"({"cron":"@daily","job":{"queue":"q","priority":10}})", "job.priority", ""},
      {R"({"cron":"@daily","job":{"queue":"q","payload":")" +
           std::string(kMaxScheduleJobBytes, 'x') + "\"}}",
       "job", "at most 65536"},
  };
  for (const auto& one : cases) {
    const auto result = h.requests.schedule_set("s", json::View(one.body), h.clock.wall());
    ASSERT_FALSE(result) << one.body;
    ASSERT_FALSE(result.error().fields.empty()) << one.body;
    EXPECT_EQ(result.error().fields[0].field, one.field) << one.body;
    EXPECT_THAT(result.error().fields[0].message, HasSubstr(std::string(one.message)));
  }
}

TEST(ScheduleRequests, AllErrorsAtOnceAndTheReason) {
  Harness h;
  const std::string body =
      R"({"cron":"x","time_zone":"z","overlap":"y","catchup":"z","job":{"queue":"bad name"},)"
      R"("jitter_ms":-1})";
  const auto result = h.requests.schedule_set("s", json::View(body), h.clock.wall());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "invalid_schedule");
  EXPECT_EQ(result.error().fields.size(), 6U);
  const std::string unknown = R"({"cron":"@daily","crown":1,"job":{"queue":"q"}})";
  EXPECT_EQ(h.requests.schedule_set("s", json::View(unknown), h.clock.wall()).error().reason,
            "unknown_field");
}

TEST(ScheduleRequests, Names) {
  Harness h;
  const auto body = spec("");
  for (const auto& name : {std::string(), std::string("a b"), std::string("a:b"),
                           std::string(kMaxScheduleNameBytes + 1, 'n')}) {
    EXPECT_EQ(h.requests.schedule_set(name, json::View(body), h.clock.wall()).error().reason,
              "invalid_schedule");
    EXPECT_EQ(h.requests.schedule_pause(name).error().reason, "schedule_not_found");
  }
  const std::string longest(kMaxScheduleNameBytes, 'n');
  set_schedule(h, longest, body);
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  EXPECT_TRUE(is_valid_id(job_ids(h).at(0)));
}

TEST(ScheduleRequests, AReplacementKeepsTheCounters) {
  Harness h;
  set_schedule(h, "s", spec(""));
  h.advance(std::chrono::minutes(1));
  fire_due(h);
  set_schedule(h, "s", spec("", R"("every":"1h30m",)"));
  EXPECT_EQ(show(h, "s", "runs"), "1");
  EXPECT_EQ(show(h, "s", "every"), R"("1h30m")");
  EXPECT_EQ(show(h, "s", "cron"), "");
  EXPECT_EQ(show(h, "s", "every_ms"), "");
}

class Backfill : public testing::Test {
 protected:
  Result<replica::Operation> backfill(const std::string& body) {
    Result<replica::Operation> out = schedule_not_found("");
    h_.db
        ->read([&]() -> Result<void> {
          out = Requests::schedule_backfill(*h_.db, "s", json::View(body), h_.clock.wall());
          return {};
        })
        .value();
    return out;
  }
  Harness h_;
};

TEST_F(Backfill, MakesTheRunsInBetweenOnce) {
  set_schedule(h_, "s", spec(R"("overlap":"skip","jitter_ms":1000)"));
  const std::string body = R"({"from":"2023-11-14T22:10:00Z","to":"2023-11-14T22:12:00Z"})";
  const auto reply = h_.must(backfill(body));
  EXPECT_EQ(text(reply, "submitted"), "3");
  EXPECT_EQ(text(reply, "known"), "0");
  EXPECT_EQ(job_ids(h_).at(0), "s:2023-11-14T22:10:00Z");
  EXPECT_EQ(h_.status("s:2023-11-14T22:12:00Z"), "unprocessed");
  EXPECT_EQ(show(h_, "s", "last_at"), "null");
  const auto again = h_.must(backfill(body));
  EXPECT_EQ(text(again, "submitted"), "0");
  EXPECT_EQ(text(again, "known"), "3");
  EXPECT_EQ(job_ids(h_).size(), 3U);
}

TEST_F(Backfill, IsBounded) {
  EXPECT_EQ(backfill("{}").error().reason, "schedule_not_found");
  set_schedule(h_, "s", spec("", R"("every":"1s",)"));
  EXPECT_EQ(backfill("{}").error().fields.size(), 2U);
  EXPECT_EQ(backfill(R"({"from":1,"to":"2099-01-01T00:00:00Z"})").error().fields[0].field, "to");
  EXPECT_EQ(backfill(R"({"from":2,"to":1})").error().fields[0].field, "to");
  const auto more = backfill(R"({"from":1000000,"to":2000000})");
  EXPECT_EQ(more.error().reason, "backfill_too_large");
  EXPECT_THAT(more.error().details, HasSubstr("1970-01-01T00:33:19.000Z"));
  EXPECT_EQ(text(h_.must(backfill(R"({"from":1000000,"to":1999000})")), "submitted"), "1000");
}

TEST(ScheduleQueries, ListAndUpcoming) {
  Harness h;
  for (const std::string_view name : {"b", "a", "c"}) set_schedule(h, name, spec(""));
  const auto first = h.read([](sqlite::Database& db) { return list_schedules(db, 2, ""); });
  ASSERT_EQ(list(first, "items").size(), 2U);
  EXPECT_EQ(text(list(first, "items")[0].find("name")), "a");
  EXPECT_EQ(text(first, "next_cursor"), "b");
  const auto one = schedule(h, "a", 2);
  ASSERT_EQ(list(one, "next_runs").size(), 2U);
  EXPECT_EQ(text(list(one, "next_runs")[1]), "2023-11-14T22:15:00.000Z");
}

}  // namespace
}  // namespace weir::jobs
