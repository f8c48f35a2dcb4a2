// The front over real sockets, byte by byte.
#include "tests/integration/http/front_fixture.hpp"

namespace weir::http {
namespace {

TEST_F(FrontTest, KeepsAConnectionAndAnswersPipelinedRequestsInOrder) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/inline") + get("/pool") +
           "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_TRUE(raw.read_answer().ends_with("\r\n\r\nhello"));
  EXPECT_TRUE(raw.read_answer().ends_with("\r\n\r\nhello"));
  EXPECT_TRUE(raw.read_answer().ends_with("\r\n\r\nabc"));
  EXPECT_EQ(front_->stats().total, 1U);
}

struct Refused {
  const char* name;
  std::string request;
  int status;
  const char* reason;
};

TEST_F(FrontTest, RefusesWhatIsWrongWithTheDocumentedError) {
  start();
  const std::vector<Refused> cases{
      {"unknown route", get("/nowhere"), 404, "route_not_found"},
      {"wrong method", "DELETE /inline HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method_not_allowed"},
      {"bad escape", get("/%zz"), 400, "bad_target"},
      {"not UTF-8", get("/%ff"), 400, "bad_target"},
      {"garbage", "\x16\x03\x01 nonsense\r\n\r\n", 400, "malformed_request"},
      {"length twice",
       "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400,
       "malformed_request"},
      {"length and chunked",
       "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400, "malformed_request"},
      {"negative length", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400,
       "malformed_request"},
      {"bad chunk", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       400, "malformed_request"},
      {"coding twice",
       "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: "
       "chunked\r\n\r\n"
       "0\r\n\r\n",
       400, "malformed_request"},
      {"empty coding",
       "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\nContent-Length: 1\r\n\r\na", 400,
       "malformed_request"},
      {"coding in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
       "malformed_request"},
      {"no host", "GET /inline HTTP/1.1\r\n\r\n", 400, "malformed_request"},
      {"two hosts", "GET /inline HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "malformed_request"},
      {"huge header",
       "GET /inline HTTP/1.1\r\nHost: x\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n", 431,
       "header_too_large"},
      {"many headers",
       [] {
         std::string text = "GET /inline HTTP/1.1\r\nHost: x\r\n";
         for (int i = 0; i < 20'000; ++i) text += "X-" + std::to_string(i) + ": y\r\n";
         return text + "\r\n";
       }(),
       431, "header_too_large"},
      {"declared too large", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n",
       413, "body_too_large"},
      {"sent too large",
       "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n" +
           std::string(10 << 20, 'x'),
       413, "body_too_large"},
      {"chunked too large",
       "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" +
           std::string(0x200000, 'x') + "\r\n0\r\n\r\n",
       413, "body_too_large"},
      {"compressed",
       "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
       415, "unsupported_encoding"},
  };
  for (const auto& test : cases) {
    const auto answer = ask(test.request);
    EXPECT_EQ(status_of(answer), test.status) << test.name << "\n" << answer;
    const bool internal_hidden =
        answer.find(std::string("\"reason\":\"") + test.reason + "\"") != std::string::npos;
    EXPECT_TRUE(internal_hidden) << test.name << "\n" << answer;
    EXPECT_NE(answer.find("X-Request-Id: "), std::string::npos) << test.name;
  }
  EXPECT_EQ(status_of(ask(get("/inline"))), 200);
}

TEST_F(FrontTest, NamesTheAllowedMethods) {
  start();
  EXPECT_NE(ask("DELETE /inline HTTP/1.1\r\nHost: x\r\n\r\n").find("Allow: GET, HEAD, OPTIONS\r\n"),
            std::string::npos);
  EXPECT_EQ(status_of(ask("OPTIONS /inline HTTP/1.1\r\nHost: x\r\n\r\n")), 204);
}

TEST_F(FrontTest, HandlersThatFailAnswer500WithoutInternals) {
  start();
  for (const char* path : {"/throws", "/dropped"}) {
    const auto answer = ask(get(path));
    EXPECT_EQ(status_of(answer), 500) << answer;
    EXPECT_EQ(answer.find("runtime"), std::string::npos);
  }
}

TEST_F(FrontTest, ContinuesWhenAskedTo) {
  start();
  RawClient raw(front_->port());
  raw.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(status_of(raw.read_answer()), 100);
  raw.send("ok");
  EXPECT_TRUE(raw.read_answer().ends_with("ok"));
}

TEST_F(FrontTest, ServesWhileAThousandConnectionsIdle) {
  start();
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(std::make_unique<RawClient>(front_->port()));
    ASSERT_TRUE(idle.back()->connected());
  }
  EXPECT_TRUE(test::wait_until([this] { return front_->stats().active == 1000; }));
  EXPECT_EQ(status_of(ask(get("/pool"))), 200);
  idle.back()->send(get("/inline"));
  EXPECT_EQ(status_of(idle.back()->read_answer()), 200);
}

TEST_F(FrontTest, RefusesConnectionsOverTheLimit) {
  options_.max_connections = 1;
  start();
  RawClient first(front_->port());
  first.send(get("/inline"));
  EXPECT_EQ(status_of(first.read_answer()), 200);
  EXPECT_EQ(status_of(ask(get("/inline"))), 503);
}

TEST_F(FrontTest, EchoesASaneRequestIdAndReplacesAnother) {
  start();
  EXPECT_NE(ask("GET /inline HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc-1\r\n\r\n")
                .find("X-Request-Id: abc-1\r\n"),
            std::string::npos);
  EXPECT_EQ(ask("GET /inline HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\"c\r\n\r\n").find("a b\"c"),
            std::string::npos);
}

}  // namespace
}  // namespace weir::http
