// /v1/streams and `weir stream`, as the wire and the terminal show them.
#include <gtest/gtest.h>

#include "tests/support/interruptions.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/server_suite.hpp"

namespace weir::test {
namespace {

class Streams : public ServerSuite {
 protected:
  static HttpAnswer ask(const std::string& method, const std::string& path,
                        const std::string& body = "") {
    return server_->client().send(method, "/v1/streams" + path, body,
                                  {{"Content-Type", "application/json"}});
  }
  // The body of an answer with that status.
  static std::string must(int status, const std::string& method, const std::string& path,
                          const std::string& body = "") {
    const auto answer = ask(method, path, body);
    EXPECT_EQ(answer.status, status) << method << " " << path << ": " << answer.body;
    return answer.body;
  }
  static std::string reason(int status, const std::string& method, const std::string& path,
                            const std::string& body = "") {
    return member(must(status, method, path, body), "reason");
  }
  static std::string tail(const std::string& query, const std::string& headers = "") {
    return read_stream("/v1/streams/" + query, headers);
  }
  static std::string cli(std::vector<std::string> arguments) {
    const auto done = server_->cli(std::move(arguments));
    EXPECT_EQ(done.code, 0) << done.out << done.err;
    return done.out;
  }
};

TEST_F(Streams, ALife) {
  const auto made =
      must(201, "PUT", "/orders", R"({"subjects":["orders.>"],"max_age_ms":"7d","replicas":1})");
  EXPECT_EQ(member(made, "name"), "orders");
  EXPECT_EQ(member(made, "subjects"), R"(["orders.>"])");
  EXPECT_EQ(member(made, "max_age_ms"), "604800000");
  must(200, "PUT", "/orders", R"({"description":"of customers"})");
  const auto stored = must(201, "POST", "/orders/messages",
                           R"({"subject":"orders.eu","data":{"id":7},"headers":{"trace":"t1"},)"
                           R"("expected_sequence":0,"id":"order-7"})");
  EXPECT_EQ(member(stored, "sequence"), "1");
  EXPECT_EQ(member(must(200, "POST", "/orders/messages",
                        R"({"subject":"orders.eu","data":{"id":7},"id":"order-7"})"),
                   "duplicate"),
            "true");
  EXPECT_EQ(reason(409, "POST", "/orders/messages",
                   R"({"subject":"orders.eu","data":1,"expected_subject_sequence":9})"),
            "wrong_last_sequence");
  const auto message = must(200, "GET", "/orders/messages/1");
  EXPECT_EQ(member(message, "data"), R"({"id":7})");
  EXPECT_EQ(member(message, "subject"), "orders.eu");
  EXPECT_NE(member(message, "headers").find(R"("trace":"t1")"), std::string::npos) << message;
  must(201, "POST", "/orders/messages",
       R"({"subject":"orders.us","data":"plain","encoding":"text"})");
  must(201, "POST", "/orders/messages",
       R"({"subject":"orders.us","data":"/wE=","encoding":"base64"})");
  const auto page = must(200, "GET", "/orders/messages?subject=orders.us&limit=1");
  EXPECT_NE(page.find(R"("data":"plain","encoding":"text")"), std::string::npos) << page;
  EXPECT_EQ(member(page, "next_from"), "3");
  EXPECT_NE(must(200, "GET", "/orders/messages?from=-1").find(R"("encoding":"base64")"),
            std::string::npos);
  EXPECT_NE(must(200, "GET", "").find(R"("name":"orders")"), std::string::npos);
  must(200, "DELETE", "/orders/messages/2");
  EXPECT_EQ(reason(404, "GET", "/orders/messages/2"), "message_not_found");
  EXPECT_EQ(member(must(200, "POST", "/orders/purge", R"({"keep":1})"), "purged"), "1");
  must(200, "DELETE", "/orders");
  EXPECT_EQ(reason(404, "GET", "/orders"), "stream_not_found");
}

TEST_F(Streams, ConsumersTakeAndAnswer) {
  must(201, "PUT", "/tasks", R"({"subjects":["tasks.>"]})");
  must(201, "PUT", "/tasks/consumers/c", R"({"filter_subjects":["tasks.a"],"ack_wait_ms":"1m"})");
  for (const auto* data : {"1", "2", "3"}) {
    must(201, "POST", "/tasks/messages",
         R"({"subject":"tasks.a","data":)" + std::string(data) + "}");
  }
  const auto fetched = must(200, "POST", "/tasks/consumers/c/fetch", R"({"max":10})");
  std::vector<std::string> acks;
  const auto messages = json::View(fetched).find("messages");
  for (const auto each : messages.elements()) {
    acks.push_back(each.find("ack").as_string().value_or(""));
  }
  ASSERT_EQ(acks.size(), 3U) << fetched;
  EXPECT_EQ(
      member(must(200, "POST", "/tasks/consumers/c/ack", R"({"acks":[")" + acks[0] + R"("]})"),
             "results"),
      R"([{"ok":true}])");
  must(200, "POST", "/tasks/consumers/c/term", R"({"acks":[")" + acks[1] + R"("]})");
  must(200, "POST", "/tasks/consumers/c/progress", R"({"acks":[")" + acks[2] + R"("]})");
  must(200, "POST", "/tasks/consumers/c/nak", R"({"acks":[")" + acks[2] + R"("]})");
  const auto again = must(200, "POST", "/tasks/consumers/c/fetch", R"({"max":10,"wait_ms":5000})");
  EXPECT_NE(again.find(R"("data":3)"), std::string::npos) << again;
  const auto foreign =
      must(200, "POST", "/tasks/consumers/c/ack", R"({"acks":["$JS.API.STREAM.DELETE.tasks"]})");
  EXPECT_NE(foreign.find("bad_ack_token"), std::string::npos) << foreign;
  EXPECT_NE(must(200, "GET", "/tasks/consumers").find(R"("name":"c")"), std::string::npos);
  EXPECT_EQ(member(must(200, "GET", "/tasks/consumers/c"), "ack_policy"), "explicit");
  must(200, "DELETE", "/tasks/consumers/c");
  EXPECT_EQ(reason(404, "POST", "/tasks/consumers/c/fetch"), "consumer_not_found");
}

TEST_F(Streams, ATailGoesOnWhereItEnded) {
  must(201, "PUT", "/tailed", R"({"subjects":["tailed.>"]})");
  for (const auto* subject : {"tailed.a", "tailed.b", "tailed.a"}) {
    must(201, "POST", "/tailed/messages",
         R"({"subject":")" + std::string(subject) + R"(","data":1})");
  }
  const auto all = tail("tailed/tail?from=1");
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200 ")) << all;
  EXPECT_NE(all.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  const auto first = all.find("event: message\ndata: {\"sequence\":1,");
  const auto third = all.find("event: message\ndata: {\"sequence\":3,");
  const auto ready = all.find("event: ready\n");
  EXPECT_LT(first, third) << all;
  EXPECT_LT(third, ready) << all;
  ASSERT_NE(ready, std::string::npos) << all;
  const auto id = all.find("id: 2-");
  ASSERT_NE(id, std::string::npos) << all;
  const auto resumed = tail(
      "tailed/tail", "Last-Event-ID: " + all.substr(id + 4, all.find('\n', id) - id - 4) + "\r\n");
  EXPECT_EQ(resumed.find("\"sequence\":2,"), std::string::npos) << resumed;
  EXPECT_NE(resumed.find("\"sequence\":3,"), std::string::npos) << resumed;
  const auto some = tail("tailed/tail?from=1&subject=tailed.b");
  EXPECT_EQ(some.find("\"sequence\":1,"), std::string::npos) << some;
  EXPECT_NE(some.find("\"sequence\":2,"), std::string::npos) << some;
  EXPECT_EQ(tail("tailed/tail").find("\"sequence\":"), std::string::npos) << "from now on";
  const auto wrong = tail("tailed/tail", "Last-Event-ID: nonsense\r\n");
  EXPECT_NE(wrong.find("bad_parameter"), std::string::npos) << wrong;
}

TEST_F(Streams, WhatIsRefused) {
  for (const auto* name : {"JOBS", "DATA", "KV_default", "WEIR_SNAPSHOTS"}) {
    EXPECT_EQ(reason(403, "GET", "/" + std::string(name)), "internal_stream");
    EXPECT_EQ(reason(403, "DELETE", "/" + std::string(name)), "internal_stream");
    EXPECT_EQ(reason(403, "GET", "/" + std::string(name) + "/tail"), "internal_stream");
  }
  must(200, "GET", "/JOBS_DLQ/messages");
  EXPECT_EQ(reason(403, "POST", "/JOBS_DLQ/purge"), "internal_stream");
  EXPECT_EQ(reason(422, "PUT", "/bad%20name"), "bad_stream_name");
  EXPECT_EQ(reason(422, "PUT", "/s1", R"({"subjects":["$JS.>"]})"), "bad_subject");
  EXPECT_EQ(reason(422, "PUT", "/s1", R"({"subjects":["weir.log.>"]})"), "bad_subject");
  EXPECT_EQ(reason(422, "PUT", "/s1", R"({"retention":"for ever"})"), "invalid_stream");
  EXPECT_EQ(reason(400, "PUT", "/s1", R"({"subject":"x"})"), "unknown_field");
  EXPECT_EQ(reason(404, "POST", "/none/messages", R"({"subject":"none","data":1})"),
            "stream_not_found");
  must(201, "PUT", "/refuses", R"({"subjects":["refuses.>"]})");
  EXPECT_EQ(reason(422, "POST", "/refuses/messages", R"({"data":1})"), "subject_required");
  EXPECT_EQ(reason(422, "POST", "/refuses/messages", R"({"subject":"refuses.x"})"),
            "invalid_message");
  EXPECT_EQ(reason(422, "POST", "/refuses/messages",
                   R"({"subject":"refuses.x","data":1,"headers":{"a":"b\r\nc: d"}})"),
            "invalid_message");
  EXPECT_EQ(reason(422, "POST", "/refuses/messages",
                   R"({"subject":"refuses.x","data":1,"headers":{"Nats-Expected-Stream":"o"}})"),
            "invalid_message");
  EXPECT_EQ(reason(409, "POST", "/refuses/messages", R"({"subject":"other","data":1})"),
            "not_in_stream");
  EXPECT_EQ(reason(400, "GET", "/refuses/messages?from=x"), "bad_parameter");
}

TEST_F(Streams, ScopesHold) {
  const auto made = server_->client().post("/v1/keys", R"({"name":"r","scopes":["streams:read"]})");
  HttpClient reader(server_->port(), made.json().find("key").as_string().value_or(""));
  EXPECT_EQ(reader.get("/v1/streams").status, 200);
  EXPECT_EQ(reader.send("PUT", "/v1/streams/x", "").status, 403);
  EXPECT_EQ(HttpClient(server_->port(), "").get("/v1/streams").status, 401);
}

TEST_F(Streams, OnTheCommandLine) {
  EXPECT_NE(cli({"stream", "create", "cli", "--subjects", "cli.>,more.cli", "--max-messages", "9"})
                .find("cli.>, more.cli"),
            std::string::npos);
  EXPECT_EQ(
      cli({"stream", "pub", "cli", R"({"n":1})", "--subject", "cli.a", "--header", "trace:x"}),
      "sequence 1\n");
  EXPECT_EQ(cli({"stream", "pub", "cli", "hello", "--subject", "more.cli", "--id", "once"}),
            "sequence 2\n");
  EXPECT_EQ(cli({"stream", "pub", "cli", "hello", "--subject", "more.cli", "--id", "once"}),
            "sequence 2 (it was there already)\n");
  EXPECT_EQ(cli({"stream", "get", "cli", "1"}), "{\"n\":1}\n");
  EXPECT_NE(cli({"stream", "get", "cli"}).find("more.cli  hello"), std::string::npos);
  EXPECT_NE(cli({"stream", "list"}).find("cli"), std::string::npos);
  EXPECT_NE(cli({"stream", "info", "cli"}).find("Messages:"), std::string::npos);
  EXPECT_EQ(cli({"stream", "consumer", "create", "cli", "c"}),
            "consumer c is there, 2 messages before it\n");
  EXPECT_NE(cli({"stream", "consumer", "next", "cli", "c", "--count", "5"}).find("hello"),
            std::string::npos);
  EXPECT_EQ(cli({"stream", "consumer", "next", "cli", "c"}), "");
  EXPECT_NE(cli({"stream", "consumer", "list", "cli"}).find("explicit"), std::string::npos);
  EXPECT_EQ(cli({"stream", "consumer", "delete", "cli", "c"}), "consumer c deleted\n");
  EXPECT_EQ(cli({"stream", "purge", "cli", "--keep", "1", "--yes"}), "1 message purged\n");
  EXPECT_EQ(cli({"stream", "delete", "cli", "--yes"}), "stream cli deleted\n");
}

// The sequences of the messages in what a tail said, and the id of its last event.
struct Told {
  std::vector<std::int64_t> sequences;
  std::string last_id;
};
Told told_by(const WeirServer& server, const std::string& last_id) {
  const auto said = exchange_raw(
      server.port(),
      "GET /v1/streams/r/tail?from=1 HTTP/1.1\r\nHost: x\r\nX-API-Key: " + server.key() + "\r\n" +
          (last_id.empty() ? "" : "Last-Event-ID: " + last_id + "\r\n") + "\r\n",
      std::chrono::milliseconds(1'000));
  Told out{.sequences = {}, .last_id = last_id};
  constexpr std::string_view kData = "event: message\ndata: ";
  for (auto at = said.find(kData); at != std::string::npos; at = said.find(kData, at + 1)) {
    const auto begin = at + kData.size();
    const auto data = said.substr(begin, said.find('\n', begin) - begin);
    EXPECT_TRUE(json::check(data)) << data;
    out.sequences.push_back(json::View(data).find("sequence").as_int().value_or(-1));
  }
  const auto id = said.rfind("id: ");
  if (id != std::string::npos) out.last_id = said.substr(id + 4, said.find('\n', id) - id - 4);
  return out;
}

TEST(StreamTailRestart, NoGapAndNoDuplicate) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  const auto send = [&](const std::string& method, const std::string& path,
                        const std::string& body) {
    return server.client()
        .send(method, "/v1/streams/r" + path, body, {{"Content-Type", "application/json"}})
        .status;
  };
  ASSERT_EQ(send("PUT", "", "{}"), 201);
  std::string last_id;
  std::int64_t seen = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 5; ++i) ASSERT_EQ(send("POST", "/messages", R"({"data":1})"), 201);
    const auto told = told_by(server, last_id);
    ASSERT_EQ(told.sequences.size(), 5U) << "round " << round;
    for (const auto sequence : told.sequences) EXPECT_EQ(sequence, ++seen);
    last_id = told.last_id;
    interrupt_after(round, server, nats, "/v1/streams/r");
  }
}

}  // namespace
}  // namespace weir::test
