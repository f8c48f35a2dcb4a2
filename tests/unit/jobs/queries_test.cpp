// Reads: details, lists and their pages, counters; and that nothing scans.
#include "jobs/queries.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string page(Harness& h, const ListRequest& request) {
  return h.read([&](sqlite::Database& db) { return list_jobs(db, request); });
}

// The ids of the whole list, page by page.
std::vector<std::string> all_ids(Harness& h, ListRequest request) {
  std::vector<std::string> out;
  for (int pages = 0; pages < 1'000; ++pages) {
    const auto text_of_page = page(h, request);
    for (const auto item : list(text_of_page, "items")) out.push_back(text(item.find("id")));
    const auto next = json::View(text_of_page).find("next_cursor");
    if (next.is_null()) return out;
    request.cursor = text(next);
  }
  ADD_FAILURE() << "the list has no end";
  return out;
}

// In two queues: one job of each status but blocked, oldest first: c f x d p s u9 u0.
void fill(Harness& h, const std::string& queue) {
  const auto submit = [&](const std::string& name, const std::string& more = "") {
    h.advance(1ms);
    h.submit("{\"id\":\"" + queue + "-" + name + "\",\"queue\":\"" + queue + "\"" + more + "}");
  };
  submit("c", R"(,"type":"t1","key":"k1","tags":["red"])");
  h.complete(h.lease_one(queue));
  h.must(h.requests.queue_config(queue, json::View(R"({"dlq":false})")));
  submit("f");
  h.fail(h.lease_one(queue), R"({"retry":false})");
  h.must(h.requests.queue_config(queue, json::View("{}")));
  submit("x");
  h.must(h.requests.cancel(queue + "-x", json::View()));
  submit("d", R"(,"type":"t1")");
  h.fail(h.lease_one(queue), R"({"retry":false,"error":{"message":"dead"}})");
  submit("p");
  h.lease_one(queue);
  submit("s", ",\"delay_ms\":60000");
  submit("u0", ",\"priority\":0");
  submit("u9", ",\"priority\":9");
}

TEST(List, EverythingNewestFirst) {
  Harness h;
  fill(h, "a");
  EXPECT_THAT(all_ids(h, {}),
              ElementsAre("a-u9", "a-u0", "a-s", "a-p", "a-d", "a-x", "a-f", "a-c"));
  const auto first = page(h, {.limit = 3});
  EXPECT_THAT(list(first, "items"), SizeIs(3));
  EXPECT_EQ(text(first, "total_items"), "8");
  EXPECT_THAT(text(first, "status_counts"), HasSubstr("\"completed\":1"));
}

