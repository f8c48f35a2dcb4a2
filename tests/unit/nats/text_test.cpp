// What pkg/nats reads and writes as text.
#include <gtest/gtest.h>

#include "pkg/nats/connection.hpp"
#include "pkg/nats/embedded_server.hpp"
#include "pkg/nats/jetstream.hpp"
#include "pkg/nats/leftovers.hpp"
#include "pkg/nats/ordered_consumer.hpp"
#include "pkg/nats/server_greeting.hpp"

namespace weir::nats {
namespace {

// The forms of nats-server: without and with domain and account (ADR-15 of the NATS architecture).
TEST(AckSubject, BothFormsAreRead) {
  for (const auto* text : {"$JS.ACK.S.c1.1.42.7.1700000000000000001.3",
                           "$JS.ACK._.acc.S.c1.1.42.7.1700000000000000001.3",
                           "$JS.ACK.hub.acc.S.c1.1.42.7.1700000000000000001.3.random"}) {
    const auto read = parse_ack_subject(text);
    ASSERT_TRUE(read) << text << ": " << describe(read.error());
    EXPECT_EQ(read->stream_sequence, 42U);
    EXPECT_EQ(read->consumer_sequence, 7U);
    EXPECT_EQ(read->time_ns, 1'700'000'000'000'000'001);
    EXPECT_EQ(read->pending, 3U);
  }
}

TEST(AckSubject, OtherSubjectsAreRefused) {
  for (const auto* text : {"", "$JS.ACK", "$JS.ACK.S.c1.1.42.7.1700000000000000001",
                           "$JS.ACK.S.c1.1.x.7.1700000000000000001.3", "orders.new",
                           "$JS.ACK.S.c1.1.99999999999999999999999.7.1.3"}) {
    const auto read = parse_ack_subject(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().reason, "bad_ack_subject");
  }
}

TEST(Leftovers, TimesAreComparedToTheNanosecond) {
  struct Case {
    const char* a;
    const char* b;
    bool before;
  };
  for (const auto& c : {Case{"2026-11-21T16:32:16.03539Z", "2026-11-21T16:32:16.035396971Z", true},
                        Case{"2026-11-21T16:32:16.035396971Z", "2026-11-21T16:32:16.03539Z", false},
                        Case{"2026-11-21T16:32:16Z", "2026-11-21T16:32:16.000000001Z", true},
                        Case{"2026-11-21T16:32:16.9Z", "2026-11-21T16:32:17Z", true},
                        Case{"2026-11-21T16:32:17Z", "2026-11-21T16:32:16.9Z", false},
                        Case{"2026-11-21T16:32:16.1Z", "2026-11-21T16:32:16.10Z", false}}) {
    EXPECT_EQ(is_before(c.a, c.b), c.before) << c.a << " " << c.b;
  }
}

TEST(ServerVersion, IsReadFromWhatTheProgramPrints) {
  struct Case {
    const char* text;
    int major, minor, patch;
  };
  for (const auto& [text, major, minor, patch] :
       {Case{"nats-server: v2.10.27\n", 2, 10, 27}, Case{"nats-server: v2.9.10", 2, 9, 10},
        Case{"nats-server: v2.15.1-RC.3", 2, 15, 1}}) {
    const auto read = parse_version("/usr/sbin/nats-server", text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->major, major);
    EXPECT_EQ(read->minor, minor);
    EXPECT_EQ(read->patch, patch);
    EXPECT_EQ(read->path, "/usr/sbin/nats-server");
  }
  for (const auto* text : {"", "nats-server: ", "v2", "nats-server: vX.1.2"}) {
    const auto read = parse_version("x", text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().reason, "bad_nats_version");
  }
}

TEST(Url, LosesItsCredentials) {
  struct Case {
    const char* from;
    const char* to;
  };
  for (const auto& [from, to] :
       {Case{"nats://user:secret@h:4222", "nats://h:4222"}, Case{"tls://token@h", "tls://h"},
        Case{"nats://u:p@ss@h:1", "nats://h:1"}, Case{"nats://h:4222", "nats://h:4222"},
        Case{"u:p@h", "h"}, Case{"h", "h"}, Case{"", ""}}) {
    EXPECT_EQ(without_credentials(from), to);
  }
}

TEST(Url, NamesHostAndPort) {
  struct Case {
    const char* url;
    const char* host;
    const char* port;
  };
  for (const auto& [url, host, port] : {
           Case{"nats://127.0.0.1:4333", "127.0.0.1", "4333"},
           Case{"nats://nats.example.com", "nats.example.com", "4222"},
           Case{"tls://nats.example.com:443", "nats.example.com", "443"},
           Case{"nats.example.com:1", "nats.example.com", "1"},
           Case{"nats://[::1]:4333", "::1", "4333"},
           Case{"nats://[2001:db8::1]", "2001:db8::1", "4222"},
       }) {
    const auto server = parse_server_url(url);
    ASSERT_TRUE(server) << url;
    EXPECT_EQ(server->host, host) << url;
    EXPECT_EQ(server->port, port) << url;
  }
  for (const auto* url : {"", "nats://", "nats://:4222", "nats://host:", "nats://host:port",
                          "what is this", "nats://[::1:4222", "nats://user:secret@host:1"}) {
    const auto refused = parse_server_url(url);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().reason, "bad_nats_url") << url;
    EXPECT_EQ(describe(refused.error()).find("secret"), std::string::npos) << url;
  }
}

TEST(ApiError, KeepsWhatCallersDecideOn) {
  struct Case {
    int code, err_code;
    Code expected;
    const char* reason;
  };
  for (const auto& [code, err_code, expected, reason] :
       {Case{404, 10059, Code::not_found, "stream_not_found"},
        Case{404, 10037, Code::not_found, "message_not_found"},
        Case{400, 10071, Code::conflict, "wrong_last_sequence"},
        Case{503, 10077, Code::out_of_space, "stream_full"},
        Case{400, 10058, Code::conflict, "stream_exists"}}) {
    const auto error = api_error(code, err_code, "why");
    EXPECT_EQ(error.code, expected) << reason << ": " << describe(error);
    EXPECT_EQ(error.reason, reason);
  }
  EXPECT_EQ(api_error(500, 1, "why").reason, "jetstream_error");
}

}  // namespace
}  // namespace weir::nats
