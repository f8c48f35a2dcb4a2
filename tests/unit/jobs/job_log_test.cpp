// Log lines that workers send with their reports.
#include "jobs/job_log.hpp"

#include "pkg/base/time_text.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string log_of(Harness& h, std::string_view id, const LogRequest& request = {.limit = 1'000}) {
  return h.read([&](sqlite::Database& db) { return list_log(db, id, request); });
}

std::vector<std::string> messages(const std::string& page) {
  std::vector<std::string> out;
  for (const auto item : list(page, "items")) out.push_back(text(item.find("message")));
  return out;
}

void beat(Harness& h, const std::string& token, std::string_view log) {
  const std::string body = "{\"log\":" + std::string(log) + "}";
  h.must(h.requests.heartbeat(token, json::View(body)));
}

std::string lines(int count, std::size_t bytes) {
  std::string out = "[";
  for (int i = 0; i < count; ++i) {
    out += (i == 0 ? "\"" : ",\"") + std::string(bytes, 'x') + "\"";
  }
  return out + "]";
}

TEST(JobLog, EveryReportMayBringLines) {
  Harness h;
  submit(h, "j", "q", R"(,"max_attempts":9,"backoff":{"kind":"fixed","delay_ms":0})");
  auto token = h.lease_one();
  beat(h, token, R"("one")");
  beat(h, token, R"({"level":"warn","message":"two","at":"2026-01-02T03:04:05.678Z"})");
  h.fail(token, R"({"error":"no","log":["three"]})");
  token = h.lease_one();
  h.must(h.requests.release(token, json::View(R"({"log":["four",{"message":"five"}]})")));
  token = h.lease_one();
  h.must(h.requests.complete(token, json::View(R"({"result":1,"log":"six"})")));
  const auto page = log_of(h, "j");
  EXPECT_THAT(messages(page), ElementsAre("one", "two", "three", "four", "five", "six"));
  const auto items = list(page, "items");
  EXPECT_EQ(text(items[0].find("at")), format_rfc3339(h.clock.wall()));
  EXPECT_EQ(text(items[0].find("level")), "info");
  EXPECT_EQ(text(items[1].find("at")), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(text(items[1].find("level")), "warn");
  std::string attempts;
  for (const auto item : items) attempts += text(item.find("attempt"));
  EXPECT_EQ(attempts, "111222");  // what was given back is the same attempt
  EXPECT_EQ(text(page, "lines"), "6");
  EXPECT_EQ(text(page, "dropped"), "0");
}

TEST(JobLog, WorkTakesThemInEveryList) {
  Harness h;
  for (const auto* id : {"a", "b", "c", "d"}) submit(h, id);
  std::vector<std::string> tokens;
  for (const auto job : h.lease("q", ",\"max\":4")) tokens.push_back(text(job.find("lease")));
  const auto item = [&](std::size_t i) {
    return "[{\"lease\":\"" + tokens[i] + "\",\"log\":\"line\"}]";
  };
  h.work(R"({"worker":"w","complete":)" + item(0) + R"(,"fail":)" + item(1) + R"(,"release":)" +
         item(2) + R"(,"heartbeat":)" + item(3) + "}");
  for (const auto* id : {"a", "b", "c", "d"}) {
    EXPECT_THAT(messages(log_of(h, id)), ElementsAre("line")) << id;
  }
}

TEST(JobLog, ALostLeaseBringsNothing) {
  Harness h;
  submit(h, "j");
  const auto token = h.lease_one();
  h.must(h.requests.release(token, json::View()));
  EXPECT_EQ(h.refused(h.requests.heartbeat(token, json::View(R"({"log":"late"})"))).reason,
            "lease_lost");
  EXPECT_EQ(text(log_of(h, "j"), "lines"), "0");
}

TEST(JobLog, TheOldestLinesAreDroppedAndCounted) {
  Harness h;
  submit(h, "j");
  const auto token = h.lease_one();
  for (int i = 0; i < 3; ++i) beat(h, token, lines(400, 1));
  auto page = log_of(h, "j");
  EXPECT_EQ(text(page, "lines"), std::to_string(kLogLinesKept));
  EXPECT_EQ(text(page, "dropped"), "200");
  EXPECT_EQ(text(list(page, "items")[0].find("line")), "201");
  beat(h, token, lines(100, 4'096));
  h.restart();
  page = log_of(h, "j");
  EXPECT_EQ(text(page, "lines"), "64");  // 256 KiB
  EXPECT_EQ(text(page, "dropped"), "1236");
  EXPECT_EQ(h.number("SELECT sum(length(message)) FROM job_logs"), kLogBytesKept);
  EXPECT_EQ(h.number("SELECT bytes FROM job_log_sums"), kLogBytesKept);
}

TEST(JobLog, PagesAndAttempts) {
  Harness h;
  submit(h, "j", "q", R"(,"backoff":{"kind":"fixed","delay_ms":0})");
  auto token = h.lease_one();
  beat(h, token, R"(["a","b","c"])");
  h.fail(token);
  token = h.lease_one();
  beat(h, token, R"(["d","e"])");
  auto page = log_of(h, "j", {.limit = 2});
  EXPECT_THAT(messages(page), ElementsAre("a", "b"));
  EXPECT_EQ(text(page, "next_cursor"), "2");
  page = log_of(h, "j", {.after = 2, .limit = 3});
  EXPECT_THAT(messages(page), ElementsAre("c", "d", "e"));
  EXPECT_EQ(text(page, "next_cursor"), "null");
  EXPECT_THAT(messages(log_of(h, "j", {.attempt = 2})), ElementsAre("d", "e"));
  const auto missing = h.db->read([&]() -> Result<void> {
    WEIR_TRY(list_log(*h.db, "nobody", {}));
    return {};
  });
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().reason, "job_not_found");
}

TEST(JobLog, GoesWithTheJobAndNotWithItsCopy) {
  Harness h;
  submit(h, "j");
  const auto token = h.lease_one();
  h.must(h.requests.complete(token, json::View(R"({"log":["a"]})")));
  const auto reply = h.must(h.requests.retry("j", json::View(R"({"as_new":true})")));
  EXPECT_EQ(text(log_of(h, text(reply, "id")), "lines"), "0");
  h.must(h.requests.remove("j"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_logs"), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_log_sums"), 0);
  // As retention forgets it.
  submit(h, "k");
  h.must(h.requests.purge("q"));
  submit(h, "l");
  h.must(h.requests.complete(h.lease_one(), json::View(R"({"log":["a"]})")));
  h.advance(kDefaultRetention + 1s);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_logs"), 0);
}

TEST(JobLog, WhoFollowsIsTold) {
  Harness h;
  submit(h, "j");
  const auto token = h.lease_one();
  h.touched.clear();
  beat(h, token, "[]");
  EXPECT_THAT(h.touched, testing::IsEmpty());
  beat(h, token, R"("x")");
  EXPECT_THAT(h.touched, ElementsAre("log:j"));
}

struct BadLog {
  const char* name;
  const char* log;
  const char* field;
  const char* message;
};

class BadLogs : public testing::TestWithParam<BadLog> {};

TEST_P(BadLogs, AreRefusedWithTheField) {
  Harness h;
  const auto body = "{\"log\":" + std::string(GetParam().log) + "}";
  const auto operation = h.requests.heartbeat("token", json::View(body));
  ASSERT_FALSE(operation.has_value());
  ASSERT_EQ(operation.error().fields.size(), 1u) << describe(operation.error());
  EXPECT_EQ(operation.error().fields[0].field, GetParam().field);
  EXPECT_THAT(operation.error().fields[0].message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadLogs,
    testing::Values(BadLog{"Number", "7", "log", "a line or an array of lines"},
                    BadLog{"EmptyText", R"([""])", "log[0]", "1 to 4096 bytes"},
                    BadLog{"NumberInside", R"(["a",1])", "log[1]", "object"},
                    BadLog{"Level", R"({"level":"loud","message":"m"})", "log.level", "debug"},
                    BadLog{"NoMessage", R"([{"level":"info"}])", "log[0].message", "required"},
                    BadLog{"Unknown", R"([{"message":"m","msg":1}])", "log[0].msg", ""},
                    BadLog{"Time", R"([{"message":"m","at":"now"}])", "log[0].at", ""}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(JobLog, LimitsOfARequest) {
  Harness h;
  auto body = "{\"log\":" + lines(501, 1) + "}";
  EXPECT_FALSE(h.requests.heartbeat("token", json::View(body)).has_value());
  body = "{\"log\":" + lines(500, 1) + "}";
  EXPECT_TRUE(h.requests.heartbeat("token", json::View(body)).has_value());
  body = "{\"log\":" + lines(1, 4'097) + "}";
  EXPECT_FALSE(h.requests.heartbeat("token", json::View(body)).has_value());
}

}  // namespace
}  // namespace weir::jobs
