// queue.*: the wire, with the literal requests of the interface's description.
#include <gtest/gtest.h>

#include "tests/support/server_suite.hpp"

namespace weir::test {
namespace {

class MessageQueues : public ServerSuite {
 protected:
  static HttpAnswer send(const std::string& command, const std::string& payload,
                         const std::string& more = "") {
    return server_->client().post(
        "/api/v1/command", R"({"command":")" + command + R"(","payload":)" + payload + more + "}");
  }
  // The payload of the answer as raw JSON.
  static std::string run(const std::string& command, const std::string& payload,
                         const std::string& more = "") {
    const auto answer = send(command, payload, more);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return std::string(answer.json().find("payload").raw());
  }
  static std::string code(const std::string& command, const std::string& payload, int status) {
    const auto answer = send(command, payload);
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.json().find("error").find("code").as_string().value_or(answer.body);
  }
  // The field that is complained about.
  static std::string field(const std::string& command, const std::string& payload) {
    const auto answer = send(command, payload);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_NE(answer.body.find("INVALID_PAYLOAD"), std::string::npos) << answer.body;
    for (const auto each : answer.json().find("error").find("details").find("fields").elements()) {
      return each.find("field").as_string().value_or("");
    }
    return answer.body;
  }
};

TEST_F(MessageQueues, TheLiteralExamples) {
  for (int i = 0; i < 2; ++i) {
    run("queue.publish", R"({"queue":"tasks","message":{"n":1},"priority":9})");
  }
  const auto published = run("queue.publish", R"({
    "queue": "tasks",
    "message": {
      "type": "process_video",
      "video_id": "vid_123"
    },
    "priority": 8,
    "headers": {"source": "web-app"}
  })");
  EXPECT_EQ(member(published, "position"), "3");
  const auto id = member(published, "message_id");
  for (int i = 0; i < 2; ++i) run("queue.consume", R"({"queue":"tasks"})");

  const auto consumed =
      run("queue.consume", R"({"queue": "tasks", "timeout": 10, "ack_deadline": 60})");
  EXPECT_EQ(member(consumed, "message_id"), id);
  EXPECT_EQ(member(member(consumed, "message"), "type"), "process_video");
  EXPECT_EQ(member(member(consumed, "message"), "video_id"), "vid_123");
  EXPECT_EQ(member(consumed, "priority"), "8");
  EXPECT_EQ(member(consumed, "retry_count"), "0");
  EXPECT_EQ(member(member(consumed, "headers"), "source"), "web-app");

  const auto answer = R"({"queue":"tasks","message_id":")" + id + R"("})";
  const auto again = R"({"queue":"tasks","message_id":")" + id + R"(","requeue":true})";
  EXPECT_EQ(run("queue.nack", again), R"({"success":true,"action":"requeued"})");
  EXPECT_EQ(member(run("queue.consume", R"({"queue":"tasks"})"), "retry_count"), "1");
  EXPECT_EQ(run("queue.ack", answer), R"({"success":true})");
  EXPECT_EQ(code("queue.ack", answer, 404), "MESSAGE_NOT_FOUND");

  const auto stats = run("queue.stats", R"({"queue":"tasks"})");
  EXPECT_EQ(member(stats, "queue"), "tasks");
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"depth", "0"},
                                                        {"consumers", "1"},
                                                        {"published_total", "3"},
                                                        {"consumed_total", "4"},
                                                        {"acked_total", "1"},
                                                        {"nacked_total", "1"},
                                                        {"dead_lettered_total", "0"},
                                                        {"oldest_message_age_secs", "0"}}) {
    EXPECT_EQ(member(stats, name), value) << name;
  }
}

