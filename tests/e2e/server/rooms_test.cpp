// Rooms as the wire shows them: the requests of the command API's reference, the socket, the
// routes and the command line.
#include <gtest/gtest.h>

#include "tests/support/follower.hpp"
#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

class RoomsTest : public ServerSuite {
 protected:
  // The answer's payload as text; a failed expectation when it is none.
  std::string command(const std::string& frame) {
    const auto answer = client_.post("/api/v1/command", frame);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return std::string(answer.json().find("payload").raw());
  }
  static std::string code_of(const HttpAnswer& answer) {
    return answer.json().find("error").find("code").as_string().value_or("");
  }
  static json::View find(const std::string& payload, std::string_view name) {
    return json::View(payload).find(name);
  }
};

TEST_F(RoomsTest, TheReferencesPublishAndHistory) {
  const auto published = command(R"({
    "command": "stream.publish",
    "payload": {
      "room": "chat-room-1",
      "event_type": "message",
      "data": {
        "user": "alice",
        "text": "Hello everyone!"
      }
    }
  })");
  EXPECT_TRUE(find(published, "event_id").as_string().has_value()) << published;
  EXPECT_EQ(find(published, "subscribers_notified").raw(), "0");
  const auto offset = find(published, "offset").as_int().value_or(0);
  command(
      R"({"command":"stream.publish","payload":{"room":"chat-room-1","event":"join","data":1}})");
  const auto history = command(R"({"command": "stream.history", "payload": {"room": "chat-room-1",
    "from_offset": )" + std::to_string(offset) +
                               R"(, "limit": 10}})");
  std::string types;
  for (const auto event : find(history, "events").elements())
    types += event.find("event_type").as_string().value_or("") + " ";
  EXPECT_EQ(types, "message join ");
  EXPECT_EQ(find(history, "oldest_offset").as_int(), offset);
  const auto rooms = command(R"({"command":"stream.rooms"})");
  EXPECT_NE(rooms.find(R"("room":"chat-room-1")"), std::string::npos) << rooms;
  const auto stats = command(R"({"command":"stream.stats","payload":{"room":"chat-room-1"}})");
  EXPECT_EQ(find(stats, "message_count").raw(), "2");
  EXPECT_EQ(find(stats, "subscribers").raw(), "0");
  EXPECT_GT(find(stats, "bytes").as_int().value_or(0), 40);
  EXPECT_TRUE(find(stats, "last_activity").as_string().has_value());
}

TEST_F(RoomsTest, TheReferencesSubscribe) {
  auto client = connect();
  client.say(R"({
    "command": "stream.subscribe",
    "payload": {
      "room": "chat-room-2",
      "from_offset": null,
      "replay": false
    }
  })");
  EXPECT_EQ(json::View(client.hear()).find("status").raw(), "\"success\"");
  client.say(R"({
    "request_id": "ws-001",
    "command": "stream.subscribe",
    "payload": {"room": "chat-1"}
  })");
  const auto second = client.hear();
  EXPECT_EQ(json::View(second).find("request_id").raw(), "\"ws-001\"") << second;
  for (const auto* room : {"chat-room-2", "chat-1"}) {
    const auto published =
        command(R"({"command":"stream.publish","payload":{"room":")" + std::string(room) +
                R"(","event_type":"message","data":{"user":"alice"}}})");
    EXPECT_EQ(find(published, "subscribers_notified").raw(), "1");
    const auto frame = client.hear();
    ASSERT_TRUE(json::check(frame)) << frame;
    const json::View event(frame);
    EXPECT_EQ(event.find("type").raw(), "\"event\"");
    EXPECT_EQ(event.find("room").as_string(), room);
    EXPECT_EQ(event.find("offset").raw(), find(published, "offset").raw());
    EXPECT_EQ(event.find("event_type").raw(), "\"message\"");
    EXPECT_EQ(event.find("data").raw(), R"({"user":"alice"})");
  }
}

TEST_F(RoomsTest, AreCounted) {
  command(R"({"command":"stream.publish","payload":{"room":"n","event_type":"t","data":1}})");
  EXPECT_TRUE(wait_until([&] {
    const auto health = client_.get("/health");
    const auto rooms = health.json().find("rooms");
    return rooms.find("active").as_int() == 0 && rooms.find("total").as_int().value_or(0) > 0;
  }));
  auto client = connect();
  client.say(R"({"command":"stream.subscribe","payload":{"room":"n"}})");
  EXPECT_NE(client.hear().find("success"), std::string::npos);
  EXPECT_TRUE(wait_until([&] {
    return client_.get("/metrics").body.find("weir_room_subscribers 1\n") != std::string::npos;
  }));
  const auto stats = server_->anonymous().get("/stats");
  const auto rooms = stats.json().find("rooms");
  EXPECT_EQ(rooms.find("active").raw(), "1");
  EXPECT_EQ(rooms.find("peak").raw(), "1");
  EXPECT_GT(rooms.find("total").as_int().value_or(0), 0);
  EXPECT_EQ(rooms.find("byStorage").find("nats").raw(), rooms.find("total").raw());
}

