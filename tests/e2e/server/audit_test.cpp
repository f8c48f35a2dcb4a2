// The audit log as an operator reads it.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/wait.hpp"
#include "tests/support/web_socket.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

TEST(Audit, ChangesAreThereAfterARestart) {
  WeirServer server;
  server.start();
  ASSERT_EQ(server.cli({"submit", "--queue", "mail", "1"}).code, 0);
  ASSERT_EQ(server.cli({"queue", "pause", "mail"}).code, 0);
  ASSERT_EQ(server.cli({"queue", "purge", "mail", "--yes"}).code, 0);
  ASSERT_NE(server.cli({"job", "cancel", "none"}).code, 0);
  server.kill();
  server.start();
  const auto listed = server.cli({"audit", "--json"});
  ASSERT_EQ(listed.code, 0) << listed.err;
  ASSERT_TRUE(json::check(listed.out));
  std::string seen;
  for (const auto record : json::View(listed.out).find("items").elements()) {
    EXPECT_EQ(record.find("from").as_string(), "127.0.0.1");
    EXPECT_FALSE(record.find("key_id").as_string().value_or("").empty());
    seen += record.find("action").as_string().value_or("") + " " +
            record.find("target").as_string().value_or("") + " " +
            record.find("outcome").as_string().value_or("") + "\n";
  }
  EXPECT_EQ(seen,
            "jobs.cancel none job_not_found\n"
            "queues.purge mail ok\n"
            "queues.pause mail ok\n");
  const auto table = server.cli({"audit", "--action", "queues"});
  EXPECT_NE(table.out.find("queues.pause"), std::string::npos) << table.out;
  EXPECT_EQ(table.out.find("jobs.cancel"), std::string::npos) << table.out;
}

std::string records(WeirServer& server, const std::string& filter) {
  const auto listed = server.client().get("/v1/audit" + filter);
  EXPECT_EQ(listed.status, 200) << listed.body;
  std::string seen;
  for (const auto record : listed.json().find("items").elements()) {
    for (const auto* member : {"action", "target", "outcome", "key_name", "from"}) {
      seen += record.find(member).as_string().value_or("-") + " ";
    }
    seen += std::string(record.find("details").raw()) + "\n";
  }
  return seen;
}

TEST(Audit, CommandsAreRecordedAsTheirRoutesAre) {
  WeirServer server;
  server.start();
  const auto made = server.client().post(
      "/v1/keys", R"({"name":"ops","scopes":["queues:admin","jobs:write","jobs:work","admin"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  HttpClient client(server.port(), made.json().find("key").as_string().value_or(""));
  const auto ask = [&](const std::string& command, const std::string& payload) {
    return client
        .post("/api/v1/command", R"({"command":")" + command + R"(","payload":)" + payload + "}")
        .status;
  };
  EXPECT_EQ(ask("queue.create", R"({"queue":"mail","config":{"max_depth":7}})"), 200);
  EXPECT_EQ(ask("queue.create", R"({"queue":"mail"})"), 409);
  EXPECT_EQ(ask("queue.publish", R"({"queue":"mail","message":1})"), 200);
  EXPECT_EQ(ask("queue.consume", R"({"queue":"mail"})"), 200);
  EXPECT_EQ(ask("queue.purge", R"({"queue":"mail"})"), 200);
  EXPECT_EQ(ask("queue.delete", R"({"queue":"mail"})"), 200);
  EXPECT_EQ(ask("queue.delete", R"({"queue":"mail"})"), 404);
  EXPECT_EQ(records(server, "?action=queue"),
            "queue.delete mail queue_not_found ops 127.0.0.1 \n"
            "queue.delete mail ok ops 127.0.0.1 \n"
            "queue.purge mail ok ops 127.0.0.1 \n"
            "queue.create mail queue_exists ops 127.0.0.1 \n"
            "queue.create mail ok ops 127.0.0.1 {\"max_depth\":7}\n")
      << "publishing and consuming are what a queue is for";
  // The same over a socket.
  WebSocketClient socket(server.port(), "/api/v1/ws", "X-API-Key: " + server.key() + "\r\n");
  socket.say(R"({"request_id":"r-7","command":"queue.create","payload":{"queue":"chat"}})");
  EXPECT_NE(socket.hear().find("success"), std::string::npos);
  const auto of_socket = server.client().get("/v1/audit?target=chat").body;
  EXPECT_NE(of_socket.find(R"("request_id":"r-7")"), std::string::npos) << of_socket;
}

TEST(Audit, WhatOperatorsDoToACoordinatorIsRecorded) {
  WeirServer server;
  server.start();
  EXPECT_EQ(server.cli({"replication", "resync"}).code, 0);
  EXPECT_EQ(server.cli({"replication", "resync", "--log", "data"}).code, 0);
  const auto seen = [&] { return records(server, "?action=replication"); };
  ASSERT_TRUE(wait_until([&] { return std::ranges::count(seen(), '\n') == 2; })) << seen();
  EXPECT_NE(seen().find("/jobs ok "), std::string::npos) << seen();
  EXPECT_NE(seen().find("/data ok "), std::string::npos) << seen();
  EXPECT_EQ(server.cli({"call", "admin.shutdown"}).code, 0);
  ASSERT_TRUE(wait_until([&] { return !server.running(); }));
  server.start();
  EXPECT_NE(records(server, "?action=admin").find("admin.shutdown "), std::string::npos);
}

}  // namespace
}  // namespace weir::test
