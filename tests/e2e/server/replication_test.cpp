// Two coordinators on one NATS: who leads is moved, and the state of one is built anew under load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/web_socket.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

class Replication : public testing::Test {
 protected:
  Replication() {
    nats_.start();
    a_ = std::make_unique<WeirServer>(WeirOptions{.nats_url = nats_.url()});
    a_->start();
    b_ = std::make_unique<WeirServer>(WeirOptions{.key = a_->key(), .nats_url = nats_.url()});
    b_->start();
  }

  static HttpAnswer command(const WeirServer& server, const std::string& name,
                            const std::string& payload) {
    return server.client().post("/api/v1/command",
                                R"({"command":")" + name + R"(","payload":)" + payload + "}");
  }
  static std::string role(const WeirServer& server) {
    return server.client().get("/health").json().find("role").as_string().value_or("none");
  }
  static std::string id(const WeirServer& server) {
    return command(server, "replication.status", "{}")
        .json()
        .find("payload")
        .find("id")
        .as_string()
        .value_or("");
  }
  static std::string error_code(const HttpAnswer& answer) {
    return answer.json().find("error").find("code").as_string().value_or("");
  }
  static std::int64_t waiting(const WeirServer& server) {
    return server.client()
        .get("/health/status")
        .json()
        .find("jobs")
        .find("unprocessed")
        .as_int()
        .value_or(-1);
  }

  NatsServer nats_;
  std::unique_ptr<WeirServer> a_;
  std::unique_ptr<WeirServer> b_;
};

TEST_F(Replication, TheLeaderHandsOver) {
  ASSERT_TRUE(wait_until([&] { return role(*a_) == "leader"; }));
  const auto promoted = command(*b_, "replication.promote", "{}");
  ASSERT_EQ(promoted.status, 200) << promoted.body;
  const auto payload = promoted.json().find("payload");
  EXPECT_EQ(payload.find("success").raw(), "true");
  EXPECT_EQ(payload.find("role").as_string(), "leader");
  EXPECT_EQ(payload.find("forced").raw(), "false");
  EXPECT_EQ(payload.find("previous").as_string(), id(*a_));
  EXPECT_EQ(role(*b_), "leader");
  EXPECT_EQ(role(*a_), "follower");
  // Who leads already goes on.
  const auto again = command(*b_, "replication.promote", R"({"force":true})");
  EXPECT_EQ(again.json().find("payload").find("previous").raw(), "null") << again.body;
  // By the command line, back.
  const auto back = a_->cli({"replication", "promote"});
  EXPECT_EQ(back.code, 0) << back.err;
  EXPECT_THAT(back.out, HasSubstr(id(*a_) + " leads, handed over by " + id(*b_)));
  const auto shown = b_->cli({"replication", "status"});
  EXPECT_THAT(shown.out, HasSubstr("serving  leader"));
  EXPECT_THAT(shown.out, HasSubstr("serving  follower"));
  EXPECT_TRUE(wait_until([&] {
    const auto records = a_->client().get("/v1/audit?action=replication.promote").body;
    return records.find(R"("outcome":"ok")") != std::string::npos;
  }));
  // What the leader is for goes on.
  const auto job = R"({"queue":"q","run_at":"2020-01-01T00:00:00Z"})";
  EXPECT_EQ(b_->client().post("/v1/jobs", job).status, 201);
}

TEST_F(Replication, ByForceASilentLeaderIsReplacedAndFenced) {
  ASSERT_TRUE(wait_until([&] { return role(*a_) == "leader"; }));
  a_->pause();
  const auto polite = command(*b_, "replication.promote", "{}");
  EXPECT_EQ(polite.status, 409) << polite.body;
  EXPECT_EQ(error_code(polite), "CONFLICT");
  EXPECT_THAT(polite.body, HasSubstr("does not answer"));
  const auto forced = command(*b_, "replication.promote", R"({"force":true})");
  ASSERT_EQ(forced.status, 200) << forced.body;
  EXPECT_EQ(role(*b_), "leader");
  a_->resume();
  ASSERT_TRUE(wait_until([&] { return role(*a_) == "follower"; }));
  EXPECT_EQ(role(*b_), "leader");
}

