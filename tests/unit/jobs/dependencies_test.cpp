// Jobs that wait for other jobs: order, failure policies, cascades, bounds.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string after(std::string_view parents, std::string_view more = "") {
  return R"(,"depends_on":[)" + std::string(parents) + "]" + std::string(more);
}

std::string child(std::string_view id, std::string_view parents, std::string_view more = "") {
  return plain(id, after(parents, more));
}

std::string batch_body(const std::string& jobs) {
  return R"({"atomic":true,"jobs":[)" + jobs + "]}";
}

std::string send_batch(Harness& h, const std::string& jobs) {
  const auto body = batch_body(jobs);
  const auto batch = h.requests.submit_batch(json::View(body));
  if (!batch) {
    ADD_FAILURE() << describe(batch.error());
    return "{}";
  }
  const std::vector<Result<replica::Reply>> replies{
      replica::Reply{h.must(batch->parts[0].operation), h.revision}};
  return merge_batch(*batch, replies).value();
}

// Runs what is ready until nothing is; the ids in the order of their leases.
std::vector<std::string> drain(Harness& h) {
  std::vector<std::string> order;
  for (;;) {
    const auto jobs = h.lease("q");
    if (jobs.empty()) return order;
    order.push_back(text(jobs[0].find("id")));
    h.complete(text(jobs[0].find("lease")));
  }
}

void fail_next(Harness& h, std::string_view queue = "q") {
  h.fail(h.lease_one(queue), R"({"retry":false,"error":{"message":"boom"}})");
}

TEST(Dependencies, AChildRunsWhenAllParentsCompleted) {
  Harness h;
  h.submit(plain("a"));
  h.submit(plain("b"));
  EXPECT_EQ(text(h.must(h.requests.submit(json::View(child("c", R"("a","b")")))), "status"),
            "blocked");
  h.complete(h.lease_one());
  EXPECT_EQ(h.status("c"), "blocked");
  EXPECT_EQ(h.member("c", "waiting_for"), "1");
  h.restart();
  h.complete(h.lease_one());
  EXPECT_EQ(h.status("c"), "unprocessed");
  EXPECT_THAT(h.member("c", "depends_on"), HasSubstr(R"("counted_as":"completed")"));
  h.expect_counts_true();
}

TEST(Dependencies, ADiamondInAnyOrderOfOneAtomicBatch) {
  Harness h;
  const auto reply = send_batch(h, child("d", R"("b","c")") + "," + child("c", R"("a")") + "," +
                                       child("b", R"("a")") + "," + plain("a"));
  std::vector<std::string> answered;
  for (const auto result : list(reply, "results")) answered.push_back(text(result.find("id")));
  EXPECT_THAT(answered, ElementsAre("d", "c", "b", "a")) << "answers stand as the request does";
  EXPECT_THAT(drain(h), ElementsAre("a", "c", "b", "d"));
  h.expect_counts_true();
}

TEST(Dependencies, CyclesAreRefused) {
  Harness h;
  const auto body =
      batch_body(child("a", R"("b")") + "," + child("b", R"("a")") + "," + plain("c"));
  const auto error = h.requests.submit_batch(json::View(body)).error();
  EXPECT_EQ(error.reason, "invalid_job");
  ASSERT_EQ(error.fields.size(), 2U);
  EXPECT_EQ(error.fields[0].field, "jobs[0].depends_on");
  EXPECT_EQ(error.fields[1].field, "jobs[1].depends_on");
}

TEST(Dependencies, UnknownParentsAreRefused) {
  Harness h;
  const auto error = h.refused(h.requests.submit(json::View(child("c", R"("nobody")"))));
  EXPECT_EQ(error.reason, "parent_not_found");
  ASSERT_EQ(error.fields.size(), 1U);
  EXPECT_EQ(error.fields[0].field, "depends_on");
  const auto body = batch_body(plain("x") + "," + child("y", R"("nobody")"));
  const auto batch = h.requests.submit_batch(json::View(body)).value();
  EXPECT_EQ(h.refused(batch.parts[0].operation).reason, "parent_not_found");
  // Itself: it does not exist yet.
  EXPECT_EQ(h.refused(h.requests.submit(json::View(child("s", R"("s")")))).reason,
            "parent_not_found");
}

TEST(Dependencies, AKnownIdIsAnsweredWhateverItsParentsAre) {
  Harness h;
  h.submit(plain("a"));
  h.submit(child("c", R"("a")"));
  h.complete(h.lease_one());
  h.must(h.requests.remove("a"));
  EXPECT_TRUE(is_duplicate(h.must(h.requests.submit(json::View(child("c", R"("a")"))))));
}

struct PolicyCase {
  std::string policy;
  std::string status;  // of the child, when its parent died
};

class PolicyTest : public testing::TestWithParam<PolicyCase> {};