TEST(List, PagesOfEverySizeGiveTheSameList) {
  Harness h;
  fill(h, "a");
  fill(h, "b");
  for (const ListRequest& request :
       {ListRequest{}, ListRequest{.queue = "a"}, ListRequest{.status = Status::unprocessed},
        ListRequest{.status = Status::completed}, ListRequest{.type = "t1"},
        ListRequest{.status = Status::scheduled, .queue = "b"}}) {
    const auto whole = all_ids(h, request);
    EXPECT_EQ(std::set<std::string>(whole.begin(), whole.end()).size(), whole.size());
    for (const std::int64_t limit : {1, 2, 3, 1'000}) {
      auto paged = request;
      paged.limit = limit;
      EXPECT_EQ(all_ids(h, paged), whole);
    }
  }
}

TEST(List, ByQueueAndStatus) {
  Harness h;
  fill(h, "a");
  fill(h, "b");
  EXPECT_THAT(all_ids(h, {.queue = "b"}),
              ElementsAre("b-p", "b-u9", "b-u0", "b-s", "b-f", "b-d", "b-x", "b-c"));
  EXPECT_THAT(all_ids(h, {.status = Status::unprocessed}),
              ElementsAre("a-u9", "a-u0", "b-u9", "b-u0"));
  EXPECT_THAT(all_ids(h, {.status = Status::dlq, .queue = "a"}), ElementsAre("a-d"));
  EXPECT_THAT(all_ids(h, {.queue = "none"}), IsEmpty());
  const auto counted = page(h, {.status = Status::unprocessed, .queue = "a"});
  EXPECT_EQ(text(counted, "total_items"), "2");
}

TEST(List, ByOtherFields) {
  Harness h;
  fill(h, "a");
  EXPECT_THAT(all_ids(h, {.type = "t1"}), ElementsAre("a-d", "a-c"));
  EXPECT_THAT(all_ids(h, {.key = "k1"}), ElementsAre("a-c"));
  EXPECT_THAT(all_ids(h, {.tag = "red"}), ElementsAre("a-c"));
  EXPECT_THAT(all_ids(h, {.worker = "w1"}), ElementsAre("a-p", "a-d", "a-f", "a-c"));
  EXPECT_EQ(text(page(h, {.type = "t1"}), "total_items"), "null");
}

TEST(List, ByTime) {
  Harness h;
  const auto start = h.clock.wall();
  for (int i = 0; i < 20; ++i) {
    h.advance(1s);
    const auto body = "{\"queue\":\"q\",\"id\":\"j" + std::to_string(i) + "\"}";
    h.submit(body);
    h.complete(h.lease_one());
    if (i % 3 == 0) h.must(h.requests.remove("j" + std::to_string(i)));
  }
  EXPECT_THAT(all_ids(h, {.created_after = start + 5s, .created_before = start + 9s}),
              ElementsAre("j7", "j5", "j4"));
  EXPECT_THAT(all_ids(h, {.finished_after = start + 5s, .finished_before = start + 9s}),
              ElementsAre("j7", "j5", "j4"));
  EXPECT_THAT(all_ids(h, {.status = Status::completed, .finished_before = start + 3s}),
              ElementsAre("j1"));
  EXPECT_THAT(all_ids(h, {.created_after = start + 1h}), IsEmpty());
}

TEST(List, RefusesBadLimitsAndCursors) {
  Harness h;
  fill(h, "a");
  fill(h, "b");
  const auto foreign = text(page(h, {.queue = "a", .limit = 2}), "next_cursor");
  for (const ListRequest& request :
       {ListRequest{.limit = 0}, ListRequest{.limit = 1'001}, ListRequest{.cursor = "x"},
        ListRequest{.cursor = "1-2-3"}, ListRequest{.cursor = "99-1-1-1-1"},
        ListRequest{.cursor = "1-1-99-1-1"}, ListRequest{.queue = "b", .cursor = foreign}}) {
    h.db->read([&]() -> Result<void> {
          const auto result = list_jobs(*h.db, request);
          EXPECT_FALSE(result);
          if (!result) {
            EXPECT_EQ(result.error().reason, "invalid_request");
          }
          return {};
        })
        .value();
  }
}

TEST(List, APageLooksAtABoundedNumberOfRows) {
  Harness h;
  for (int part = 0; part < 3; ++part) {
    std::string body = "{\"jobs\":[";
    for (int i = 0; i < 5'000; ++i) body += std::string(i > 0 ? "," : "") + R"({"queue":"q"})";
    body += "]}";
    const auto batch = h.requests.submit_batch(json::View(body)).value();
    for (const auto& one : batch.parts) h.must(one.operation);
  }
  const auto first = page(h, {.type = "rare"});
  EXPECT_THAT(list(first, "items"), IsEmpty());
  EXPECT_FALSE(json::View(first).find("next_cursor").is_null());
  EXPECT_THAT(all_ids(h, {.type = "rare"}), IsEmpty());
  EXPECT_THAT(all_ids(h, {.queue = "q", .type = "rare"}), IsEmpty());
}

TEST(Detail, ShowsEveryField) {
  Harness h;
  fill(h, "a");
  const auto detail = h.job("a-d");
  for (const auto* name :
       {"id",          "queue",    "type",     "status",       "priority", "payload",
        "result",      "error",    "attempt",  "max_attempts", "progress", "key",
        "tags",        "metadata", "headers",  "created_at",   "run_at",   "started_at",
        "finished_at", "worker",   "attempts", "revision",     "deadline", "lease_ms"}) {
    EXPECT_FALSE(json::View(detail).find(name).is_missing()) << name;
  }
  const auto attempts = list(detail, "attempts");
  ASSERT_THAT(attempts, SizeIs(1));
  EXPECT_EQ(text(attempts[0].find("outcome")), "failed");
  EXPECT_EQ(text(attempts[0].find("duration_ms")), "0");
  EXPECT_EQ(text(attempts[0].find("error")), R"({"message":"dead"})");
}

TEST(Detail, UnknownIds) {
  Harness h;
  fill(h, "a");
  h.db->read([&]() -> Result<void> {
        EXPECT_EQ(get_job(*h.db, "none").error().reason, "job_not_found");
        EXPECT_EQ(get_timeline(*h.db, "none").error().reason, "job_not_found");
        EXPECT_EQ(get_status(*h.db, "none").error().reason, "job_not_found");
        EXPECT_EQ(get_status(*h.db, "a-d").value(), Status::dlq);
        EXPECT_EQ(get_dlq(*h.db, "a-c").error().reason, "dead_letter_not_found");
        EXPECT_TRUE(get_dlq(*h.db, "a-d"));
        EXPECT_EQ(get_queue(*h.db, "none", h.clock.wall()).error().reason, "queue_not_found");
        return {};
      })
      .value();
}

TEST(Timeline, TellsWhatHappened) {
  Harness h;
  h.submit(R"({"id":"j","queue":"q"})");
  h.fail(h.lease_one(), R"({"retry_after_ms":0})");
  h.must(h.requests.release(h.lease_one(), json::View()));
  h.complete(h.lease_one());
  const auto timeline = h.read([&](sqlite::Database& db) { return get_timeline(db, "j"); });
  std::vector<std::string> events;
  for (const auto item : list(timeline, "items")) events.push_back(text(item.find("event")));
  EXPECT_THAT(events, ElementsAre("submitted", "started", "failed", "started", "released",
                                  "started", "completed"));
}

TEST(Queues, ShowDepthAndAge) {
  Harness h;
  fill(h, "a");
  fill(h, "b");
  h.advance(10s);
  const auto queue =
      h.read([&](sqlite::Database& db) { return get_queue(db, "a", h.clock.wall()); });
  EXPECT_EQ(text(queue, "ready_by_priority"), "[1,0,0,0,0,0,0,0,0,1]");
  EXPECT_EQ(text(queue, "oldest_ready_age_ms"), "10009");
  EXPECT_EQ(text(json::View(queue).find("counts").find("processing")), "1");
  EXPECT_EQ(text(json::View(queue).find("config").find("max_attempts")), "25");
  const auto one = h.read([&](sqlite::Database& db) { return list_queues(db, 1, ""); });
  EXPECT_EQ(text(one, "next_cursor"), "a");
  const auto two = h.read([&](sqlite::Database& db) { return list_queues(db, 1, "a"); });
  EXPECT_EQ(text(list(two, "items")[0].find("name")), "b");
  EXPECT_EQ(text(two, "next_cursor"), "null");
  const auto dead = h.read(
      [&](sqlite::Database& db) { return list_jobs(db, {.status = Status::dlq, .limit = 10}); });
  EXPECT_THAT(list(dead, "items"), SizeIs(2));
}

TEST(Counts, AreThoseOfHealthStatus) {
  Harness h;
  EXPECT_THAT(h.read([](sqlite::Database& db) { return count_jobs(db); }),
              HasSubstr(R"({"total":0,"unprocessed":0,)"));
  fill(h, "a");
  fill(h, "b");
  EXPECT_EQ(h.read([](sqlite::Database& db) { return count_jobs(db); }),
            R"({"total":16,"unprocessed":6,"processing":2,"completed":2,"failed":2,"dlq":2,)"
            R"("scheduled":2,"blocked":0,"cancelled":2})");
}

// --- plans ---------------------------------------------------------------------------------------

// Every SQL text of the folder: adjacent string literals that begin like a statement.
std::set<std::string> statements() {
  std::set<std::string> out;
  const auto folder = std::filesystem::path(WEIR_SOURCE_DIR) / "jobs";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream file(entry.path());
    std::stringstream buffer;
    buffer << file.rdbuf();
    auto source =
        std::regex_replace(buffer.str(), std::regex(R"re("\s*WEIR_[A-Z]+_COLUMNS\s*")re"), "*");
    source = std::regex_replace(source, std::regex(R"re("\s*\n\s*")re"), "");
    const std::regex statement(R"re("((?:SELECT|INSERT|UPDATE|DELETE) [^"]*)")re");
    for (auto at = std::sregex_iterator(source.begin(), source.end(), statement);
         at != std::sregex_iterator(); ++at) {
      out.insert((*at)[1]);
    }
  }
  return out;
}

TEST(Plans, NothingScansOrSorts) {
  // Read whole at start, and bounded: queues, workers, waiters, counters. The last row is one seek.
  const std::set<std::string> allowed{
      "SELECT id,name,paused,created_at,config FROM job_queues ORDER BY id",
      "SELECT queue,kind,count FROM job_counts ORDER BY queue,kind",
      "SELECT kind,count FROM job_totals ORDER BY kind",
      "SELECT name,last_seen,labels,queues,drained_at FROM job_workers ORDER BY name",
      "SELECT name,last_seen,running,labels,queues,drained_at FROM job_workers",
      "SELECT seq,node,waiter,until,request FROM job_waiters ORDER BY seq",
      "SELECT row FROM jobs ORDER BY row DESC LIMIT 1",
      // Shown with the keys, of which there are few.
      "SELECT key,waiting FROM job_quotas",
      // By the leader, on a thread of its own: a page of what is to be deleted, and all that is
      // there.
      "SELECT first,stream,chunks FROM job_large_unused ORDER BY first LIMIT ?1",
      "SELECT chunks FROM job_large UNION ALL SELECT chunks FROM job_large_unused",
      // When a schedule is set; and those that are due, until the first that is not.
      "SELECT count(*) FROM job_schedules",
      "SELECT next_at FROM job_schedules INDEXED BY job_schedules_next"
      " WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1",
      "SELECT id,next_at FROM job_schedules INDEXED BY job_schedules_next"
      " WHERE next_at IS NOT NULL ORDER BY next_at,id",
  };
  Harness h;
  const auto all = statements();
  EXPECT_GT(all.size(), 40U);
  for (const auto& sql : allowed) EXPECT_TRUE(all.contains(sql)) << sql;
  for (const auto& sql : all) {
    SCOPED_TRACE(sql);
    h.db->read([&]() -> Result<void> {
          auto plan = h.db->prepare("EXPLAIN QUERY PLAN " + sql);
          while (plan.step()) {
            const std::string line(plan.text(3));
            EXPECT_THAT(line, testing::Not(HasSubstr("TEMP B-TREE")));
            if (!allowed.contains(sql)) {
              EXPECT_THAT(line, testing::Not(HasSubstr("SCAN")));
            }
          }
          return {};
        })
        .value();
  }
}

}  // namespace
}  // namespace weir::jobs
