#include "cmd/weir/worker/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "pkg/log/log.hpp"
#include "tests/unit/cli/fake_server.hpp"

namespace weir::cli {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

WorkerOptions options_for(const FakeServer& server, const std::string& command) {
  WorkerOptions out;
  out.client.server = server.url();
  out.command = command;
  out.name = "w1";
  out.queues = {"q"};
  out.until = Until::empty;
  return out;
}

// A server that has one job for whoever asks first, and answers reports as `report` says.
FakeServer::Handler one_job(std::function<Reply(const Json&)> report) {
  auto leased = std::make_shared<std::atomic<bool>>(false);
  return [leased, report = std::move(report)](const Asked& asked) -> Reply {
    const auto body = Json::parse(asked.body);
    if (!body.contains("lease")) return report(body);
    if (leased->exchange(true)) return {200, R"({"jobs":[]})"};
    return {200, R"({"jobs":[{"id":"a","lease":"L","payload":1}]})"};
  };
}

// A coordinator as a worker sees it: leases what is ready, remembers outcomes.
class FakeCoordinator {
 public:
  FakeCoordinator() {
    log::configure(log::Level::off, log::Format::text);
    server_ = std::make_unique<FakeServer>([this](const Asked& asked) { return answer(asked); });
  }

  void add(const std::string& id, const std::string& payload) {
    const std::lock_guard lock(mutex_);
    ready_.push_back({{"id", id},
                      {"queue", "q"},
                      {"type", "t"},
                      {"attempt", 1},
                      {"max_attempts", 3},
                      {"lease", "L-" + id},
                      {"deadline", "2030-01-01T00:00:00.000Z"},
                      {"payload", Json::parse(payload)}});
  }

  WorkerOptions options(const std::string& command, Until until = Until::empty) const {
    auto out = options_for(*server_, command);
    out.until = until;
    out.poll = Millis{200};
    out.kill_grace = Millis{2'000};
    return out;
  }

  Json outcome(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = outcomes_.find("L-" + id);
    return found == outcomes_.end() ? Json() : found->second;
  }
  // Messages that heartbeats brought.
  std::vector<std::string> logged(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = logs_.find("L-" + id);
    return found == logs_.end() ? std::vector<std::string>{} : found->second;
  }
  std::size_t outcomes() const {
    const std::lock_guard lock(mutex_);
    return outcomes_.size();
  }
  const FakeServer& server() const { return *server_; }

  std::atomic<int> failing{0};  // answer this many requests with 503
  std::atomic<int> heartbeats{0};
  std::atomic<bool> cancel{false};
  std::atomic<bool> lose{false};
  std::atomic<int> most_at_once{0};

 private:
  Reply answer(const Asked& asked) {
    if (failing > 0) {
      --failing;
      return {503, "{}"};
    }
    if (asked.path.starts_with("/v1/queues/")) {
      return {200, R"({"counts":{"unprocessed":0,"scheduled":0,"processing":0,"blocked":0}})"};
    }
    const std::lock_guard lock(mutex_);
    const auto body = Json::parse(asked.body);
    Json out{{"jobs", Json::array()}};
    for (const char* kind : {"complete", "fail", "release"}) {
      out[kind] = Json::array();
      for (const auto& item : body.value(kind, Json::array())) {
        outcomes_[item["lease"]] = {{"kind", kind}, {"item", item}};
        held_.erase(item["lease"]);
        out[kind].push_back({{"ok", true}});
      }
    }
    out["heartbeat"] = Json::array();
    for (const auto& item : body.value("heartbeat", Json::array())) {
      ++heartbeats;
      for (const auto& line : item.value("log", Json::array())) {
        logs_[item["lease"]].push_back(line["message"]);
      }
      if (lose) {
        out["heartbeat"].push_back({{"error", "gone"}, {"reason", "lease_lost"}, {"code", 409}});
        held_.erase(item["lease"]);
      } else {
        out["heartbeat"].push_back({{"ok", true}, {"cancel", cancel.load()}});
      }
    }
    if (body.contains("lease")) {
      for (auto max = body["lease"]["max"].get<int>(); max > 0 && !ready_.empty(); --max) {
        held_.insert(ready_.front()["lease"]);
        out["jobs"].push_back(ready_.front());
        ready_.erase(ready_.begin());
      }
      most_at_once = std::max(most_at_once.load(), static_cast<int>(held_.size()));
    }
    return {200, out.dump()};
  }

  mutable std::mutex mutex_;
  std::vector<Json> ready_;
  std::set<std::string> held_;
  std::map<std::string, Json> outcomes_;
  std::map<std::string, std::vector<std::string>> logs_;
  std::unique_ptr<FakeServer> server_;
};

TEST(Worker, RunsEveryJobAndReportsItsResult) {
  FakeCoordinator coordinator;
  coordinator.add("a", R"({"n":1})");
  coordinator.add("b", R"("text")");
  Worker worker(coordinator.options("cat; test \"$WEIR_JOB_ID\" != b || echo ' done'"));
  const auto totals = worker.run();
  ASSERT_TRUE(totals) << describe(totals.error());
  EXPECT_EQ(totals->completed, 2);
  EXPECT_EQ(coordinator.outcome("a")["item"]["result"], Json::parse(R"({"n":1})"));
  EXPECT_EQ(coordinator.outcome("b")["item"]["result"], "\"text\" done");
}

TEST(Worker, GivesTheJobInTheEnvironment) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  Worker worker(coordinator.options(
      "echo $WEIR_JOB_ID $WEIR_JOB_TYPE $WEIR_JOB_QUEUE $WEIR_JOB_ATTEMPT/$WEIR_JOB_MAX_ATTEMPTS"));
  ASSERT_TRUE(worker.run());
  EXPECT_EQ(coordinator.outcome("a")["item"]["result"], "a t q 1/3");
}

TEST(Worker, ExitCodesDecide) {
  FakeCoordinator coordinator;
  coordinator.add("retry", "7");
  coordinator.add("never", "100");
  coordinator.add("signal", "\"s\"");
  Worker worker(coordinator.options(
      "read n; echo \"bad $n\" >&2; case $n in *s*) kill -9 $$;; esac; exit $n"));
  const auto totals = worker.run();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->failed, 3);
  const auto retry = coordinator.outcome("retry");
  EXPECT_EQ(retry["kind"], "fail");
  EXPECT_EQ(retry["item"]["error"]["message"], "bad 7");
  EXPECT_EQ(retry["item"]["error"]["details"]["exit_code"], 7);
  EXPECT_FALSE(retry["item"].contains("retry"));
  EXPECT_EQ(coordinator.outcome("never")["item"]["retry"], false);
  EXPECT_EQ(coordinator.outcome("signal")["item"]["error"]["type"], "signal");
}

