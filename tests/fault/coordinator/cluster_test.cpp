// Three NATS servers and a coordinator under load: killing the leader of the log loses nothing,
// doubles nothing, and no request gets a 500.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "pkg/json/view.hpp"
#include "pkg/nats/jetstream.hpp"
#include "tests/support/nats_cluster.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;

class OnACluster : public testing::Test {
 protected:
  void SetUp() override {
    cluster_.start();
    server_ = std::make_unique<WeirServer>(WeirOptions{.nats_url = cluster_.urls()});
    server_->start();
    nats::ConnectOptions options;
    options.urls = {cluster_.url(0), cluster_.url(1), cluster_.url(2)};
    auto opened = nats::Connection::open(options);
    ASSERT_TRUE(opened);
    connection_ = *opened;
    ASSERT_TRUE(connection_->wait_connected(std::chrono::seconds(20)));
  }
  // Which of n1, n2 and n3 leads the log.
  std::optional<std::size_t> log_leader() const {
    const auto info = nats::JetStream(connection_).call("STREAM.INFO.JOBS", "");
    if (!info) return std::nullopt;
    const auto name = json::View(*info).find("cluster").find("leader").as_string().value_or("");
    if (name.size() != 2) return std::nullopt;
    return static_cast<std::size_t>(name.back() - '1');
  }
  std::int64_t count(const std::string& status) const {
    const auto answer = server_->client().get("/health/status");
    return answer.json().find("jobs").find(status).as_int().value_or(-1);
  }
  json::View stream(json::View status, const std::string& name) const {
    for (const auto known : status.find("streams").elements()) {
      if (known.find("name").as_string() == name) return known;
    }
    return {};
  }

  NatsCluster cluster_;
  std::unique_ptr<WeirServer> server_;
  std::shared_ptr<nats::Connection> connection_;
};

// Submits one job after another; the ids that were accepted.
class Submitter {
 public:
  Submitter(const WeirServer& server, std::string name)
      : thread_([this, port = server.port(), key = server.key(), name = std::move(name)] {
          HttpClient client(port, key, std::chrono::seconds(60));
          for (int i = 0; !stopping_; ++i) submit(client, name + "-" + std::to_string(i));
        }) {}
  ~Submitter() { stop(); }
  Submitter(const Submitter&) = delete;
  Submitter& operator=(const Submitter&) = delete;

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  std::size_t accepted() const { return accepted_; }
  const std::vector<std::string>& complaints() const { return complaints_; }  // after stop()

 private:
  // Until it is accepted, with the same id: a repeated one is a duplicate, not a second job.
  void submit(HttpClient& client, const std::string& id) {
    const std::string body = R"({"queue":"q","id":")" + id + R"("})";
    for (;;) {
      const auto answer = client.post("/v1/jobs", body);
      const bool again = answer.status == 503 && !answer.header("retry-after").empty();
      if (answer.status == 200 || answer.status == 201 || answer.status == 202) break;
      if (!again) complaints_.push_back(std::to_string(answer.status) + " " + answer.body);
      if (!again) return;
    }
    ++accepted_;
  }

  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> accepted_{0};
  std::vector<std::string> complaints_;
  std::thread thread_;
};

TEST_F(OnACluster, KillingTheLogsLeaderUnderLoadLosesNothing) {
  // NATS is asked a moment after the start.
  EXPECT_TRUE(wait_until([&] {
    const auto status = server_->client().get("/health/status");
    return stream(status.json(), "JOBS").find("replicas").as_int() == 3 &&
           status.json().find("nats").find("clustered").as_bool() == true;
  })) << server_->client().get("/health/status").body;

  std::vector<std::unique_ptr<Submitter>> submitters;
  for (const auto* name : {"a", "b", "c", "d"}) {
    submitters.push_back(std::make_unique<Submitter>(*server_, name));
  }
  const auto accepted = [&] {
    std::size_t sum = 0;
    for (const auto& submitter : submitters) sum += submitter->accepted();
    return sum;
  };
  for (int kill = 0; kill < 2; ++kill) {
    const auto before = accepted();
    ASSERT_TRUE(wait_until([&] { return accepted() > before + 300; }, std::chrono::seconds(60)));
    std::optional<std::size_t> leader;
    ASSERT_TRUE(
        wait_until([&] { return (leader = log_leader()).has_value(); }, std::chrono::seconds(60)));
    cluster_.kill_node(*leader);
    const auto at_kill = accepted();
    EXPECT_TRUE(wait_until([&] { return accepted() > at_kill + 300; }, std::chrono::seconds(90)));
    cluster_.start_node(*leader);
    ASSERT_TRUE(wait_until(
        [&] {
          const auto info = nats::JetStream(connection_).stream_info("JOBS");
          return info && info->replicas_current == 3;
        },
        std::chrono::seconds(90)));
  }
  for (const auto& submitter : submitters) {
    submitter->stop();
    EXPECT_THAT(submitter->complaints(), IsEmpty());
  }
  const auto expected = static_cast<std::int64_t>(accepted());
  EXPECT_TRUE(wait_until([&] { return count("total") == expected; }, std::chrono::seconds(60)))
      << count("total") << " jobs of " << expected;
  EXPECT_EQ(count("unprocessed"), expected) << "each once";
}

}  // namespace
}  // namespace weir::test
