// The filters of lists, and changes of all the jobs that a filter names.
#include "jobs/bulk_request.hpp"
#include "jobs/list_request.hpp"
#include "jobs/queries.hpp"
#include "pkg/base/time_text.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ListRequest parsed(std::string_view json) {
  auto request = parse_list_request(json::View(json));
  if (!request) ADD_FAILURE() << describe(request.error());
  return request ? *request : ListRequest{};
}

std::vector<std::string> selected(Harness& h, ListRequest request) {
  std::vector<std::string> out;
  h.read([&](sqlite::Database& db) -> Result<std::string> {
    do {
      WEIR_ASSIGN(auto page, select_jobs(db, request));
      out.insert(out.end(), page.ids.begin(), page.ids.end());
      request.cursor = page.cursor;
    } while (!request.cursor.empty());
    return std::string("{}");
  });
  return out;
}

std::vector<std::string> found(Harness& h, std::string_view json) {
  return selected(h, parsed(json));
}

// Four of every kind that filters tell apart.
void fill(Harness& h) {
  submit(h, "a1", "a",
         R"(,"type":"mail","key":"k","tags":["x"],"metadata":{"tenant":"acme","n":3})");
  submit(h, "a2", "a", R"(,"type":"sms","key":"l","metadata":{"tenant":"other"})");
  h.advance(10s);
  submit(h, "b1", "b", R"(,"type":"mail","delay_ms":60000)");
  submit(h, "dead1", "q");
  h.fail(h.lease_one(),
         R"({"retry":false,"error":{"type":"SMTP","message":"Connection TIMEOUT"}})");
  submit(h, "dead2", "q");
  h.fail(h.lease_one(), R"({"retry":false,"error":{"message":"no such user"}})");
}

TEST(ListFilters, EachNamesItsJobs) {
  Harness h;
  fill(h);
  EXPECT_THAT(found(h, R"({"type":"mail"})"), ElementsAre("b1", "a1"));
  EXPECT_THAT(found(h, R"({"queue":"a","type":"mail"})"), ElementsAre("a1"));
  EXPECT_THAT(found(h, R"({"key":"l"})"), ElementsAre("a2"));
  EXPECT_THAT(found(h, R"({"queue":"a","status":"unprocessed","key":"k"})"), ElementsAre("a1"));
  EXPECT_THAT(found(h, R"({"tag":"x"})"), ElementsAre("a1"));
  EXPECT_THAT(found(h, R"({"metadata":{"tenant":"acme"}})"), ElementsAre("a1"));
  EXPECT_THAT(found(h, R"({"metadata":{"tenant":"acme","n":"3"}})"), ElementsAre("a1"));
  EXPECT_THAT(found(h, R"({"metadata":{"tenant":"acme","n":"4"}})"), IsEmpty());
  EXPECT_THAT(found(h, R"({"error":"timeout"})"), ElementsAre("dead1"));
  EXPECT_THAT(found(h, R"({"error":"smtp","status":"dlq"})"), ElementsAre("dead1"));
  EXPECT_THAT(found(h, R"({"error":"timeout","type":"mail"})"), IsEmpty());
  EXPECT_THAT(found(h, R"({"worker":"w1"})"), ElementsAre("dead2", "dead1"));
  EXPECT_THAT(found(h, R"({"queue":"nothing"})"), IsEmpty());
}

TEST(ListFilters, RangesOfTime) {
  Harness h;
  fill(h);
  const auto middle = format_rfc3339(h.clock.wall() - 5s);
  EXPECT_THAT(found(h, R"({"queue":"a","created_before":")" + middle + "\"}"),
              ElementsAre("a1", "a2"));
  EXPECT_THAT(found(h, R"({"created_after":")" + middle + "\"}"),
              ElementsAre("dead2", "dead1", "b1"));
  EXPECT_THAT(found(h, R"({"finished_after":")" + middle + R"(","sort":"created"})"),
              ElementsAre("dead1", "dead2"));
  EXPECT_THAT(found(h, R"({"finished_before":")" + middle + "\"}"), IsEmpty());
}

TEST(ListFilters, SortedBySubmissionPageByPage) {
  Harness h;
  fill(h);
  for (const char* limit : {"1", "2", "1000"}) {
    const auto more = std::string(R"(,"limit":)") + limit + "}";
    EXPECT_THAT(found(h, R"({"sort":"created")" + more),
                ElementsAre("a1", "a2", "b1", "dead1", "dead2"));
    EXPECT_THAT(found(h, R"({"sort":"-created","queue":"a")" + more), ElementsAre("a2", "a1"));
    EXPECT_THAT(found(h, R"({"sort":"created","status":"dlq")" + more),
                ElementsAre("dead1", "dead2"));
  }
}