TEST(Worker, TextPayloadsLoseTheirQuotes) {
  FakeCoordinator coordinator;
  coordinator.add("a", R"("a \"b\"")");
  auto options = coordinator.options("cat");
  options.text_payloads = true;
  ASSERT_TRUE(Worker(options).run());
  EXPECT_EQ(coordinator.outcome("a")["item"]["result"], "a \"b\"");
}

TEST(Worker, TooLargeResultsFailForGood) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  auto options = coordinator.options("yes | head -c 5000");
  options.max_result_bytes = 100;
  ASSERT_TRUE(Worker(options).run());
  const auto item = coordinator.outcome("a")["item"];
  EXPECT_EQ(item["error"]["type"], "result_too_large");
  EXPECT_EQ(item["retry"], false);
}

TEST(Worker, RunsNoMoreThanItsConcurrency) {
  FakeCoordinator coordinator;
  for (int i = 0; i < 20; ++i) coordinator.add("j" + std::to_string(i), "1");
  auto options = coordinator.options("true", Until::drained);
  options.concurrency = 4;
  const auto totals = Worker(options).run();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->completed, 20);
  EXPECT_LE(coordinator.most_at_once, 4);
  EXPECT_GE(coordinator.server().count("GET", "/v1/queues/q"), 1U);
}

TEST(Worker, OutlivesAServerThatIsAway) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  coordinator.failing = 3;
  const auto totals = Worker(coordinator.options("cat")).run();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->completed, 1);
}

TEST(Worker, HeartbeatsWhileItRuns) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  auto options = coordinator.options("sleep 2");
  options.lease = Millis{600};
  ASSERT_TRUE(Worker(options).run());
  EXPECT_GE(coordinator.heartbeats, 3);
  EXPECT_EQ(coordinator.outcome("a")["kind"], "complete");
}

TEST(Worker, ACancelledJobIsTerminated) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  coordinator.cancel = true;
  auto options = coordinator.options("sleep 60");
  options.lease = Millis{300};
  ASSERT_TRUE(Worker(options).run());
  EXPECT_EQ(coordinator.outcome("a")["item"]["error"]["type"], "cancelled");
  EXPECT_EQ(coordinator.outcome("a")["item"]["retry"], false);
}

