// Every transition of the diagram happens, by the operation that docs/state-machine.md names; and
// nothing else does (QueueBook::transition asserts that).
#include <fstream>
#include <set>
#include <sstream>

#include "jobs/bulk_request.hpp"
#include "jobs/queue_book.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPlain = R"({"id":"j","queue":"q"})";
constexpr std::string_view kLater = R"({"id":"j","queue":"q","delay_ms":60000})";

void nothing(Harness&) {}

void submit_plain(Harness& h) {
  h.submit(kPlain);
}

void submit_later(Harness& h) {
  h.submit(kLater);
}

void no_dead_letters(Harness& h) {
  h.must(h.requests.queue_config("q", json::View(R"({"dlq":false})")));
}

void fail_for_good(Harness& h) {
  h.fail(h.lease_one(), R"({"retry":false})");
}

void cancel(Harness& h) {
  h.must(h.requests.cancel("j", json::View()));
}

void end_dead(Harness& h) {
  h.submit(kPlain);
  fail_for_good(h);
}

void end_failed(Harness& h) {
  no_dead_letters(h);
  end_dead(h);
}

void end_completed(Harness& h) {
  h.submit(kPlain);
  h.complete(h.lease_one());
}

void end_cancelled(Harness& h) {
  h.submit(kPlain);
  cancel(h);
}

// Parent p in queue r, child j in queue q.
void submit_blocked(Harness& h) {
  submit(h, "p", "r");
  submit(h, "j", "q", R"(,"depends_on":["p"])");
}

void submit_blocked_later(Harness& h) {
  submit(h, "p", "r");
  submit(h, "j", "q", R"(,"depends_on":["p"],"delay_ms":60000)");
}

void end_parent(Harness& h) {
  h.complete(h.lease_one("r"));
}

// To worker w1, as the job j:1.
void submit_fan_out(Harness& h) {
  h.lease("q");
  submit(h, "j", "q", R"(,"target":"_all")");
}

void complete_part(Harness& h) {
  h.complete(h.lease_one("q"));
}

void fail_parent(Harness& h) {
  h.fail(h.lease_one("r"), R"({"retry":false})");
}

// The child ends, and then its parent runs again.
void end_child(Harness& h, const std::function<void(Harness&)>& end) {
  submit(h, "p", "r");
  submit(h, "j", "q", R"(,"depends_on":["p"],"on_failure":"ignore")");
  fail_parent(h);
  end(h);
  h.must(h.requests.retry("p", json::View()));
}

void remove(Harness& h) {
  h.must(h.requests.remove("j"));
}

void purge(Harness& h) {
  h.must(h.requests.purge("q"));
}

void retry(Harness& h) {
  h.must(h.requests.retry("j", json::View()));
}

void submit_unique(Harness& h, std::string_view id, std::string_view more) {
  h.submit(R"({"id":")" + std::string(id) +
           R"(","queue":"q","unique":{"key":"k","on_conflict":"replace"})" + std::string(more) +
           "}");
}

void wait_a_minute(Harness& h) {
  h.advance(60s);
  h.tick();
}

void outlive_retention(Harness& h) {
  h.advance(24h * 7);
  h.tick();
}

struct Case {
  std::string name;
  Transition edge;
  std::function<void(Harness&)> before;
  std::function<void(Harness&)> cause;
};

std::vector<Case> waiting_cases() {
  using S = Status;
  using C = Cause;
  constexpr auto none = std::optional<Status>();
  return {
      {"submit_later", {none, S::scheduled, C::submit}, nothing, submit_later},
      {"submit", {none, S::unprocessed, C::submit}, nothing, submit_plain},
      {"due", {S::scheduled, S::unprocessed, C::due}, submit_later, wait_a_minute},
      {"promote",
       {S::scheduled, S::unprocessed, C::promote},
       submit_later,
       [](Harness& h) { h.must(h.requests.promote("j", json::View())); }},
      {"edit_sooner",
       {S::scheduled, S::unprocessed, C::edit},
       [](Harness& h) { submit_unique(h, "j", R"(,"delay_ms":60000)"); },
       [](Harness& h) { submit_unique(h, "k", R"(,"run_at":"2020-01-01T00:00:00Z")"); }},
      {"edit_later",
       {S::unprocessed, S::scheduled, C::edit},
       [](Harness& h) { submit_unique(h, "j", ""); },
       [](Harness& h) { submit_unique(h, "k", R"(,"delay_ms":60000)"); }},
      {"cancel_scheduled", {S::scheduled, S::cancelled, C::cancel}, submit_later, cancel},
      {"purge_scheduled", {S::scheduled, none, C::remove}, submit_later, purge},
      {"lease",
       {S::unprocessed, S::processing, C::lease},
       submit_plain,
       [](Harness& h) { h.lease_one(); }},
      {"cancel_ready", {S::unprocessed, S::cancelled, C::cancel}, submit_plain, cancel},
      {"purge_ready", {S::unprocessed, none, C::remove}, submit_plain, purge},
  };
}