TEST_P(PolicyTest, DecidesWhenAParentDies) {
  Harness h;
  const auto policy = R"(,"on_failure":")" + GetParam().policy + "\"";
  h.submit(plain("p"));
  h.submit(child("c", R"("p")", policy));
  fail_next(h);
  EXPECT_EQ(h.status("p"), "dlq");
  EXPECT_EQ(h.status("c"), GetParam().status);
  // The same for a parent that has ended already.
  EXPECT_EQ(text(h.must(h.requests.submit(json::View(child("late", R"("p")", policy)))), "status"),
            GetParam().status);
  EXPECT_EQ(h.status("late"), GetParam().status);
  h.expect_counts_true();
}

INSTANTIATE_TEST_SUITE_P(All, PolicyTest,
                         testing::Values(PolicyCase{"fail", "failed"},
                                         PolicyCase{"ignore", "unprocessed"},
                                         PolicyCase{"run", "unprocessed"}),
                         [](const auto& test) { return test.param.policy; });

TEST(Dependencies, FailureGoesDownTheGraph) {
  Harness h;
  std::string jobs = plain("j0");
  for (int i = 1; i < 3'000; ++i) {
    jobs += "," + child("j" + std::to_string(i), "\"j" + std::to_string(i - 1) + "\"");
  }
  send_batch(h, jobs);
  fail_next(h);
  EXPECT_EQ(h.status("j1000"), "failed") << "one operation follows a bounded number";
  EXPECT_EQ(h.status("j1001"), "blocked");
  for (int i = 0; i < 5 && h.machine->next_due() <= h.clock.wall(); ++i) {
    h.restart();
    h.tick();
  }
  EXPECT_EQ(h.status("j2999"), "failed");
  EXPECT_EQ(h.count(Status::failed), 2'999);
  EXPECT_THAT(h.member("j2", "error"), HasSubstr(R"("type":"parent_failed")"));
  EXPECT_THAT(h.member("j2", "error"), HasSubstr(R"("parent":"j1")"));
  h.expect_counts_true();
}

TEST(Dependencies, ManyChildrenAreReleasedInSteps) {
  Harness h;
  std::string jobs = plain("p");
  for (int i = 0; i < 2'500; ++i) jobs += "," + child("c" + std::to_string(i), R"("p")");
  send_batch(h, jobs);
  h.complete(h.lease_one());
  EXPECT_EQ(h.count(Status::unprocessed), kFollowRows);
  h.restart();
  ASSERT_TRUE(h.machine->next_due().has_value());
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 2 * kFollowRows);
  h.tick();
  EXPECT_EQ(h.count(Status::unprocessed), 2'500);
  EXPECT_EQ(h.count(Status::blocked), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_releases"), 0);
  h.expect_counts_true();
}

TEST(Dependencies, WhoWasNotReachedWaitsForAParentThatRunsAgain) {
  Harness h;
  std::string jobs = plain("p");
  for (int i = 0; i < 1'500; ++i) jobs += "," + child("c" + std::to_string(i), R"("p")");
  send_batch(h, jobs);
  fail_next(h);
  EXPECT_EQ(h.count(Status::failed), kFollowRows);
  h.must(h.requests.retry("p", json::View()));
  h.tick();
  EXPECT_EQ(h.count(Status::blocked), 500);
  h.complete(h.lease_one());
  EXPECT_EQ(h.count(Status::unprocessed), 500);
  h.expect_counts_true();
}

TEST(Dependencies, RemovingAWaitingParentFailsTheChild) {
  Harness h;
  submit(h, "p", "r");
  h.submit(child("c", R"("p")"));
  h.must(h.requests.purge("r"));
  EXPECT_EQ(h.status("c"), "failed");
  EXPECT_THAT(h.member("c", "error"), HasSubstr(R"("status":"removed")"));
}

TEST(Dependencies, RemovingAnEndedParentChangesNothing) {
  Harness h;
  submit(h, "p", "r");
  submit(h, "p2", "r2");
  h.submit(child("c", R"("p","p2")"));
  h.complete(h.lease_one("r"));
  h.must(h.requests.remove("p"));
  EXPECT_EQ(h.status("c"), "blocked");
  h.complete(h.lease_one("r2"));
  EXPECT_EQ(h.status("c"), "unprocessed");
  const auto jobs = h.lease("q");
  EXPECT_EQ(text(jobs[0].find("parents").find("p").find("status")), "removed");
  EXPECT_EQ(text(jobs[0].find("parents").find("p2").find("status")), "completed");
}

TEST(Dependencies, ARedrivenParentDoesNotUndoWhatItsEndDecided) {
  Harness h;
  submit(h, "p", "r");
  h.submit(child("c", R"("p")"));
  fail_next(h, "r");
  h.must(h.requests.retry("p", json::View()));
  EXPECT_EQ(h.status("c"), "failed");
  h.must(h.requests.retry("c", json::View()));
  EXPECT_EQ(h.status("c"), "blocked") << "its parent runs: it waits anew";
  h.complete(h.lease_one("r"));
  EXPECT_EQ(h.status("c"), "unprocessed");
  h.expect_counts_true();
}

TEST(Dependencies, ARetriedChildRunsWhenItsParentsHaveEnded) {
  Harness h;
  submit(h, "p", "r");
  h.submit(child("c", R"("p")"));
  fail_next(h, "r");
  h.must(h.requests.retry("c", json::View()));
  EXPECT_EQ(h.status("c"), "unprocessed");
}

TEST(Dependencies, ResultsOfParentsComeWithTheLease) {
  Harness h;
  h.submit(plain("a"));
  h.submit(plain("b"));
  h.submit(child("c", R"("a","b")", R"(,"on_failure":"run")"));
  h.must(h.requests.complete(h.lease_one(), json::View(R"({"result":{"n":1}})")));
  fail_next(h);
  const auto jobs = h.lease("q");
  ASSERT_EQ(jobs.size(), 1U);
  const auto parents = jobs[0].find("parents");
  EXPECT_EQ(parents.find("a").raw(), R"({"status":"completed","result":{"n":1}})");
  EXPECT_EQ(parents.find("b").raw(),
            R"({"status":"dlq","result":null,"error":{"message":"boom"}})");
}

TEST(Dependencies, ALargeResultIsAReference) {
  Harness h;
  h.submit(plain("a"));
  h.submit(child("c", R"("a")"));
  const auto result = R"({"result":")" + std::string(kMaxParentBytes, 'x') + "\"}";
  h.must(h.requests.complete(h.lease_one(), json::View(result)));
  EXPECT_EQ(h.lease("q")[0].find("parents").find("a").raw(),
            R"({"status":"completed","result_at":"/v1/jobs/a"})");
}

TEST(Dependencies, AParentThatIsRunningTellsItsChildren) {
  Harness h;
  h.submit(plain("a"));
  const auto token = h.lease_one();
  h.submit(child("c", R"("a")"));
  h.complete(token);
  EXPECT_EQ(h.status("c"), "unprocessed");
}

TEST(Dependencies, AParkedWorkerGetsTheUnblockedChild) {
  Harness h;
  submit(h, "p", "r");
  h.submit(child("c", R"("p")"));
  ASSERT_TRUE(h.park("w9"));
  h.complete(h.lease_one("r"));
  ASSERT_EQ(h.deliveries.size(), 1U);
  EXPECT_THAT(h.deliveries[0].json, HasSubstr(R"("id":"c")"));
}

TEST(Dependencies, AChildOfAnAnsweredUniqueJobWaitsForTheHolder) {
  Harness h;
  const std::string unique = R"(,"unique":{"key":"k"})";
  h.submit(plain("held", unique));
  send_batch(h, plain("a", unique) + "," + child("c", R"("a")"));
  EXPECT_THAT(h.member("c", "depends_on"), HasSubstr(R"("id":"held")"));
  EXPECT_THAT(drain(h), ElementsAre("held", "c"));
}

TEST(Dependencies, ForgottenChildrenLeaveNoEdges) {
  Harness h;
  h.submit(plain("a"));
  h.submit(child("c", R"("a")"));
  h.must(h.requests.cancel("c", json::View()));
  h.must(h.requests.remove("c"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_parents"), 0);
  h.complete(h.lease_one());
}

TEST(Dependencies, BadRequestsNameTheField) {
  struct Case {
    std::string more;
    std::string field;
  };
  std::string many;
  for (std::size_t i = 0; i <= kMaxParents; ++i)
    many += (i == 0 ? "\"a" : ",\"a") + std::to_string(i) + "\"";
  const Case cases[] = {
      {R"(,"depends_on":"a")", "depends_on"},
      {R"(,"depends_on":[7])", "depends_on[0]"},
      {R"(,"depends_on":["a b"])", "depends_on[0]"},
      {R"(,"depends_on":["a"],"on_failure":"hope")", "on_failure"},
      {R"(,"on_failure":"run")", "on_failure"},
      {R"(,"depends_on":[)" + many + "]", "depends_on"},
      {R"(,"depends_on":["a"],"unique":{"key":"k","on_conflict":"replace"})", "unique.on_conflict"},
  };
  Harness h;
  for (const auto& test : cases) {
    const auto body = plain("x", test.more);
    const auto request = h.requests.submit(json::View(body));
    ASSERT_FALSE(request) << body;
    ASSERT_EQ(request.error().fields.size(), 1U) << body;
    EXPECT_EQ(request.error().fields[0].field, test.field);
  }
}

}  // namespace
}  // namespace weir::jobs
