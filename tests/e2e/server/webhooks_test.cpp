// Webhooks as a receiver sees them: signed, at least once with one id, tried again, dead in the
// end, never to addresses that are not allowed, and not lost with the coordinator that sent them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "tests/support/certificates.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/webhook_receiver.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kQuick = R"("backoff":{"kind":"fixed","delay_ms":50,"jitter":0})";

WeirOptions local(std::vector<std::string> more = {}) {
  WeirOptions options;
  options.flags = {"--webhooks-allow", "127.0.0.1", "--webhook-timeout", "1s"};
  options.flags.insert(options.flags.end(), more.begin(), more.end());
  return options;
}

HttpAnswer put(const WeirServer& server, const std::string& queue, const std::string& config) {
  return server.client().put("/v1/queues/" + queue, config);
}

void hook(const WeirServer& server, const std::string& url, const std::string& more = "") {
  const auto answer = put(
      server, "q",
      R"({"webhook":{"url":")" + url + R"(","secret":")" + kSecret + "\"," + kQuick + more + "}}");
  ASSERT_EQ(answer.status, 200) << answer.body;
}

// Submits a job and cancels it: one event that webhooks tell.
void end_job(const WeirServer& server, const std::string& id, const std::string& more = "") {
  auto client = server.client();
  const auto made =
      client.post("/v1/jobs", R"({"queue":"q","id":")" + id + R"(","type":"t")" + more + "}");
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_EQ(client.post("/v1/jobs/" + id + "/cancel", "{}").status, 200);
}

std::vector<json::View> items(const HttpAnswer& page) {
  std::vector<json::View> out;
  for (const auto item : page.json().find("items").elements()) out.push_back(item);
  return out;
}

// The only delivery, once it has this status.
std::string wait_only(const WeirServer& server, const std::string& status) {
  HttpAnswer page;
  EXPECT_TRUE(wait_until([&] {
    page = server.client().get("/v1/webhooks/deliveries?status=" + status);
    return items(page).size() == 1;
  })) << server.client().get("/v1/webhooks/deliveries").body;
  return page.body;
}

TEST(Webhooks, AreSignedAndTriedAgainUntilTheReceiverTakesThem) {
  WebhookReceiver receiver(
      [](const ReceivedHook&, int nth) { return HookAnswer{.status = nth < 3 ? 500 : 200}; });
  WeirServer server(local());
  server.start();
  hook(server, receiver.url("/in?from=weir"));
  end_job(server, "one");
  ASSERT_TRUE(wait_until([&] { return receiver.count() == 3; }));
  const auto hooks = receiver.received();
  for (const auto& each : hooks) {
    EXPECT_TRUE(is_signed(each, kSecret)) << each.header("webhook-signature");
    EXPECT_EQ(each.header("webhook-id"), hooks[0].header("webhook-id"));
    EXPECT_EQ(each.header("content-type"), "application/cloudevents+json");
    EXPECT_EQ(each.target, "/in?from=weir");
    EXPECT_EQ(each.body, hooks[0].body);
  }
  const json::View event(hooks[0].body);
  EXPECT_EQ(event.find("type").as_string(), "weir.job.cancelled");
  EXPECT_EQ(event.find("subject").as_string(), "one");
  const auto page = wait_only(server, "delivered");
  EXPECT_THAT(page, HasSubstr(R"("attempts":3)"));
  EXPECT_THAT(server.client().get("/metrics").body,
              HasSubstr("weir_webhooks_total{event=\"delivered\"} 1\n"));
  EXPECT_THAT(server.log() + server.client().get("/v1/queues/q").body +
                  server.client().get("/v1/audit").body + page,
              Not(HasSubstr("whsec_")));
}

TEST(Webhooks, WhoNeverAnswersHangsUpOrRedirectsIsTriedAgain) {
  WebhookReceiver elsewhere([](const ReceivedHook&, int) { return HookAnswer{}; });
  WebhookReceiver receiver([&](const ReceivedHook&, int nth) -> HookAnswer {
    if (nth == 1) return {.kind = HookAnswer::Kind::silence};
    if (nth == 2) return {.kind = HookAnswer::Kind::hang_up};
    if (nth == 3) return {.status = 302, .headers = "Location: " + elsewhere.url() + "\r\n"};
    return {.status = 204};
  });
  WeirServer server(local());
  server.start();
  hook(server, receiver.url());
  end_job(server, "one");
  EXPECT_THAT(wait_only(server, "delivered"), HasSubstr(R"("attempts":4)"));
  EXPECT_EQ(elsewhere.count(), 0U);
}

TEST(Webhooks, ASilentReceiverDoesNotHoldUpTheOthers) {
  WebhookReceiver silent(
      [](const ReceivedHook&, int) { return HookAnswer{.kind = HookAnswer::Kind::silence}; });
  WebhookReceiver quick([](const ReceivedHook&, int) { return HookAnswer{}; });
  WeirServer server(local({"--webhook-timeout", "30s"}));
  server.start();
  hook(server, silent.url());
  for (int i = 0; i < 20; ++i) end_job(server, "silent-" + std::to_string(i));
  ASSERT_EQ(put(server, "other", R"({"webhook":{"url":")" + quick.url() + "\"}}").status, 200);
  EXPECT_EQ(server.client().post("/v1/queues/other/webhook/test", "{}").status, 200);
  EXPECT_TRUE(wait_until([&] { return quick.count() == 1; }));
}