// From unprocessed through processing: the lease is part of the cause.
std::vector<Case> running_cases() {
  using S = Status;
  using C = Cause;
  return {
      {"complete",
       {S::processing, S::completed, C::complete},
       submit_plain,
       [](Harness& h) { h.complete(h.lease_one()); }},
      {"fail_retry",
       {S::processing, S::scheduled, C::fail},
       submit_plain,
       [](Harness& h) { h.fail(h.lease_one()); }},
      {"fail_retry_at_once",
       {S::processing, S::unprocessed, C::fail},
       submit_plain,
       [](Harness& h) { h.fail(h.lease_one(), R"({"retry_after_ms":0})"); }},
      {"fail_for_good",
       {S::processing, S::failed, C::fail},
       [](Harness& h) {
         no_dead_letters(h);
         h.submit(kPlain);
       },
       fail_for_good},
      {"dead_letter", {S::processing, S::dlq, C::fail}, submit_plain, fail_for_good},
      {"release",
       {S::processing, S::unprocessed, C::release},
       submit_plain,
       [](Harness& h) { h.must(h.requests.release(h.lease_one(), json::View())); }},
      {"snooze",
       {S::processing, S::scheduled, C::release},
       submit_plain,
       [](Harness& h) {
         h.must(h.requests.release(h.lease_one(), json::View(R"({"delay_ms":"1m"})")));
       }},
      {"cancel_running",
       {S::processing, S::cancelled, C::cancel},
       submit_plain,
       [](Harness& h) {
         h.lease_one();
         cancel(h);
         h.advance(kCancelGrace);
         h.tick();
       }},
  };
}

std::vector<Case> finished_cases() {
  using S = Status;
  using C = Cause;
  constexpr auto none = std::optional<Status>();
  return {
      {"retry_failed", {S::failed, S::unprocessed, C::retry}, end_failed, retry},
      {"retry_cancelled", {S::cancelled, S::unprocessed, C::retry}, end_cancelled, retry},
      {"retry_dead", {S::dlq, S::unprocessed, C::retry}, end_dead, retry},
      {"remove_completed", {S::completed, none, C::remove}, end_completed, remove},
      {"remove_failed", {S::failed, none, C::remove}, end_failed, remove},
      {"remove_cancelled", {S::cancelled, none, C::remove}, end_cancelled, remove},
      {"remove_dead", {S::dlq, none, C::remove}, end_dead, remove},
      {"forget_completed", {S::completed, none, C::retention}, end_completed, outlive_retention},
      {"forget_failed", {S::failed, none, C::retention}, end_failed, outlive_retention},
      {"forget_cancelled", {S::cancelled, none, C::retention}, end_cancelled, outlive_retention},
  };
}