TEST_F(Replication, AStateIsBuiltAnewUnderLoadAndNothingIsLost) {
  std::atomic<std::int64_t> accepted{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (const auto* server : {a_.get(), b_.get()}) {
    threads.emplace_back([&, server] {
      auto client = server->client();
      while (!stop) {
        const auto answer = client.post("/v1/jobs", R"({"queue":"q"})");
        if (answer.status == 201 || answer.status == 202) {
          ++accepted;
        } else if (answer.status != 503 || answer.header("retry-after").empty()) {
          ADD_FAILURE() << answer.status << answer.body;
          return;
        }
      }
    });
  }
  WebSocketClient socket(b_->port(), "/api/v1/ws", "X-API-Key: " + b_->key() + "\r\n");
  ASSERT_TRUE(socket.accepted());
  for (int round = 0; round < 2; ++round) {
    const auto before = accepted.load();
    ASSERT_TRUE(wait_until([&] { return accepted.load() > before + 100; }));
    if (round == 1) {
      EXPECT_EQ(a_->client().post("/v1/snapshots", "{}").status, 201);
    }
    const auto done = b_->cli({"replication", "resync"});
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("has built its state anew"));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(wait_until([&] { return waiting(*b_) == accepted.load(); })) << accepted.load();
  EXPECT_TRUE(wait_until([&] { return waiting(*a_) == accepted.load(); })) << waiting(*a_);
  EXPECT_THAT(b_->log(), HasSubstr("resync_begins"));
  EXPECT_THAT(a_->log(), testing::Not(HasSubstr("resync_begins")));
  // A WebSocket outlives it: its key was never gone.
  socket.say(R"({"request_id":"1","command":"kv.set","payload":{"key":"k","value":1}})");
  EXPECT_THAT(socket.hear(), HasSubstr("success"));
}

TEST_F(Replication, OfTheDataStructuresToo) {
  const auto push = [&](const WeirServer& server) {
    return command(server, "list.rpush", R"({"key":"l","values":["x"]})");
  };
  for (int i = 0; i < 5; ++i) ASSERT_EQ(push(*a_).status, 200);
  const auto begun = command(*b_, "replication.resync", R"({"log":"data"})");
  ASSERT_EQ(begun.status, 200) << begun.body;
  EXPECT_EQ(begun.json().find("payload").find("log").as_string(), "data");
  EXPECT_TRUE(wait_until([&] {
    const auto length = command(*b_, "list.llen", R"({"key":"l"})");
    return length.body.find(":5}") != std::string::npos;
  }));
}

TEST_F(Replication, IsForAdminsAndSaysWhatIsWrong) {
  const auto made =
      a_->client().post("/v1/keys", R"({"name":"reader","scopes":["health:read","jobs:write"]})");
  const auto key = made.json().find("key").as_string().value_or("");
  HttpClient reader(a_->port(), key);
  const auto ask = [](HttpClient& client, const std::string& name, const std::string& payload) {
    return client.post("/api/v1/command",
                       R"({"command":")" + name + R"(","payload":)" + payload + "}");
  };
  EXPECT_EQ(ask(reader, "replication.status", "{}").status, 200);
  for (const auto* name : {"replication.promote", "replication.resync"}) {
    const auto refused = ask(reader, name, "{}");
    EXPECT_EQ(refused.status, 403) << name;
    EXPECT_EQ(error_code(refused), "FORBIDDEN");
  }
  EXPECT_EQ(error_code(command(*a_, "replication.promote", R"({"force":1})")), "INVALID_PAYLOAD");
  EXPECT_EQ(error_code(command(*a_, "replication.resync", R"({"log":"x"})")), "INVALID_PAYLOAD");
  const auto several = a_->cli({"replication", "resync", "--server", a_->url() + "," + b_->url()});
  EXPECT_EQ(several.code, 2) << several.err;
}

}  // namespace
}  // namespace weir::test
