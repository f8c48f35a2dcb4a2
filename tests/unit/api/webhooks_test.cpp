// Deliveries of webhooks over the API, and who may see and change them.
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class WebhooksTest : public ApiTest {
 protected:
  // A queue with a webhook, and one delivery of it that waits; its id.
  std::string deliver(const std::string& queue) {
    const auto put = ask("PUT", "/v1/queues/" + queue,
                         R"({"webhook":{"url":"https://example.com/in?token=t"}})");
    EXPECT_EQ(put->status(), 200) << put->wait().body;
    return post("/v1/queues/" + queue + "/webhook/test")->body().value("id", "");
  }
};

TEST_F(WebhooksTest, AreListedAndShown) {
  const auto id = deliver("a");
  const auto page = get("/v1/webhooks/deliveries?status=pending&queue=a")->body();
  ASSERT_EQ(page["items"].size(), 1U);
  EXPECT_EQ(page["items"][0]["id"], id);
  EXPECT_EQ(page["items"][0]["url"], "https://example.com/in?token=t");
  EXPECT_EQ(page["items"][0]["attempts"], 0);
  EXPECT_TRUE(page["next_cursor"].is_null());
  const auto one = get("/v1/webhooks/deliveries/" + id)->body();
  EXPECT_EQ(one["body"]["type"], "weir.webhook.test");
  EXPECT_EQ(get("/v1/webhooks/deliveries?status=dead")->body()["items"].size(), 0U);
  EXPECT_EQ(get("/v1/webhooks/deliveries?queue=b")->body()["items"].size(), 0U);
  EXPECT_EQ(get("/v1/webhooks/deliveries?status=lost")->reason(), "bad_parameter");
  EXPECT_EQ(get("/v1/webhooks/deliveries?cursor=x")->reason(), "invalid_request");
  EXPECT_EQ(get("/v1/webhooks/deliveries/none")->reason(), "delivery_not_found");
}

TEST_F(WebhooksTest, PagesGoOnWhereTheOneBeforeEnded) {
  deliver("a");
  for (int i = 0; i < 4; ++i) post("/v1/queues/a/webhook/test")->wait();
  std::set<std::string> seen;
  std::string cursor;
  do {
    const auto page = get("/v1/webhooks/deliveries?limit=2&cursor=" + cursor)->body();
    for (const auto& item : page["items"]) EXPECT_TRUE(seen.insert(item["id"]).second);
    cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
  } while (!cursor.empty());
  EXPECT_EQ(seen.size(), 5U);
}

TEST_F(WebhooksTest, AKeySeesAndChangesThoseOfItsQueues) {
  deliver("a");
  const auto other = deliver("b");
  const auto key = make_key(R"(["jobs:read","queues:admin"])", R"(,"queues":["a"])");
  const auto page = ask("GET", "/v1/webhooks/deliveries", "", as(key))->body();
  ASSERT_EQ(page["items"].size(), 1U);
  EXPECT_EQ(page["items"][0]["queue"], "a");
  EXPECT_EQ(ask("GET", "/v1/webhooks/deliveries/" + other, "", as(key))->reason(),
            "queue_not_allowed");
  for (const std::string verb : {"redrive", "purge"}) {
    const auto path = "/v1/webhooks/deliveries/" + verb;
    const auto by_id = R"({"ids":[")" + other + "\"]}";
    EXPECT_EQ(ask("POST", path, by_id, as(key))->reason(), "queue_not_allowed");
    EXPECT_EQ(ask("POST", path, R"({"queue":"b"})", as(key))->reason(), "queue_not_allowed");
    EXPECT_EQ(ask("POST", path, R"({"queue":"a"})", as(key))->status(), 200);
    EXPECT_EQ(post(path, by_id)->body()["missing"], 1);  // it is not dead
    EXPECT_EQ(post(path, "{}")->status(), 422);
  }
  EXPECT_EQ(ask("POST", "/v1/queues/b/webhook/test", "{}", as(key))->reason(), "queue_not_allowed");
}

TEST_F(WebhooksTest, ATestNeedsAWebhook) {
  submit("plain");
  EXPECT_EQ(post("/v1/queues/plain/webhook/test")->reason(), "webhook_not_set");
  EXPECT_EQ(post("/v1/queues/none/webhook/test")->reason(), "queue_not_found");
}

TEST_F(WebhooksTest, SecretsAreShownOnce) {
  const auto config = R"({"webhook":{"url":"https://example.com/"}})";
  const auto first = ask("PUT", "/v1/queues/a", config);
  EXPECT_THAT(first->body()["webhook_secret"].get<std::string>(), HasSubstr("whsec_"));
  // What is shown can be put back.
  const auto shown = get("/v1/queues/a")->body()["config"];
  EXPECT_EQ(shown["webhook"]["secret"], "***");
  const auto again = ask("PUT", "/v1/queues/a", shown.dump());
  EXPECT_EQ(again->status(), 200) << again->wait().body;
  for (const auto& body :
       {again->wait().body, get("/v1/queues/a")->wait().body, get("/v1/audit")->wait().body}) {
    EXPECT_THAT(body, Not(HasSubstr("whsec_")));
  }
}

TEST_F(WebhooksTest, ArePartOfTheMetrics) {
  deliver("a");
  const auto page = get("/metrics")->wait().body;
  EXPECT_THAT(page, HasSubstr("weir_webhooks_pending 1\n"));
  EXPECT_THAT(page, HasSubstr("weir_webhooks_total{event=\"made\"} 1\n"));
}

}  // namespace
}  // namespace weir::api
