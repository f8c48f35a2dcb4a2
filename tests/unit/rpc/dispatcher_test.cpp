#include "api/rpc/dispatcher.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace weir::rpc {
namespace {

using Json = nlohmann::json;

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    table_.push_back({.name = "test.echo",
                      .scope = auth::Scope::kv_read,
                      .payload = {{"key", "", true}, {"more", ""}},
                      .handler = [](const Call& call, const Reply& reply) {
                        reply(std::string(call.payload().raw()));
                      }});
    table_.push_back({.name = "test.count",
                      .scope = auth::Scope::kv_write,
                      .payload = {{"key", ""}},
                      .once_per_request_id = true,
                      .handler = [this](const Call&, const Reply& reply) {
                        reply("{\"n\":" + std::to_string(++count_) + "}");
                      }});
    table_.push_back({.name = "test.later",
                      .scope = auth::Scope::kv_read,
                      .handler = [this](const Call&, Reply reply) { later_ = std::move(reply); }});
    table_.push_back(
        {.name = "test.piped",
         .scope = auth::Scope::kv_read,
         .pipelined = true,
         .handler = [this](const Call&, Reply reply) { piped_.push_back(std::move(reply)); }});
    table_.push_back({.name = "test.push",
                      .scope = auth::Scope::none,
                      .needs_session = true,
                      .handler = [](const Call& call, const Reply& reply) {
                        call.caller().session->push("pushed");
                        reply(std::string("{}"));
                      }});
    principal_ = std::make_shared<auth::Principal>();
    principal_->key_id = "k1";
    principal_->scopes.add(auth::Scope::kv_read);
    principal_->scopes.add(auth::Scope::kv_write);
    dispatcher_.emplace(Dispatcher::Parts{
        .table = table_, .clock = clock_, .ids = ids_, .executor = [this](auto work) {
          if (has_room_) work_.push_back(std::move(work));
          return has_room_;
        }});
  }

  void run(const std::string& text) { run(text, {.principal = principal_}); }
  void run(const std::string& text, Caller caller) {
    dispatcher_->run(std::make_shared<const std::string>(text), std::move(caller),
                     [this](Outcome outcome) { outcomes_.push_back(std::move(outcome)); });
  }
  Json last() const { return Json::parse(outcomes_.back().frame); }
  std::string code() const { return last()["error"].value("code", ""); }

  ManualClock clock_;
  SeededRandom random_{1};
  UuidGenerator ids_{clock_, random_};
  CommandTable table_;
  int count_ = 0;
  Reply later_;
  std::vector<Reply> piped_;
  std::vector<std::function<void()>> work_;
  bool has_room_ = true;
  std::shared_ptr<auth::Principal> principal_;
  std::optional<Dispatcher> dispatcher_;
  std::vector<Outcome> outcomes_;
};

class FakeSession final : public Session {
 public:
  bool push(std::string frame) override {
    frames.push_back(std::move(frame));
    return true;
  }
  Offered offer(std::shared_ptr<const std::string>) override { return Offered::queued; }
  Tried try_push(std::string) override { return Tried::queued; }
  void on_room(std::function<void()> room) override { room(); }
  void on_closed(std::function<void()>) override {}
  std::vector<std::string> frames;
};

TEST_F(DispatcherTest, ACommandIsAnsweredUnderItsId) {
  run(R"({"command":"test.echo","payload":{"key":"k"},"request_id":"r-1"})");
  EXPECT_EQ(outcomes_[0].status, 200);
  EXPECT_EQ(last()["request_id"], "r-1");
  EXPECT_EQ(last()["payload"]["key"], "k");
  run(R"({"command":"test.echo","payload":{"key":"k"}})");
  EXPECT_EQ(last()["request_id"].get<std::string>().size(), 36U);
}

TEST_F(DispatcherTest, Refusals) {
  struct Case {
    const char* text;
    const char* code;
    int status;
    const char* id;
  };
  const Case cases[] = {
      {R"({"command":"no.such","request_id":"r"})", "INVALID_COMMAND", 400, "r"},
      {R"({"command":"test.echo","request_id":"r"})", "INVALID_PAYLOAD", 422, "r"},
      {R"({"command":"test.echo","payload":{"key":1,"kye":2},"request_id":"r"})", "INVALID_PAYLOAD",
       422, "r"},
      {R"({"command":"test.push","request_id":"r"})", "INVALID_COMMAND", 400, "r"},
      {R"({"command":7,"request_id":"r"})", "INVALID_REQUEST", 400, "r"}};
  for (const auto& c : cases) {
    run(c.text);
    EXPECT_EQ(outcomes_.back().status, c.status) << c.text;
    EXPECT_EQ(code(), c.code) << c.text;
    EXPECT_EQ(last()["request_id"], c.id);
  }
  run("nonsense");
  EXPECT_EQ(code(), "INVALID_REQUEST");
  EXPECT_EQ(last()["request_id"].get<std::string>().size(), 36U);
}

TEST_F(DispatcherTest, ScopesAreChecked) {
  auto poor = std::make_shared<auth::Principal>();
  poor->scopes.add(auth::Scope::pubsub);
  run(R"({"command":"test.echo","payload":{"key":1}})", {.principal = poor});
  EXPECT_EQ(outcomes_[0].status, 403);
  EXPECT_EQ(code(), "FORBIDDEN");
}