TEST_F(MessageQueues, AConsumerWithANameGetsAnObject) {
  run("queue.publish", R"({"queue":"named","payload":{"a":1}})");
  const auto other = run("queue.consume", R"({"queue":"named","consumer_id":"w1"})");
  const auto message = member(other, "message");
  for (const auto* name : {"id", "payload", "priority", "retry_count", "max_retries", "headers"}) {
    EXPECT_FALSE(json::View(message).find(name).is_missing()) << name << " in " << other;
  }
  EXPECT_EQ(member(message, "max_retries"), "3");
  EXPECT_EQ(run("queue.consume", R"({"queue":"named","consumer_id":"w2"})"), R"({"message":null})");
  EXPECT_EQ(run("queue.consume", R"({"queue":"named"})"), R"({"message_id":null,"message":null})");
  const auto answer = [&](const std::string& who) {
    return R"({"queue":"named","consumer_id":")" + who + R"(","message_id":")" +
           member(message, "id") + R"("})";
  };
  EXPECT_EQ(code("queue.ack", answer("w2"), 409), "CONFLICT");
  run("queue.ack", answer("w1"));
}

TEST_F(MessageQueues, CreateListPurgeDelete) {
  const std::string create =
      R"({"name":"made","config":{"max_depth":2,"ack_deadline_secs":5,"default_max_retries":1,)"
      R"("default_priority":3}})";
  EXPECT_EQ(member(run("queue.create", create), "success"), "true");
  EXPECT_EQ(code("queue.create", create, 409), "QUEUE_EXISTS");
  run("queue.publish", R"({"queue":"made","message":1})");
  run("queue.publish", R"({"queue":"made","message":null,"delay":60})");
  EXPECT_EQ(code("queue.publish", R"({"queue":"made","message":3})", 507), "QUEUE_FULL");
  const auto two = run("queue.consume", R"({"queue":"made","count":5})");
  EXPECT_NE(two.find(R"("priority":3)"), std::string::npos) << two;
  EXPECT_NE(run("queue.list", "{}").find("\"made\""), std::string::npos);
  EXPECT_EQ(member(run("queue.purge", R"({"queue":"made"})"), "purged"), "1");
  EXPECT_EQ(member(run("queue.delete", R"({"queue":"made"})"), "deleted"), "true");
  for (const auto* command : {"queue.delete", "queue.purge", "queue.stats", "queue.consume"}) {
    EXPECT_EQ(code(command, R"({"queue":"made"})", 404), "QUEUE_NOT_FOUND") << command;
  }
  EXPECT_EQ(run("queue.list", "{}").find("\"made\""), std::string::npos);
}

TEST_F(MessageQueues, BadInputNamesTheField) {
  struct Case {
    const char* command;
    const char* payload;
    const char* field;
  };
  for (const auto& [command, payload, named] : std::vector<Case>{
           {"queue.publish", R"({"message":1})", "queue"},
           {"queue.publish", R"({"queue":"q"})", "message"},
           {"queue.publish", R"({"queue":"q","message":1,"payload":2})", "payload"},
           {"queue.publish", R"({"queue":"no way","message":1})", "queue"},
           {"queue.publish", R"({"queue":"q","message":1,"priority":10})", "priority"},
           {"queue.publish", R"({"queue":"q","message":1,"headers":[]})", "headers"},
           {"queue.publish", R"({"queue":"q","message":1,"headers":{"a":1}})", "headers.a"},
           {"queue.publish", R"({"queue":"q","message":1,"ttl":0})", "ttl"},
           {"queue.publish", R"({"queue":"q","message":1,"delay":-1})", "delay"},
           {"queue.publish", R"({"queue":"q","message":1,"prio":1})", "prio"},
           {"queue.consume", R"({"queue":"q","timeout":61})", "timeout"},
           {"queue.consume", R"({"queue":"q","ack_deadline":0})", "ack_deadline"},
           {"queue.consume", R"({"queue":"q","count":1001})", "count"},
           {"queue.consume", R"({"queue":"q","consumer_id":"~x"})", "consumer_id"},
           {"queue.ack", R"({"queue":"q"})", "message_id"},
           {"queue.nack", R"({"queue":"q","message_id":"m","requeue":"no"})", "requeue"},
           {"queue.create", R"({"queue":"q","config":{"max_depth":0}})", "config.max_depth"},
           {"queue.create", R"({"queue":"q","config":{"depth":1}})", "config.depth"},
           {"queue.delete", R"({})", "queue"}}) {
    EXPECT_EQ(field(command, payload), named) << command << payload;
  }
}

