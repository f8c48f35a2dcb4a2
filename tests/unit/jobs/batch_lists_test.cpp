// Batches in lists, and what of a request is refused.
#include "jobs/batch_query.hpp"
#include "tests/unit/jobs/batches.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;

TEST(BatchLists, ListsInPages) {
  Harness h;
  for (int i = 0; i < 5; ++i) create(h, members(0), "b" + std::to_string(i));
  create(h, "", "open");
  std::vector<std::string> seen;
  BatchListRequest request{.state = BatchState::succeeded, .limit = 2};
  for (int i = 0; i < 10; ++i) {
    const auto page = h.read([&](sqlite::Database& db) { return list_batches(db, request); });
    for (const auto item : list(page, "items")) seen.push_back(text(item.find("id")));
    request.cursor = text(page, "next_cursor");
    if (request.cursor == "null") break;
  }
  EXPECT_THAT(seen, ElementsAre("b4", "b3", "b2", "b1", "b0"));
}

TEST(BatchLists, ListsOnlyWhatIsAllowed) {
  Harness h;
  create(h, R"(,"jobs":[{"id":"x","queue":"other"}])", "b1");
  create(h, members(1) + R"(,"on_complete":{"queue":"other"})", "b2");
  create(h, "", "b3");
  const BatchListRequest request{.allowed = [](std::string_view queue) { return queue == "q"; }};
  const auto page = h.read([&](sqlite::Database& db) { return list_batches(db, request); });
  ASSERT_EQ(list(page, "items").size(), 1U);
  EXPECT_EQ(text(list(page, "items")[0].find("id")), "b3");
}

TEST(BatchLists, ListsMembersByStatus) {
  Harness h;
  create(h, members(5));
  h.fail(h.lease_one(), R"({"retry":false})");
  MemberListRequest request{.id = "b", .limit = 2};
  std::vector<std::string> seen;
  for (int i = 0; i < 10; ++i) {
    const auto page = h.read([&](sqlite::Database& db) { return list_members(db, request); });
    for (const auto item : list(page, "items")) seen.push_back(text(item.find("id")));
    request.cursor = text(page, "next_cursor");
    if (request.cursor == "null") break;
  }
  EXPECT_THAT(seen, ElementsAre("m0", "m1", "m2", "m3", "m4"));
  const MemberListRequest dead{.id = "b", .status = Status::dlq};
  const auto page = h.read([&](sqlite::Database& db) { return list_members(db, dead); });
  ASSERT_EQ(list(page, "items").size(), 1U);
  EXPECT_EQ(text(list(page, "items")[0].find("id")), "m0");
}

TEST(BatchRequests, BadRequestsNameTheField) {
  struct Case {
    std::string body;
    std::string field;
  };
  const Case cases[] = {
      {R"({"id":"a b"})", "id"},
      {R"({"name":7})", "name"},
      {R"({"name":")" + std::string(kMaxBatchNameBytes + 1, 'n') + R"("})", "name"},
      {R"({"seal":"yes"})", "seal"},
      {R"({"seal_after_ms":1})", "seal_after_ms"},
      {R"({"on_success":"x"})", "on_success"},
      {R"({"on_success":{"type":"t"}})", "on_success.queue"},
      {R"({"on_success":{"queue":"q","priority":10}})", "on_success.priority"},
      {R"({"on_complete":{"queue":"q","unique":{"key":"k"}}})", "on_complete.unique"},
      {R"({"on_complete":{"queue":"q","depends_on":["a"]}})", "on_complete.depends_on"},
      {R"({"on_complete":{"queue":"q","batch":"a"}})", "on_complete.batch"},
      {R"({"jobs":[{"queue":"q"},{"queue":"q","batch":"a"}]})", "jobs[1].batch"},
      {R"({"jobs":7})", "jobs"},
      {R"({"job":7})", "job"},
  };
  Harness h;
  for (const auto& test : cases) {
    const auto request = h.requests.batch_create(json::View(test.body));
    ASSERT_FALSE(request) << test.body;
    ASSERT_EQ(request.error().fields.size(), 1U) << test.body;
    EXPECT_EQ(request.error().fields[0].field, test.field);
  }
  const auto single = h.requests.submit(json::View(plain("x", R"(,"batch":"a b")")));
  ASSERT_FALSE(single);
  EXPECT_EQ(single.error().fields[0].field, "batch");
}

}  // namespace
}  // namespace weir::jobs