TEST_F(DispatcherTest, ASessionIsPushedTo) {
  const auto session = std::make_shared<FakeSession>();
  run(R"({"command":"test.push"})", {.principal = principal_, .session = session});
  EXPECT_EQ(outcomes_[0].status, 200);
  EXPECT_EQ(session->frames, std::vector<std::string>{"pushed"});
}

TEST_F(DispatcherTest, ARepeatedRequestIdRunsOnce) {
  const std::string text = R"({"command":"test.count","payload":{"key":1},"request_id":"r"})";
  run(text);
  run(text);
  EXPECT_EQ(count_, 1);
  EXPECT_EQ(outcomes_[0].frame, outcomes_[1].frame);
  run(R"({"command":"test.count","payload":{"key":2},"request_id":"r"})");
  EXPECT_EQ(count_, 2) << "another payload is another request";
  auto other = std::make_shared<auth::Principal>(*principal_);
  other->key_id = "k2";
  run(text, {.principal = other});
  EXPECT_EQ(count_, 3) << "another key is another client";
  run(R"({"command":"test.count"})");
  run(R"({"command":"test.count"})");
  EXPECT_EQ(count_, 5) << "no id, no memory";
  clock_.advance(kRememberFor);
  run(text);
  EXPECT_EQ(count_, 6);
}

TEST_F(DispatcherTest, ABatchRunsInOrderAndGoesOnAfterErrors) {
  const std::string text = R"({"type":"batch","request_id":"b","commands":[
      {"command":"test.count"},{"command":"no.such"},{"command":"test.count"},
      {"command":"test.echo","payload":{"key":1}}]})";
  run(text);
  EXPECT_EQ(outcomes_[0].status, 200);
  const auto results = last()["results"];
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(last()["request_id"], "b");
  EXPECT_EQ(results[0], Json::parse(R"({"status":"success","payload":{"n":1}})"));
  EXPECT_EQ(results[1]["status"], "error");
  EXPECT_EQ(results[1]["error"]["code"], "INVALID_COMMAND");
  EXPECT_EQ(results[2]["payload"]["n"], 2);
  EXPECT_EQ(results[3]["payload"]["key"], 1);
  run(text);
  EXPECT_EQ(count_, 2) << "the batch's id covers its commands";
  EXPECT_EQ(outcomes_[0].frame, outcomes_[1].frame);
}

constexpr const char* kLaterBatch = R"({"type":"batch","request_id":"b","commands":[
    {"command":"test.later"},{"command":"test.count"}]})";

TEST_F(DispatcherTest, ABatchGoesOnInTheExecutorAfterALateAnswer) {
  run(kLaterBatch);
  EXPECT_TRUE(outcomes_.empty());
  later_(std::string(R"({"late":true})"));
  EXPECT_EQ(count_, 0) << "the answering thread must not run commands";
  ASSERT_EQ(work_.size(), 1U);
  work_[0]();
  EXPECT_EQ(last()["results"][0]["payload"]["late"], true);
  EXPECT_EQ(last()["results"][1]["payload"]["n"], 1);
}

TEST_F(DispatcherTest, PipelinedCommandsOfABatchDoNotWaitForEachOther) {
  run(R"({"type":"batch","commands":[{"command":"test.count"},{"command":"test.piped"},
      {"command":"test.piped"},{"command":"test.piped"},{"command":"test.count"}]})");
  EXPECT_EQ(count_, 1);
  ASSERT_EQ(piped_.size(), 3U);
  piped_[1](std::string(R"({"at":1})"));
  piped_[0](std::string(R"({"at":0})"));
  EXPECT_TRUE(work_.empty());
  piped_[2](Error{Code::conflict, "test", "no", ""});
  ASSERT_EQ(work_.size(), 1U);
  EXPECT_EQ(count_, 1) << "what follows waits for all of them";
  work_[0]();
  EXPECT_EQ(count_, 2);
  const Json results = last()["results"];
  EXPECT_EQ(results[1]["payload"]["at"], 0);
  EXPECT_EQ(results[2]["payload"]["at"], 1);
  EXPECT_EQ(results[3]["error"]["code"], "CONFLICT");
  EXPECT_EQ(results[4]["payload"]["n"], 2);
}

TEST_F(DispatcherTest, ABatchThatCannotGoOnSaysSo) {
  run(kLaterBatch);
  has_room_ = false;
  later_(std::string("{}"));
  EXPECT_EQ(code(), "SERVICE_UNAVAILABLE");
  EXPECT_EQ(outcomes_[0].status, 503);
  EXPECT_GT(outcomes_[0].retry_after.count(), 0);
}

TEST_F(DispatcherTest, ABatchOfAThousandNeedsNoDeepStack) {
  std::string text = R"({"type":"batch","commands":[)";
  for (std::size_t i = 0; i < kMaxBatch; ++i) {
    text += i == 0 ? R"({"command":"test.count"})" : R"(,{"command":"test.count"})";
  }
  run(text + "]}");
  EXPECT_EQ(count_, 1000);
  EXPECT_EQ(last()["results"].size(), 1000U);
}

TEST_F(DispatcherTest, CallRunsACommandWithoutAFrame) {
  const auto text = std::make_shared<const std::string>(R"({"key":"k"})");
  std::string heard;
  dispatcher_->call("test.echo", text, json::View(*text), {.principal = principal_}, "",
                    [&](Result<std::string> answer) { heard = answer ? *answer : "error"; });
  EXPECT_EQ(heard, *text);
  EXPECT_NE(dispatcher_->find("test.echo"), nullptr);
  EXPECT_EQ(dispatcher_->find("test.ech"), nullptr);
}

}  // namespace
}  // namespace weir::rpc