std::string soon(Harness& h) {
  return std::to_string(to_unix_ms(h.clock.wall()) + 1'000);
}

void outlive_expiry(Harness& h) {
  h.advance(1s);
  h.tick();
}

std::vector<Case> blocked_cases() {
  using S = Status;
  using C = Cause;
  constexpr auto none = std::optional<Status>();
  return {
      {"submit_blocked", {none, S::blocked, C::submit}, nothing, submit_blocked},
      {"unblock", {S::blocked, S::unprocessed, C::parents}, submit_blocked, end_parent},
      {"unblock_later", {S::blocked, S::scheduled, C::parents}, submit_blocked_later, end_parent},
      {"complete_fan_out", {S::blocked, S::completed, C::parents}, submit_fan_out, complete_part},
      {"fail_with_parent", {S::blocked, S::failed, C::parents}, submit_blocked, fail_parent},
      {"cancel_blocked", {S::blocked, S::cancelled, C::cancel}, submit_blocked, cancel},
      {"purge_blocked", {S::blocked, none, C::remove}, submit_blocked, purge},
      {"expire_blocked",
       {S::blocked, S::failed, C::expire},
       [](Harness& h) {
         submit(h, "parent", "other");
         submit(h, "j", "q", R"(,"depends_on":["parent"],"expires_at":)" + soon(h));
       },
       outlive_expiry},
      {"expire_scheduled",
       {S::scheduled, S::failed, C::expire},
       [](Harness& h) { submit(h, "j", "q", R"(,"delay_ms":90000,"expires_at":)" + soon(h)); },
       outlive_expiry},
      {"expire_ready",
       {S::unprocessed, S::failed, C::expire},
       [](Harness& h) { submit(h, "j", "q", R"(,"expires_at":)" + soon(h)); },
       outlive_expiry},
      {"retry_failed_child",
       {S::failed, S::blocked, C::retry},
       [](Harness& h) {
         no_dead_letters(h);
         end_child(h, fail_for_good);
       },
       retry},
      {"retry_cancelled_child",
       {S::cancelled, S::blocked, C::retry},
       [](Harness& h) { end_child(h, cancel); },
       retry},
      {"retry_dead_child",
       {S::dlq, S::blocked, C::retry},
       [](Harness& h) { end_child(h, fail_for_good); },
       retry},
  };
}

std::vector<Case> all_cases() {
  auto all = waiting_cases();
  for (const auto& more : {blocked_cases(), running_cases(), finished_cases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

std::string word(std::optional<Status> status) {
  return status ? std::string(to_string(*status)) : "[*]";
}

std::string edge_text(const Transition& edge) {
  return word(edge.from) + " -> " + word(edge.to) + " : " + std::string(to_string(edge.cause));
}

std::set<std::string> listed_edges() {
  std::set<std::string> listed;
  for (const auto& edge : transitions()) listed.insert(edge_text(edge));
  return listed;
}

std::optional<Status> status_of(Harness& h) {
  const auto status = h.number("SELECT status FROM jobs WHERE id='j'");
  if (status < 0) return std::nullopt;
  return static_cast<Status>(status);
}

class TransitionTest : public testing::TestWithParam<Case> {};

TEST_P(TransitionTest, Happens) {
  const auto& test = GetParam();
  Harness h;
  test.before(h);
  const auto from = test.edge.from == Status::processing ? Status::unprocessed : test.edge.from;
  ASSERT_EQ(word(status_of(h)), word(from));
  test.cause(h);
  EXPECT_EQ(word(status_of(h)), word(test.edge.to));
  h.expect_counts_true();
  const auto tables = h.dump();
  h.restart();
  EXPECT_EQ(h.dump(), tables);
  h.expect_counts_true();
}

INSTANTIATE_TEST_SUITE_P(All, TransitionTest, testing::ValuesIn(all_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(Transitions, EachHasATest) {
  std::set<std::string> tested;
  for (const auto& test : all_cases()) tested.insert(edge_text(test.edge));
  EXPECT_EQ(tested, listed_edges());
}

TEST(Transitions, NoOthersExist) {
  const auto listed = listed_edges();
  std::vector<std::optional<Status>> all{std::nullopt};
  for (const auto status : kStatuses) all.emplace_back(status);
  for (const auto from : all) {
    for (const auto to : all) {
      for (int cause = 0; cause <= static_cast<int>(Cause::parents); ++cause) {
        const Transition edge{from, to, static_cast<Cause>(cause)};
        EXPECT_EQ(is_transition(from, to, edge.cause), listed.contains(edge_text(edge)))
            << edge_text(edge);
      }
    }
  }
}

TEST(TransitionsDeathTest, AnUnlistedTransitionIsADefect) {
  QueueBook book;
  Queue queue;
  EXPECT_DEATH(book.transition(queue, Status::completed, Status::processing, Cause::lease, 0, 0),
               "is_transition");
}

// docs/state-machine.md shows the same edges, in the diagram and in the table.
TEST(Transitions, TheDocumentShowsThem) {
  std::ifstream file(std::string(WEIR_SOURCE_DIR) + "/docs/state-machine.md");
  std::set<std::string> diagram;
  std::set<std::string> table;
  for (std::string line; std::getline(file, line);) {
    const auto arrow = line.find(" --> ");
    if (arrow != std::string::npos) {
      const auto colon = line.find(" : ");
      const auto edge =
          line.substr(4, arrow - 4) + " -> " + line.substr(arrow + 5, colon - arrow - 5);
      std::stringstream causes(line.substr(colon + 3));
      for (std::string cause; causes >> cause;) {
        if (cause.ends_with(',')) cause.pop_back();
        diagram.insert(edge + " : " + cause);
      }
    } else if (line.starts_with("| ") && line.find(" -> ") != std::string::npos) {
      table.insert(line.substr(2, line.find(" |", 2) - 2));
    }
  }
  EXPECT_EQ(diagram, listed_edges());
  EXPECT_EQ(table, listed_edges());
}

}  // namespace
}  // namespace weir::jobs