TEST_F(MessageQueues, ARequestIdCountsOnce) {
  const std::string id = R"(,"request_id":"same")";
  const auto first = run("queue.publish", R"({"queue":"once","message":1})", id);
  EXPECT_EQ(run("queue.publish", R"({"queue":"once","message":1})", id), first);
  EXPECT_EQ(member(run("queue.stats", R"({"queue":"once"})"), "depth"), "1");
  run("queue.consume", R"({"queue":"once"})");
  const auto answer = R"({"queue":"once","message_id":")" + member(first, "message_id") + R"("})";
  EXPECT_EQ(run("queue.ack", answer, id), R"({"success":true})");
  EXPECT_EQ(run("queue.ack", answer, id), R"({"success":true})");
}

TEST_F(MessageQueues, ABatchPublishesAndConsumesInOrder) {
  const auto answer = server_->client().post("/api/v1/command", R"({"type":"batch","commands":[
    {"command":"queue.publish","payload":{"queue":"batch","message":"a"}},
    {"command":"queue.publish","payload":{"queue":"batch","message":"b"}},
    {"command":"queue.consume","payload":{"queue":"batch","count":2}}]})");
  const auto a = answer.body.find(R"("message":"a")");
  const auto b = answer.body.find(R"("message":"b")");
  EXPECT_LT(a, b) << answer.body;
  EXPECT_NE(b, std::string::npos) << answer.body;
}

TEST_F(MessageQueues, ASocketWaitsAndAnswersForItself) {
  const auto header = "Authorization: Bearer " + server_->key() + "\r\n";
  WebSocketClient waits(server_->port(), "/api/v1/ws", header);
  WebSocketClient other(server_->port(), "/api/v1/ws", header);
  run("queue.create", R"({"queue":"pushed"})");
  waits.say(R"({"command":"queue.consume","payload":{"queue":"pushed","timeout":20}})");
  const auto published = run("queue.publish", R"({"queue":"pushed","message":{"x":1}})");
  const auto heard = waits.hear();
  EXPECT_NE(heard.find(member(published, "message_id")), std::string::npos) << heard;
  const auto ack = R"({"command":"queue.ack","payload":{"queue":"pushed","message_id":")" +
                   member(published, "message_id") + R"("}})";
  other.say(ack);
  const auto refused = other.hear();
  EXPECT_NE(refused.find("CONFLICT"), std::string::npos) << refused;
  waits.say(ack);
  EXPECT_NE(waits.hear().find(R"("success":true)"), std::string::npos);
}

TEST_F(MessageQueues, WhoHangsUpWhileWaitingTakesNothing) {
  const auto header = "Authorization: Bearer " + server_->key() + "\r\n";
  run("queue.create", R"({"queue":"gone"})");
  {
    WebSocketClient leaves(server_->port(), "/api/v1/ws", header);
    leaves.say(R"({"command":"queue.consume","payload":{"queue":"gone","timeout":60}})");
    leaves.say(R"({"type":"ping"})");
    EXPECT_EQ(leaves.hear(), R"({"type":"pong"})");
  }
  // It may be given back a moment later: then its attempt is not counted.
  run("queue.publish", R"({"queue":"gone","message":1})");
  const auto consumed = run("queue.consume", R"({"queue":"gone","timeout":20})");
  EXPECT_EQ(member(consumed, "message"), "1") << consumed;
  EXPECT_EQ(member(consumed, "retry_count"), "0") << consumed;
}

TEST_F(MessageQueues, ScopesAndPatternsHold) {
  const auto made = server_->client().post(
      "/v1/keys", R"({"name":"k","scopes":["jobs:write"],"queues":["mine.*"]})");
  const auto key = made.json().find("key").as_string().value_or("");
  const auto ask = [&](const std::string& frame) {
    return HttpClient(server_->port(), key).post("/api/v1/command", frame).status;
  };
  EXPECT_EQ(ask(R"({"command":"queue.publish","payload":{"queue":"mine.a","message":1}})"), 200);
  EXPECT_EQ(ask(R"({"command":"queue.publish","payload":{"queue":"yours","message":1}})"), 403);
  EXPECT_EQ(ask(R"({"command":"queue.consume","payload":{"queue":"mine.a"}})"), 403);
  EXPECT_EQ(ask(R"({"command":"queue.delete","payload":{"queue":"mine.a"}})"), 403);
}

}  // namespace
}  // namespace weir::test