TEST_F(RoomsTest, AnOffsetOfAStreamThatWasDeleted) {
  command(R"({"command":"stream.publish","payload":{"room":"old","event_type":"t","data":1}})");
  auto client = connect();
  client.say(R"({"command":"stream.subscribe","payload":{"room":"old","from_offset":900000}})");
  EXPECT_NE(client.hear().find("success"), std::string::npos);
  EXPECT_EQ(client.hear(), R"({"type":"stream_reset","room":"old"})");
  EXPECT_EQ(json::View(client.hear()).find("event_type").raw(), "\"t\"");
}

TEST_F(RoomsTest, ASubscriberKeepsItsPlace) {
  for (int i = 0; i < 5; ++i)
    command(R"({"command":"stream.publish","payload":{"room":"c","event_type":"t","data":)" +
            std::to_string(i) + "}}");
  const auto consume = [&](const std::string& more) {
    const auto payload = command(
        R"({"command":"stream.consume","payload":{"room":"c","subscriber_id":"s")" + more + "}}");
    std::string data;
    for (const auto event : find(payload, "events").elements()) data += event.find("data").raw();
    return data;
  };
  EXPECT_EQ(consume(R"(,"limit":2)"), "01");
  EXPECT_EQ(consume(R"(,"limit":2)"), "23");
  EXPECT_EQ(consume(""), "4");
  EXPECT_EQ(consume(""), "");
  EXPECT_EQ(consume(R"(,"from_offset":1)"), "01234");
  EXPECT_EQ(consume(R"(,"from_offset":-2)"), "34");
  const auto routed = client_.post("/v1/rooms/c/consume", R"({"subscriber_id":"s2","limit":3})");
  EXPECT_EQ(routed.status, 200) << routed.body;
  std::size_t count = 0;
  for (const auto event : routed.json().find("events").elements())
    count += event.is_missing() ? 0U : 1U;
  EXPECT_EQ(count, 3U) << routed.body;
  EXPECT_EQ(client_.post("/v1/rooms/c/consume", "{}").status, 422);
  EXPECT_EQ(client_.post("/v1/rooms/c/consume", R"({"subscriber_id":"s2","limit":0})").status, 422);
}

TEST_F(RoomsTest, SocketsSubscribe) {
  struct Case {
    const char* room;
    const char* more;
    const char* kept;
  };
  for (const auto& c :
       {Case{"s1", R"(,"from_offset":null)", ""}, Case{"s2", R"(,"from_offset":0)", "012"},
        Case{"s3", R"(,"from_offset":-2)", "12"}, Case{"s4", R"(,"replay":true)", "012"}}) {
    const std::string room = R"("room":")" + std::string(c.room) + "\"";
    const auto publish = [&](const std::string& data) {
      command(R"({"command":"stream.publish","payload":{)" + room + R"(,"event_type":"t","data":)" +
              data + "}}");
    };
    for (const auto* data : {"0", "1", "2"}) publish(data);
    auto client = connect();
    client.say(R"({"request_id":"r","command":"stream.subscribe","payload":{)" + room + c.more +
               "}}");
    const auto answer = client.hear();
    EXPECT_EQ(json::View(answer).find("success").raw(), "true") << answer;
    publish("9");
    std::string heard;
    while (!heard.ends_with('9')) {
      const auto frame = client.hear();
      ASSERT_TRUE(frame.starts_with(R"({"type":"event",)" + room + R"(,"offset":)")) << frame;
      EXPECT_EQ(json::View(frame).find("event_type").raw(), "\"t\"");
      heard += json::View(frame).find("data").raw();
    }
    EXPECT_EQ(heard, std::string(c.kept) + "9") << c.more;
    client.say(R"({"command":"stream.unsubscribe","payload":{)" + room + "}}");
    EXPECT_NE(client.hear().find(R"("unsubscribed":true)"), std::string::npos);
  }
}

TEST_F(RoomsTest, RoomsAsResources) {
  EXPECT_EQ(client_.send("PUT", "/v1/rooms/a%20room", "").status, 201);
  EXPECT_EQ(client_.send("PUT", "/v1/rooms/a%20room", "").status, 200);
  const auto posted =
      client_.post("/v1/rooms/a%20room/events", R"({"event_type":"message","data":{"n":1}})");
  EXPECT_EQ(posted.status, 201) << posted.body;
  const auto events = client_.get("/v1/rooms/a%20room/events");
  EXPECT_NE(events.body.find(R"("event_type":"room.created")"), std::string::npos) << events.body;
  EXPECT_NE(events.body.find(R"("data":{"n":1})"), std::string::npos) << events.body;
  EXPECT_NE(client_.get("/v1/rooms").body.find("a room"), std::string::npos);
  EXPECT_EQ(client_.get("/v1/rooms/a%20room").json().find("message_count").raw(), "2");
  const auto stream = exchange_raw(
      server_->port(),
      "GET /v1/rooms/a%20room/events?follow=true&from_offset=0 HTTP/1.1\r\nHost: x\r\nX-API-Key: " +
          server_->key() + "\r\n\r\n",
      std::chrono::milliseconds(400));
  EXPECT_NE(stream.find("event: message\ndata: {\"offset\":"), std::string::npos) << stream;
  EXPECT_EQ(client_.send("DELETE", "/v1/rooms/a%20room", "").status, 200);
  EXPECT_EQ(client_.send("DELETE", "/v1/rooms/a%20room", "").status, 404);
  EXPECT_EQ(client_.get("/v1/rooms/a%20room/events").status, 404);
}

