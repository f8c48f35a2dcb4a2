// The front over real sockets, byte by byte.
#include "api/http/front.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "api/envelope.hpp"
#include "tests/support/wait.hpp"

namespace weir::http {
namespace {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // One answer with its body (by Content-Length); what came before the connection ended otherwise.
  std::string read_answer(bool head_only = false) {
    for (;;) {
      const auto head_end = input_.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        std::size_t length = 0;
        const auto at = input_.find("Content-Length: ");
        if (at != std::string::npos && at < head_end && !head_only)
          length = std::stoul(input_.substr(at + 16));
        if (input_.size() >= head_end + 4 + length) {
          const std::string answer = input_.substr(0, head_end + 4 + length);
          input_.erase(0, answer.size());
          return answer;
        }
      }
      if (!read_more()) return std::exchange(input_, {});
    }
  }
  bool ended() {  // the server closed
    while (read_more()) {
    }
    return ended_;
  }

 private:
  bool read_more() {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, 10'000) != 1) return false;
    char buffer[65536];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = got <= 0;
    if (got > 0) input_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string input_;
};

class FrontTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.port = 0;
    options_.request_deadline = Millis{3000};
    options_.drain_timeout = Millis{2000};
  }
  void TearDown() override {
    parked_.clear();
    if (front_) front_->stop();
  }

  void start() {
    std::vector<Route> routes;
    const auto echo = [](std::shared_ptr<const Request> request, const Responder& responder) {
      responder.send({.body = request->body.empty() ? "hello" : request->body});
    };
    routes.push_back(
        {.method = "GET", .pattern = "/inline", .lane = Lane::inline_, .handler = echo});
    routes.push_back({.method = "GET", .pattern = "/pool", .lane = Lane::pool, .handler = echo});
    routes.push_back(
        {.method = "POST", .pattern = "/echo", .max_body_bytes = 1 << 20, .handler = echo});
    routes.push_back({.method = "GET", .pattern = "/throws", .handler = [](auto, auto) {
                        throw std::runtime_error("x");
                      }});
    routes.push_back({.method = "GET", .pattern = "/dropped", .handler = [](auto, auto) {}});
    routes.push_back({.method = "GET",
                      .pattern = "/park",
                      .lane = Lane::inline_,
                      .handler = [this](auto, const Responder& responder) {
                        responder.on_closed([this] { ++closed_; });
                        const std::lock_guard lock(mutex_);
                        parked_.push_back(responder);
                      }});
    front_ = std::make_unique<Front>(options_, std::move(routes),
                                     FrontHooks{.error_response = api::error_response});
    ASSERT_TRUE(front_->start());
  }
  std::size_t parked() {
    const std::lock_guard lock(mutex_);
    return parked_.size();
  }
  RawClient client() const { return RawClient(front_->port()); }
  std::string ask(const std::string& text) const {
    RawClient raw(front_->port());
    raw.send(text);
    return raw.read_answer();
  }

  FrontOptions options_;
  std::unique_ptr<Front> front_;
  std::mutex mutex_;
  std::deque<Responder> parked_;
  std::atomic<int> closed_{0};
};

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
}
int status_of(const std::string& answer) {
  return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
}

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
      {"length twice", "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
       400, "malformed_request"},
      {"length and chunked",
       "POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400, "malformed_request"},
      {"negative length", "POST /echo HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400,
       "malformed_request"},
      {"bad chunk", "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400,
       "malformed_request"},
      {"huge header", "GET /inline HTTP/1.1\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n", 431,
       "header_too_large"},
      {"many headers",
       [] {
         std::string text = "GET /inline HTTP/1.1\r\n";
         for (int i = 0; i < 20'000; ++i) text += "X-" + std::to_string(i) + ": y\r\n";
         return text + "\r\n";
       }(),
       431, "header_too_large"},
      {"declared too large", "POST /echo HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n", 413,
       "body_too_large"},
      {"sent too large",
       "POST /echo HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n" + std::string(10 << 20, 'x'), 413,
       "body_too_large"},
      {"chunked too large",
       "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" +
           std::string(0x200000, 'x') + "\r\n0\r\n\r\n",
       413, "body_too_large"},
      {"compressed", "POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
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

TEST_F(FrontTest, AnswersAParkedRequestFromAnotherThread) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/park"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  std::thread([this] { parked_[0].send({.body = "later"}); }).join();
  EXPECT_TRUE(raw.read_answer().ends_with("later"));
  EXPECT_EQ(closed_, 0);
}

TEST_F(FrontTest, NoticesAClientThatHangsUpWhileParked) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/park"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  raw.close();
  EXPECT_TRUE(test::wait_until([this] { return closed_ == 1; }));
  EXPECT_TRUE(test::wait_until([this] { return front_->stats().active == 0; }));
  parked_[0].send({});  // too late: nothing happens
}

TEST_F(FrontTest, CutsARequestThatArrivesTooSlowly) {
  options_.request_deadline = Millis{200};
  start();
  RawClient raw(front_->port());
  raw.send("GET /inline HTTP/1.1\r\nX-Slow");
  EXPECT_EQ(status_of(raw.read_answer()), 400);
  EXPECT_TRUE(raw.ended());
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
  EXPECT_NE(
      ask("GET /inline HTTP/1.1\r\nX-Request-Id: abc-1\r\n\r\n").find("X-Request-Id: abc-1\r\n"),
      std::string::npos);
  EXPECT_EQ(ask("GET /inline HTTP/1.1\r\nX-Request-Id: a b\"c\r\n\r\n").find("a b\"c"),
            std::string::npos);
}

TEST_F(FrontTest, DrainFinishesWhatIsUnderWay) {
  start();
  RawClient idle(front_->port());
  RawClient busy(front_->port());
  busy.send(get("/park"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  std::thread stopper([this] { front_->stop(); });
  EXPECT_TRUE(idle.ended());
  parked_[0].send({.body = "last"});
  const auto answer = busy.read_answer();
  EXPECT_TRUE(answer.ends_with("last"));
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  stopper.join();
}

}  // namespace
}  // namespace weir::http