TEST(Worker, ALostLeaseKillsTheChildAndIsNotReported) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  coordinator.lose = true;
  auto options = coordinator.options("sleep 60");
  options.lease = Millis{300};
  const auto totals = Worker(options).run();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->lost, 1);
  EXPECT_EQ(coordinator.outcomes(), 0U);
}

TEST(Worker, StopFinishesWhatRuns) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  auto options = coordinator.options("sleep 1; echo finished", Until::stopped);
  Worker worker(options);
  std::thread stopper([&] {
    EXPECT_TRUE(eventually([&] { return coordinator.server().asked().size() >= 1; }));
    std::this_thread::sleep_for(Millis{100});
    worker.stop();
  });
  const auto totals = worker.run();
  stopper.join();
  ASSERT_TRUE(totals);
  const auto outcome = coordinator.outcome("a");
  EXPECT_TRUE(outcome["item"].value("result", "") == "finished" || outcome["kind"] == "release");
  EXPECT_EQ(totals->completed + totals->released, 1);
}

TEST(Worker, StandardErrorGoesIntoTheLogOfTheJob) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  coordinator.add("b", "2");
  Worker worker(coordinator.options("echo one >&2; echo two >&2; test $WEIR_JOB_ID = a"));
  ASSERT_TRUE(worker.run());
  for (const char* id : {"a", "b"}) {
    const auto item = coordinator.outcome(id)["item"];
    ASSERT_EQ(item["log"].size(), 2U) << item;
    EXPECT_EQ(item["log"][0]["message"], "one");
    EXPECT_EQ(item["log"][1]["message"], "two");
  }
}

TEST(Worker, LongJobsTellTheirLogOnTheWay) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  Worker worker(coordinator.options("echo begun >&2; cat >/dev/null; sleep 60", Until::stopped));
  std::thread stopper([&] {
    EXPECT_TRUE(eventually([&] { return coordinator.logged("a").size() == 1; }));
    worker.abort();
  });
  ASSERT_TRUE(worker.run());
  stopper.join();
  EXPECT_EQ(coordinator.logged("a")[0], "begun");
  EXPECT_FALSE(coordinator.outcome("a")["item"].contains("log")) << "told once";
}

TEST(Worker, LogsCanBeTurnedOff) {
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  auto options = coordinator.options("echo one >&2");
  options.logs = false;
  Worker worker(options);
  ASSERT_TRUE(worker.run());
  EXPECT_FALSE(coordinator.outcome("a")["item"].contains("log"));
}

TEST(Worker, ALogThatIsRefusedDoesNotCostTheResult) {
  Json completed;
  FakeServer server(one_job([&](const Json& body) -> Reply {
    if (body.dump().find("\"log\"") != std::string::npos) return {400, R"({"error":"log?"})"};
    completed = body["complete"];
    return {200, R"({"complete":[{"ok":true}],"fail":[],"release":[],"heartbeat":[]})"};
  }));
  const auto totals = Worker(options_for(server, "echo line >&2; cat")).run();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->completed, 1);
  EXPECT_EQ(completed[0]["result"], 1);
}

TEST(Worker, AbortKillsAndGivesBack) {
  const auto mark =
      std::filesystem::temp_directory_path() / ("weir-abort-" + std::to_string(::getpid()));
  FakeCoordinator coordinator;
  coordinator.add("a", "1");
  Worker worker(coordinator.options("touch " + mark.string() + "; sleep 60", Until::stopped));
  std::thread stopper([&] {
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(mark); }));
    worker.abort();
  });
  const auto totals = worker.run();
  stopper.join();
  std::filesystem::remove(mark);
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->released, 1);
  EXPECT_EQ(coordinator.outcome("a")["kind"], "release");
}

TEST(Worker, ABadKeyEndsIt) {
  FakeServer server([](const Asked&) { return Reply{401, R"({"error":"No."})"}; });
  const auto totals = Worker(options_for(server, "true")).run();
  ASSERT_FALSE(totals);
  EXPECT_EQ(totals.error().code, Code::unauthenticated);
}

TEST(Worker, ARefusedResultBecomesAFailure) {
  Json failed;
  FakeServer server(one_job([&](const Json& body) -> Reply {
    if (!body["complete"].empty()) return {413, R"({"error":"too large"})"};
    failed = body["fail"];
    return {200, R"({"complete":[],"fail":[{"ok":true}],"release":[],"heartbeat":[]})"};
  }));
  const auto totals = Worker(options_for(server, "cat")).run();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->failed, 1);
  EXPECT_EQ(failed[0]["error"]["type"], "result_refused");
  EXPECT_EQ(failed[0]["retry"], false);
}

}  // namespace
}  // namespace weir::cli