TEST(Webhooks, DeadOnesAreSeenRedrivenAndPurged) {
  std::atomic<bool> well = false;
  WebhookReceiver receiver(
      [&](const ReceivedHook&, int) { return HookAnswer{.status = well ? 200 : 404}; });
  WeirServer server(local());
  server.start();
  hook(server, receiver.url(), R"(,"max_attempts":2)");
  end_job(server, "one");
  const auto page = wait_only(server, "dead");
  EXPECT_THAT(page, HasSubstr(R"("response_status":404,"error":"answered 404")"));
  EXPECT_EQ(server.cli({"webhook", "test", "q"}).code, 1);
  ASSERT_TRUE(wait_until([&] {
    return items(server.client().get("/v1/webhooks/deliveries?status=dead")).size() == 2;
  }));
  const auto listed = server.cli({"webhook", "list", "--status", "dead"});
  EXPECT_THAT(listed.out, HasSubstr("answered 404"));
  const json::View listing(page);
  const auto id = (*listing.find("items").elements().begin()).find("id").as_string().value_or("");
  EXPECT_THAT(server.cli({"webhook", "show", id}).out, HasSubstr("weir.job.cancelled"));
  well = true;
  EXPECT_EQ(server.cli({"webhook", "redrive", id}).out, "1 delivery redriven\n");
  wait_only(server, "delivered");
  EXPECT_EQ(server.cli({"webhook", "purge", "--queue", "q", "--yes"}).out, "1 delivery purged\n");
  EXPECT_THAT(server.cli({"webhook", "test", "q"}).out, HasSubstr("the receiver answered 200"));
}

TEST(Webhooks, GoneTurnsTheWebhookOff) {
  WebhookReceiver receiver([](const ReceivedHook&, int) { return HookAnswer{.status = 410}; });
  WeirServer server(local());
  server.start();
  hook(server, receiver.url());
  end_job(server, "one");
  wait_only(server, "dead");
  end_job(server, "two");
  EXPECT_EQ(items(server.client().get("/v1/webhooks/deliveries")).size(), 1U);
  EXPECT_THAT(server.client().get("/v1/queues/q").body, HasSubstr("webhook_disabled_at"));
  EXPECT_EQ(server.client().post("/v1/queues/q/webhook/test", "{}").status, 409);
}

TEST(Webhooks, GoNowhereThatIsNotAllowed) {
  WebhookReceiver receiver([](const ReceivedHook&, int) { return HookAnswer{}; });
  WeirServer server;
  server.start();
  for (const std::string host : {"127.0.0.1", "localhost", "2130706433", "[::1]", "0"}) {
    hook(server, "http://" + host + ":" + std::to_string(receiver.port()) + "/");
    const auto test = server.client().post("/v1/queues/q/webhook/test", "{}");
    const auto id = test.json().find("id").as_string().value_or("");
    HttpAnswer delivery;
    ASSERT_TRUE(wait_until([&] {
      delivery = server.client().get("/v1/webhooks/deliveries/" + id);
      return delivery.json().find("status").as_string() == "dead";
    })) << delivery.body;
    EXPECT_THAT(delivery.body, HasSubstr("is not allowed")) << host;
  }
  EXPECT_EQ(receiver.count(), 0U);
}

TEST(Webhooks, AJobsOwnIsSignedWithTheSecretOfTheServer) {
  WebhookReceiver receiver([](const ReceivedHook&, int) { return HookAnswer{}; });
  auto options = local();
  options.env = {{"WEIR_WEBHOOK_SECRET", kSecret}};
  WeirServer server(options);
  server.start();
  end_job(server, "one", R"(,"webhook":{"url":")" + receiver.url() + R"("})");
  ASSERT_TRUE(wait_until([&] { return receiver.count() == 1; }));
  EXPECT_TRUE(is_signed(receiver.received()[0], kSecret));
  EXPECT_THAT(server.log(), Not(HasSubstr("whsec_")));
}

TEST(Webhooks, AJobsOwnIsRefusedWithoutASecret) {
  WeirServer server(local());
  server.start();
  const auto answer =
      server.client().post("/v1/jobs", R"({"queue":"q","webhook":{"url":"https://example.com/"}})");
  EXPECT_EQ(answer.status, 422) << answer.body;
  EXPECT_EQ(answer.json().find("reason").as_string(), "webhook_without_secret");
}

// Nothing is lost with the leader, and what the next one delivers has the same id.
TEST(Webhooks, SurviveTheDeathOfTheLeader) {
  std::atomic<bool> well = false;
  std::atomic<int> asked = 0;
  WebhookReceiver receiver([&](const ReceivedHook&, int) -> HookAnswer {
    ++asked;
    if (!well) return {.kind = HookAnswer::Kind::silence};
    return {};
  });
  NatsServer nats;
  nats.start();
  auto options = local({"--webhook-timeout", "60s"});
  options.nats_url = nats.url();
  WeirServer first(options);
  first.start();
  hook(first, receiver.url());
  options.key = first.key();
  WeirServer second(options);
  second.start();
  constexpr int kJobs = 12;
  for (int i = 0; i < kJobs; ++i) end_job(first, "j" + std::to_string(i));
  ASSERT_TRUE(wait_until([&] { return asked >= 8; }));  // the first is in the middle of it
  well = true;
  first.kill();
  ASSERT_TRUE(wait_until(
      [&] {
        return items(second.client().get("/v1/webhooks/deliveries?status=delivered")).size() ==
               kJobs;
      },
      std::chrono::seconds(60)));
  std::set<std::string> subjects;
  std::set<std::string> ids;
  for (const auto& each : receiver.received()) {
    subjects.insert(json::View(each.body).find("subject").as_string().value_or(""));
    ids.insert(each.header("webhook-id"));
    EXPECT_TRUE(is_signed(each, kSecret));
  }
  EXPECT_EQ(subjects.size(), static_cast<std::size_t>(kJobs));
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kJobs));
}

}  // namespace
}  // namespace weir::test
