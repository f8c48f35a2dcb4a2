// `weir work` and signals: what runs is finished, given back or killed, never left behind.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <mutex>

#include "pkg/json/view.hpp"
#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"
#include "tests/unit/cli/fake_server.hpp"

namespace weir::test {
namespace {

// Leases one job once; keeps what is told about it.
class OneJob {
 public:
  OneJob() : server_([this](const cli::Asked& asked) { return answer(asked); }) {}

  std::string url() const { return server_.url(); }
  std::string outcome() const {  // "complete", "fail", "release"; empty before
    const std::lock_guard lock(mutex_);
    return outcome_;
  }

 private:
  cli::Reply answer(const cli::Asked& asked) {
    const std::lock_guard lock(mutex_);
    const json::View body(asked.body);
    std::string out = "{";
    for (const char* kind : {"complete", "fail", "release", "heartbeat"}) {
      out.append("\"").append(kind).append("\":[");
      const auto list = body.find(kind);
      for (const auto item : list.elements()) {
        if (!item.is_object()) continue;
        out += out.ends_with('[') ? R"({"ok":true})" : R"(,{"ok":true})";
        if (std::string_view(kind) != "heartbeat") outcome_ = kind;
      }
      out += "],";
    }
    const bool lease = !body.find("lease").is_missing() && !leased_;
    leased_ = leased_ || lease;
    return {200,
            out + (lease ? R"("jobs":[{"id":"j","lease":"L","payload":1}]})" : R"("jobs":[]})")};
  }

  mutable std::mutex mutex_;
  bool leased_ = false;
  std::string outcome_;
  cli::FakeServer server_;
};

class WorkSignals : public testing::Test {
 protected:
  // The command tells its process id in the file `pid`, then does `rest`.
  std::unique_ptr<Child> start(const std::string& rest) {
    return std::make_unique<Child>(
        Command{.argv = {weir_binary(), "work", "--server", job_.url(), "--exec",
                         "echo $$ > " + pid_file_ + ".new; mv " + pid_file_ + ".new " + pid_file_ +
                             "; " + rest},
                .error_file = directory_.file("log")});
  }

  pid_t job_pid() {
    pid_t pid = 0;
    EXPECT_TRUE(wait_until([&] { return static_cast<bool>(std::ifstream(pid_file_) >> pid); }));
    return pid;
  }

  static bool alive(pid_t pid) {
    // A zombie of somebody else's is not alive.
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string id, name, state;
    return static_cast<bool>(stat >> id >> name >> state) && state != "Z";
  }

  TempDir directory_;
  OneJob job_;
  const std::string pid_file_ = directory_.file("pid");
};

TEST_F(WorkSignals, TheFirstLetsTheJobFinish) {
  const auto gate = directory_.file("gate");
  const auto worker = start("while [ ! -e " + gate + " ]; do sleep 0.02; done; echo 1");
  job_pid();
  worker->signal(SIGTERM);
  EXPECT_EQ(worker->wait(Millis{300}), std::nullopt);  // it waits for the job
  std::ofstream(gate) << "go";
  EXPECT_EQ(worker->wait(), 0);
  EXPECT_EQ(job_.outcome(), "complete");
}

TEST_F(WorkSignals, TheSecondKillsTheJobAndGivesItBack) {
  const auto worker = start("sleep 60 & wait");
  const auto pid = job_pid();
  worker->signal(SIGINT);
  EXPECT_EQ(worker->wait(Millis{300}), std::nullopt);
  worker->signal(SIGINT);
  EXPECT_EQ(worker->wait(), 0);
  EXPECT_EQ(job_.outcome(), "release");
  EXPECT_TRUE(wait_until([&] { return !alive(pid); }));
}

TEST_F(WorkSignals, AnIdleWorkerEndsAtOnce) {
  const auto worker = start("true");
  ASSERT_TRUE(wait_until([&] { return job_.outcome() == "complete"; }));
  worker->signal(SIGTERM);
  EXPECT_EQ(worker->wait(Millis{5'000}), 0);
}

TEST_F(WorkSignals, TheJobDiesWithAKilledWorker) {
  const auto worker = start("exec sleep 60");
  const auto pid = job_pid();
  ::kill(worker->pid(), SIGKILL);
  EXPECT_EQ(worker->wait(), 128 + SIGKILL);
  EXPECT_TRUE(wait_until([&] { return !alive(pid); }));
  EXPECT_EQ(job_.outcome(), "");
}

}  // namespace
}  // namespace weir::test
