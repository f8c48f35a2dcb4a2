// The sender of webhooks against receivers that are slow, wrong or hostile, over HTTP and HTTPS.
#include "pkg/webhook/sender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/integration/http/front_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/webhook_receiver.hpp"

namespace weir::webhook {
namespace {

using test::HookAnswer;
using test::ReceivedHook;
using testing::HasSubstr;

class SenderTest : public testing::Test {
 protected:
  void start(Millis timeout = std::chrono::seconds(10), std::vector<std::string> allowed = {"*"}) {
    options_.timeout = timeout;
    options_.policy = AddressPolicy::make(allowed).value();
    sender_ = Sender::make(options_, clock_).value();
    ASSERT_TRUE(sender_->start());
  }
  Outcome send(const std::string& url) {
    std::promise<Outcome> told;
    auto outcome = told.get_future();
    sender_->send({.target = parse_target(url).value(),
                   .id = "msg_1",
                   .unix_seconds = 7,
                   .signature = "v1,x",
                   .body = "{}"},
                  [&](Outcome each) { told.set_value(std::move(each)); });
    return outcome.get();
  }

  SystemClock clock_;
  SenderOptions options_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(SenderTest, EveryAnswerIsAnOutcome) {
  std::atomic<int> status = 0;
  test::WebhookReceiver receiver([&](const ReceivedHook&, int) {
    return HookAnswer{.status = status, .headers = "Retry-After: 7\r\n"};
  });
  start();
  for (const int each : {200, 204, 299}) {
    status = each;
    const auto outcome = send(receiver.url());
    EXPECT_EQ(outcome.status, each);
    EXPECT_EQ(outcome.error, "");
  }
  for (const int each : {301, 404, 410, 429, 500, 503}) {
    status = each;
    const auto outcome = send(receiver.url());
    EXPECT_EQ(outcome.error, "answered " + std::to_string(each));
    EXPECT_EQ(outcome.retry_after, std::chrono::seconds(7));
    EXPECT_FALSE(outcome.final);
  }
}

TEST_F(SenderTest, SilenceEndsAtTheDeadline) {
  test::WebhookReceiver receiver(
      [](const ReceivedHook&, int) { return HookAnswer{.kind = HookAnswer::Kind::silence}; });
  start(Millis(150));
  EXPECT_EQ(send(receiver.url()).error, "no answer in time");
}

TEST_F(SenderTest, AHeadWithoutEndIsRefused) {
  test::WebhookReceiver receiver([](const ReceivedHook&, int) {
    return HookAnswer{.headers = "X-Long: " + std::string(64 << 10, 'x') + "\r\n"};
  });
  start();
  EXPECT_THAT(send(receiver.url()).error, HasSubstr("the connection ended"));
}

TEST_F(SenderTest, NobodyThereOrNoSuchNameIsTriedAgain) {
  start();
  const auto nobody = send("http://127.0.0.1:" + std::to_string(test::free_port()));
  EXPECT_THAT(nobody.error, HasSubstr("cannot connect"));
  EXPECT_FALSE(nobody.final);
  const auto unknown = send("http://no-such-name.invalid/");
  EXPECT_THAT(unknown.error, HasSubstr("cannot resolve no-such-name.invalid"));
  EXPECT_FALSE(unknown.final);
}

TEST_F(SenderTest, AForbiddenAddressIsFinalAndNotTouched) {
  test::WebhookReceiver receiver([](const ReceivedHook&, int) { return HookAnswer{}; });
  start(std::chrono::seconds(10), {"10.0.0.0/8"});
  const auto outcome = send(receiver.url());
  EXPECT_EQ(outcome.error, "the address of 127.0.0.1 is not allowed");
  EXPECT_TRUE(outcome.final);
  EXPECT_EQ(receiver.count(), 0U);
}

TEST_F(SenderTest, StopsWithRequestsUnderWay) {
  test::WebhookReceiver receiver(
      [](const ReceivedHook&, int) { return HookAnswer{.kind = HookAnswer::Kind::silence}; });
  start();
  std::atomic<int> told = 0;
  for (int i = 0; i < 8; ++i) {
    sender_->send({.target = parse_target(receiver.url()).value(), .id = "msg_1"},
                  [&](const Outcome&) { ++told; });
  }
  ASSERT_TRUE(test::wait_until([&] { return receiver.count() == 8; }));
  sender_->stop();
  sender_.reset();
  EXPECT_EQ(told, 0);
}

// A server with a certificate for `host`; any of its answers is 404.
class TlsSenderTest : public http::FrontTest {
 protected:
  Outcome send_to(const std::string& host, const std::string& ca_file) {
    const auto made = http::authority().issue("receiver", host);
    auto loaded = http::TlsServer::load({.certificate = made.file, .key = made.key_file});
    EXPECT_TRUE(loaded);
    options_.tls = *loaded;
    start();
    const std::vector<std::string> all{"*"};
    const SystemClock clock;
    auto sender =
        Sender::make({.policy = AddressPolicy::make(all).value(), .ca_file = ca_file}, clock);
    EXPECT_TRUE(sender && (*sender)->start());
    std::promise<Outcome> told;
    (*sender)->send(
        {.target = parse_target("https://127.0.0.1:" + std::to_string(front_->port()) + "/nothing")
                       .value(),
         .id = "msg_1"},
        [&](Outcome each) { told.set_value(std::move(each)); });
    return told.get_future().get();
  }
};

TEST_F(TlsSenderTest, AKnownAuthorityAndTheRightNameAreBelieved) {
  EXPECT_EQ(send_to("IP:127.0.0.1", http::authority().file()).status, 404);
}

TEST_F(TlsSenderTest, AnotherNameIsNot) {
  EXPECT_THAT(send_to("DNS:example.com", http::authority().file()).error,
              HasSubstr("no TLS connection"));
}

TEST_F(TlsSenderTest, AnUnknownAuthorityIsNot) {
  EXPECT_THAT(send_to("IP:127.0.0.1", "").error, HasSubstr("no TLS connection"));
}

TEST(WebhookSender, RefusesAuthoritiesThatAreNotThere) {
  const SystemClock clock;
  const auto sender = Sender::make({.ca_file = "/nowhere/ca.pem"}, clock);
  ASSERT_FALSE(sender);
  EXPECT_EQ(sender.error().reason, "bad_webhook_ca");
}

}  // namespace
}  // namespace weir::webhook