TEST(ListFilters, PagesStayStableWhileJobsCome) {
  Harness h;
  fill(h);
  auto request = parsed(R"({"sort":"-created","limit":2})");
  std::vector<std::string> seen;
  for (int page = 0; page < 5; ++page) {
    const auto part = select_jobs(*h.db, request).value();
    seen.insert(seen.end(), part.ids.begin(), part.ids.end());
    if (part.cursor.empty()) break;
    request.cursor = part.cursor;
    submit(h, "new" + std::to_string(page), "a");
  }
  EXPECT_THAT(seen, ElementsAre("dead2", "dead1", "b1", "a2", "a1"));
}

TEST(ListFilters, BadValuesAreNamedAllAtOnce) {
  const auto bad = parse_list_request(json::View(
      R"({"status":"done","queue":"no good","created_after":"yesterday","sort":"up","limit":0,
          "metadata":{"":"x"},"type":")" +
      std::string(200, 't') + "\"}"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::invalid);
  EXPECT_EQ(bad.error().reason, "invalid_request");
  std::vector<std::string> fields;
  for (const auto& field : bad.error().fields) fields.push_back(field.field);
  EXPECT_THAT(fields, testing::UnorderedElementsAre("status", "queue", "created_after", "sort",
                                                    "limit", "metadata", "type"));
  const auto turned = parse_list_request(json::View(
      R"({"finished_after":"2026-01-02T00:00:00Z","finished_before":"2026-01-01T00:00:00Z"})"));
  ASSERT_FALSE(turned);
  EXPECT_EQ(turned.error().fields.at(0).field, "finished_before");
}

// --- many jobs -----------------------------------------------------------------------------------

TEST(BulkCancel, TakesWhatHasNotEnded) {
  Harness h;
  fill(h);
  submit(h, "runs", "q");
  const auto token = h.lease_one();
  const auto request =
      parse_bulk_cancel(json::View(R"({"filter":{"created_after":"1970-01-01T00:00:00Z"}})"));
  ASSERT_TRUE(request) << describe(request.error());
  const auto ids = selected(h, request->select);
  EXPECT_THAT(ids, testing::UnorderedElementsAre("a1", "a2", "b1", "runs"));
  auto named = ids;
  named.emplace_back("dead1");
  named.emplace_back("nothing");
  const auto reply = h.must(cancel_jobs(named));
  EXPECT_EQ(text(reply, "cancelled"), "3");
  EXPECT_EQ(text(reply, "cancel_requested"), "1");
  EXPECT_EQ(text(reply, "skipped"), "2");
  EXPECT_EQ(h.status("a1"), "cancelled");
  EXPECT_EQ(h.status("dead1"), "dlq");
  EXPECT_EQ(h.status("runs"), "processing");
  EXPECT_EQ(h.member("runs", "cancel_requested"), "true");
  h.complete(token);
  h.expect_counts_true();
}

TEST(BulkCancel, WantsAFilterOfJobsThatHaveNotEnded) {
  for (const char* body :
       {"{}", R"({"filter":{}})", R"({"filter":{"status":"completed"}})",
        R"({"filter":{"queue":"q"},"limit":1001})", R"({"filter":{"queue":"q","colour":1}})"}) {
    EXPECT_FALSE(parse_bulk_cancel(json::View(body))) << body;
  }
}

TEST(BulkRedrive, ByErrorText) {
  Harness h;
  fill(h);
  const json::View body(R"({"filter":{"error":"timeout"}})");
  EXPECT_TRUE(is_bulk_redrive(body));
  EXPECT_FALSE(is_bulk_redrive(json::View(R"({"filter":{"queue":"q"}})")));
  const auto request = parse_bulk_redrive(body).value();
  const auto ids = selected(h, request.select);
  EXPECT_THAT(ids, ElementsAre("dead1"));
  EXPECT_EQ(text(h.must(redrive_jobs(ids)), "redriven"), "1");
  EXPECT_EQ(h.status("dead1"), "unprocessed");
  EXPECT_EQ(h.status("dead2"), "dlq");
}

}  // namespace
}  // namespace weir::jobs
