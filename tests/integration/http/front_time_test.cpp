// The front and time: parked requests, slow and vanishing clients, a full pool, the drain.
#include <thread>

#include "tests/integration/http/front_fixture.hpp"

namespace weir::http {
namespace {

using FrontTimeTest = FrontTest;

TEST_F(FrontTimeTest, AnswersAParkedRequestFromAnotherThread) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/park"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  std::thread([this] { parked_[0].send({.body = "later"}); }).join();
  EXPECT_TRUE(raw.read_answer().ends_with("later"));
  EXPECT_EQ(closed_, 0);
}

TEST_F(FrontTimeTest, NoticesAClientThatHangsUpWhileParked) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/park"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  raw.close();
  EXPECT_TRUE(test::wait_until([this] { return closed_ == 1; }));
  EXPECT_TRUE(test::wait_until([this] { return front_->stats().active == 0; }));
  parked_[0].send({});  // too late: nothing happens
}

TEST_F(FrontTimeTest, CutsARequestThatArrivesTooSlowly) {
  options_.request_deadline = Millis{200};
  start();
  RawClient raw(front_->port());
  raw.send("GET /inline HTTP/1.1\r\nHost: x\r\nX-Slow");
  EXPECT_EQ(status_of(raw.read_answer()), 400);
  EXPECT_TRUE(raw.ended());
}

TEST_F(FrontTimeTest, DrainFinishesWhatIsUnderWay) {
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

TEST_F(FrontTimeTest, NoticesAHangUpBehindAPipelinedRequest) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/park") + get("/inline"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  raw.send(get("/inline"));
  raw.close();
  EXPECT_TRUE(test::wait_until([this] { return closed_ == 1; }));
  EXPECT_TRUE(test::wait_until([this] { return front_->stats().active == 0; }));
  EXPECT_EQ(finished(200), 0);
}

TEST_F(FrontTimeTest, AnswersWhatIsPipelinedBehindAParkedRequestInOrder) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/park"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  raw.send(get("/inline") + get("/pool"));
  parked_[0].send({.body = "first"});
  EXPECT_TRUE(raw.read_answer().ends_with("first"));
  EXPECT_TRUE(raw.read_answer().ends_with("hello"));
  EXPECT_TRUE(raw.read_answer().ends_with("hello"));
}

TEST_F(FrontTimeTest, AnswersAClientThatOnlyEndedItsSending) {
  start();
  RawClient raw(front_->port());
  raw.send(get("/hold") + get("/pool"));
  raw.end_sending();
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  parked_[0].send({.body = "held"});
  EXPECT_TRUE(raw.read_answer().ends_with("held"));
  EXPECT_TRUE(raw.read_answer().ends_with("hello"));
  EXPECT_TRUE(raw.ended());
}

TEST_F(FrontTimeTest, CutsAClientThatDripsItsRequest) {
  options_.request_deadline = Millis{100};
  start();
  RawClient raw(front_->port());
  raw.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  while (!raw.has_input()) raw.send("x");
  EXPECT_EQ(status_of(raw.read_answer()), 400);
}

TEST_F(FrontTimeTest, CutsAClientThatDoesNotContinue) {
  options_.request_deadline = Millis{100};
  start();
  RawClient raw(front_->port());
  raw.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(status_of(raw.read_answer()), 100);
  EXPECT_EQ(status_of(raw.read_answer()), 400);
}

TEST_F(FrontTimeTest, ClosesAConnectionThatIdlesTooLong) {
  options_.idle_timeout = Millis{50};
  start();
  RawClient raw(front_->port());
  raw.send(get("/inline"));
  EXPECT_EQ(status_of(raw.read_answer()), 200);
  EXPECT_TRUE(raw.ended());
}

TEST_F(FrontTimeTest, AFullPoolAnswersThatItIsBusy) {
  options_.pool_threads = 1;
  options_.pool_queue = 1;
  start();
  RawClient running(front_->port());
  running.send(get("/block"));
  ASSERT_TRUE(test::wait_until([this] { return blocked_ == 1; }));
  std::vector<std::unique_ptr<RawClient>> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(std::make_unique<RawClient>(front_->port()));
    others.back()->send(get("/block"));
  }
  EXPECT_TRUE(test::wait_until([this] { return finished(503) == 2; }));
  release();
  EXPECT_EQ(status_of(running.read_answer()), 200);
  for (const auto& other : others) {
    const auto answer = other->read_answer();
    if (status_of(answer) == 200) continue;
    EXPECT_NE(answer.find("Retry-After: 1\r\n"), std::string::npos) << answer;
  }
  EXPECT_TRUE(test::wait_until([this] { return finished(200) == 2; }));
}

TEST_F(FrontTimeTest, ClientsAreSentAwayBeforeItStops) {
  start();
  const auto says_goodbye = [](RawClient& client) {
    client.send(get("/inline"));
    const auto answer = client.read_answer();
    EXPECT_EQ(status_of(answer), 200);
    return answer.find("Connection: close") != std::string::npos;
  };
  auto idle = std::make_unique<RawClient>(front_->port());
  auto fresh = std::make_unique<RawClient>(front_->port());
  EXPECT_FALSE(says_goodbye(*idle));
  std::thread leaving([this] { front_->send_away(std::chrono::seconds(20)); });
  EXPECT_TRUE(test::wait_until([&] {  // until it has begun
    RawClient another(front_->port());
    return says_goodbye(another);
  }));
  for (auto* client : {&idle, &fresh}) {
    EXPECT_TRUE(says_goodbye(**client));
    EXPECT_TRUE((*client)->ended());
    client->reset();
  }
  leaving.join();  // nobody is connected: it does not wait for its limit
}

TEST_F(FrontTimeTest, ADrainThatRunsOutTellsParkedHandlers) {
  options_.drain_timeout = Millis{50};
  start();
  RawClient raw(front_->port());
  raw.send(get("/park"));
  ASSERT_TRUE(test::wait_until([this] { return parked() == 1; }));
  front_->stop();
  EXPECT_EQ(closed_, 1);
  EXPECT_TRUE(raw.ended());
}

}  // namespace
}  // namespace weir::http