TEST_F(RoomsTest, TheAdminsList) {
  EXPECT_EQ(client_.post("/v1/rooms/abc123/events", R"({"event_type":"t","data":1})").status, 201);
  const auto rooms = client_.get("/admin/rooms?limit=1000");
  ASSERT_EQ(rooms.status, 200) << rooms.body;
  bool found = false;
  for (const auto room : rooms.json().find("rooms").elements()) {
    if (room.find("id").raw() != "\"abc123\"") continue;
    found = true;
    EXPECT_EQ(room.find("members").raw(), "0");
    EXPECT_EQ(room.find("storage").raw(), "\"nats\"");
    EXPECT_EQ(room.find("hasData").raw(), "true");
    EXPECT_FALSE(room.find("createdAt").is_missing());
    EXPECT_FALSE(room.find("lastActivity").is_missing());
  }
  EXPECT_TRUE(found) << rooms.body;
  EXPECT_EQ(client_.get("/admin/rooms?storage=redis").json().find("rooms").raw(), "[]");
  EXPECT_EQ(server_->anonymous().get("/admin/rooms").status, 401);
  const auto cleaned = client_.post("/admin/rooms/cleanup", "");
  EXPECT_EQ(cleaned.json().find("success").raw(), "true") << cleaned.body;
  EXPECT_EQ(cleaned.json().find("cleaned").raw(), "0") << "none is old enough";
}

TEST_F(RoomsTest, ErrorsHaveTheReferencesCodes) {
  struct Case {
    std::string frame;
    const char* code;
  };
  for (
      const auto& c :
      {Case{R"({"command":"stream.history","payload":{"room":"nowhere"}})", "ROOM_NOT_FOUND"},
       Case{R"({"command":"stream.publish","payload":{"room":"r","data":1}})", "INVALID_PAYLOAD"},
       Case{R"({"command":"stream.publish","payload":{"room":"r","event_type":"t"}})",
            "INVALID_PAYLOAD"},
       Case{R"({"command":"stream.publish","payload":{"room":"","event_type":"t","data":1}})",
            "INVALID_PAYLOAD"},
       Case{R"({"command":"stream.publish","payload":{"room":"r","event_type":"a b","data":1}})",
            "INVALID_PAYLOAD"},
       Case{R"({"command":"stream.publish",)"
            R"("payload":{"room":"r","event_type":"room.deleted","data":1}})",
            "INVALID_PAYLOAD"},
       Case{
           R"({"command":"stream.publish","payload":{"room":"r","event_type":"t","data":1,"x":1}})",
           "INVALID_PAYLOAD"},
       Case{R"({"command":"stream.stats","payload":{"room":"nowhere"}})", "ROOM_NOT_FOUND"},
       Case{R"({"command":"stream.delete","payload":{"room":"nowhere"}})", "ROOM_NOT_FOUND"},
       Case{R"({"command":"stream.consume","payload":{"room":"nowhere","subscriber_id":"s"}})",
            "ROOM_NOT_FOUND"},
       Case{R"({"command":"stream.consume","payload":{"room":"c"}})", "INVALID_PAYLOAD"},
       Case{R"({"command":"stream.history","payload":{"room":"c","limit":1001}})",
            "INVALID_PAYLOAD"},
       Case{R"({"command":"stream.subscribe","payload":{"room":"r"}})", "INVALID_COMMAND"}}) {
    EXPECT_EQ(code_of(client_.post("/api/v1/command", c.frame)), c.code) << c.frame;
  }
}

TEST_F(RoomsTest, TheCommandLine) {
  EXPECT_EQ(server_->cli({"room", "create", "cli"}).code, 0);
  const Follower follower(*server_, {"room", "tail", "cli", "--from", "0"});
  ASSERT_TRUE(follower.hears("  room.created  {}\n"));
  EXPECT_EQ(server_->cli({"room", "publish", "cli", "message", R"({"id":7})"}).code, 0);
  EXPECT_TRUE(follower.hears("  message  {\"id\":7}\n"));
  EXPECT_NE(server_->cli({"room", "history", "cli"}).out.find("  message  {\"id\":7}\n"),
            std::string::npos);
  EXPECT_NE(server_->cli({"room", "list"}).out.find("cli"), std::string::npos);
  EXPECT_EQ(server_->cli({"room", "stats", "cli"}).code, 0);
  EXPECT_EQ(server_->cli({"room", "delete", "cli", "--yes"}).code, 0);
  EXPECT_EQ(server_->cli({"room", "stats", "cli"}).code, 3);
}

}  // namespace
}  // namespace weir::test
