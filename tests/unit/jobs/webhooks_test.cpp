// Deliveries of webhooks in the state: made once for each event, tried until they are delivered or
// dead, bounded, and reported by one sender only.
#include "jobs/webhooks.hpp"
#include "jobs/webhook_query.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kOther = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==";

std::string hook(std::string_view more = "") {
  return R"({"webhook":{"url":"https://example.com/in","secret":")" + std::string(kSecret) + "\"" +
         std::string(more) + "}}";
}

std::string configure(Harness& h, const std::string& config, const std::string& queue = "q") {
  return h.must(h.requests.queue_config(queue, json::View(config)));
}

DueAnswer due(Harness& h, std::size_t per_queue = 100) {
  DueAnswer answer;
  h.read([&](sqlite::Database& db) -> Result<std::string> {
    answer =
        find_due_deliveries(db, {.now = to_unix_ms(h.clock.wall()),
                                 .limit = 100,
                                 .per_queue = per_queue,
                                 .is_busy = [](const std::string&) { return false; },
                                 .busy_in = [](const std::string&) { return std::size_t{0}; }});
    return std::string("{}");
  });
  return answer;
}

std::vector<std::string> types(Harness& h) {
  std::vector<std::string> out;
  for (const auto& each : due(h).due) out.push_back(text(each.body, "type"));
  return out;
}

std::int64_t lead(Harness& h, std::string_view node = "n1") {
  return *json::View(h.apply(webhook_lead(node)).value()).find("term").as_int();
}

// The reply's "reported", or the reason of the error.
std::string report(Harness& h, std::int64_t term, const WebhookReport& one) {
  const auto reply = h.apply(webhook_report(term, {&one, 1}));
  return reply ? std::string(json::View(*reply).find("reported").raw()) : reply.error().reason;
}

std::string delivery(Harness& h, const std::string& id) {
  return h.read([&](sqlite::Database& db) { return get_delivery(db, id); });
}

// A queue with a webhook and one delivery that is due.
DueDelivery one_due(Harness& h, std::string_view more = "") {
  configure(h, hook(more));
  submit(h, "a");
  h.complete(h.lease_one());
  return due(h).due.at(0);
}

TEST(Webhooks, NothingIsMadeWithoutOne) {
  Harness h;
  submit(h, "a");
  h.complete(h.lease_one());
  EXPECT_THAT(due(h).due, IsEmpty());
  EXPECT_EQ(h.total(Total::webhooks), 0);
}

TEST(Webhooks, OneDeliveryForEachEventThatIsWanted) {
  Harness h;
  configure(h, hook(R"(,"events":["submitted","completed"])"));
  submit(h, "a");
  h.complete(h.lease_one());
  submit(h, "elsewhere", "other");
  const auto found = due(h).due;
  ASSERT_EQ(found.size(), 2U);
  EXPECT_THAT(types(h), ElementsAre("weir.job.submitted", "weir.job.completed"));
  EXPECT_EQ(text(found[1].body, "subject"), "a");
  EXPECT_EQ(found[1].url, "https://example.com/in");
  EXPECT_EQ(found[1].secrets, kSecret);
  EXPECT_EQ(found[1].attempt, 1);
  EXPECT_NE(found[0].id, found[1].id);
  EXPECT_EQ(found[0].id.find('.'), std::string::npos);  // would end the signed id
}

TEST(Webhooks, TheEndsAreToldByDefault) {
  Harness h;
  configure(h, hook());
  submit(h, "a", "q", R"(,"max_attempts":1)");
  h.fail(h.lease_one());
  submit(h, "b");
  h.must(h.requests.cancel("b", json::View()));
  EXPECT_THAT(types(h), ElementsAre("weir.job.dead_lettered", "weir.job.cancelled"));
}

TEST(Webhooks, AJobHasItsOwn) {
  Harness h;
  configure(h, hook());
  submit(h, "a", "q", R"(,"webhook":{"url":"http://example.com/own","events":["started"]})");
  const auto token = h.lease_one();
  h.restart();
  h.complete(token);
  const auto found = due(h).due;
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].url, "http://example.com/own");
  EXPECT_EQ(text(found[0].body, "type"), "weir.job.started");
  EXPECT_TRUE(found[0].id.ends_with("-job"));
  EXPECT_EQ(found[1].url, "https://example.com/in");
  EXPECT_EQ(h.member("a", "webhook"), R"({"url":"http://example.com/own","events":["started"]})");
}

TEST(Webhooks, AJobOfItsOwnNeedsASecret) {
  Harness h;
  constexpr std::string_view kJob = R"({"queue":"q","webhook":{"url":"https://example.com/own"}})";
  EXPECT_EQ(h.refused(h.requests.submit(json::View(kJob))).reason, "webhook_without_secret");
  const std::string batch = R"({"atomic":true,"jobs":[{"queue":"q"},)" + std::string(kJob) + "]}";
  const auto parts = h.requests.submit_batch(json::View(batch)).value();
  EXPECT_EQ(h.apply(parts.parts[0].operation).error().reason, "webhook_without_secret");
  EXPECT_EQ(h.total(Total::submitted), 0);
  configure(h, hook());
  h.must(h.requests.submit(json::View(kJob)));
}

TEST(Webhooks, SuccessEndsADelivery) {
  Harness h;
  const auto one = one_due(h);
  const auto term = lead(h);
  EXPECT_EQ(report(h, term, {.id = one.id, .attempt = 1, .status = 204}), "1");
  EXPECT_EQ(report(h, term, {.id = one.id, .attempt = 1, .status = 204}), "0");  // once
  EXPECT_THAT(due(h).due, IsEmpty());
  const auto seen = delivery(h, one.id);
  EXPECT_EQ(text(seen, "status"), "delivered");
  EXPECT_EQ(text(seen, "response_status"), "204");
  EXPECT_EQ(h.total(Total::webhooks_delivered), 1);
  EXPECT_EQ(h.machine->stats().webhooks().pending, 0);
}

TEST(Webhooks, FailuresAreRetriedWithTheSameIdThenDead) {
  Harness h;
  const auto one =
      one_due(h, R"(,"max_attempts":3,"backoff":{"kind":"fixed","delay_ms":1000,"jitter":0})");
  const auto term = lead(h);
  for (int attempt = 1; attempt <= 2; ++attempt) {
    ASSERT_EQ(
        report(h, term, {.id = one.id, .attempt = attempt, .status = 500, .error = "answered 500"}),
        "1");
    EXPECT_THAT(due(h).due, IsEmpty());
    EXPECT_EQ(due(h).next_due, to_unix_ms(h.clock.wall()) + 1'000);
    h.advance(1s);
    h.restart();
    const auto again = due(h).due;
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0].id, one.id);
    EXPECT_EQ(again[0].attempt, attempt + 1);
    EXPECT_EQ(again[0].body, one.body);
  }
  ASSERT_EQ(report(h, term, {.id = one.id, .attempt = 3, .error = "timed out"}), "1");
  EXPECT_THAT(due(h).due, IsEmpty());
  const auto seen = delivery(h, one.id);
  EXPECT_EQ(text(seen, "status"), "dead");
  EXPECT_EQ(text(seen, "error"), "timed out");
  EXPECT_EQ(h.total(Total::webhooks_dead), 1);
  EXPECT_EQ(h.machine->stats().webhooks().dead, 1);
}

TEST(Webhooks, TheDefaultScheduleIsThatOfTheStandard) {
  Harness h;
  const auto one = one_due(h);
  const auto term = lead(h);
  const auto begun = h.clock.wall();
  for (int attempt = 1; attempt <= 10; ++attempt) {
    ASSERT_EQ(report(h, term, {.id = one.id, .attempt = attempt, .error = "no"}), "1") << attempt;
    const auto next = due(h).next_due;
    if (next != kNever) h.advance(Millis(next - to_unix_ms(h.clock.wall())));
  }
  EXPECT_EQ(text(delivery(h, one.id), "status"), "dead");
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(h.clock.wall() - begun).count();
  EXPECT_GT(hours, 60);  // 75.5, give or take the jitter
  EXPECT_LT(hours, 91);
}

TEST(Webhooks, RetryAfterIsHonouredWithinBounds) {
  Harness h;
  const auto one = one_due(h, R"(,"backoff":{"kind":"fixed","delay_ms":1000,"jitter":0})");
  const auto term = lead(h);
  const auto wait_of = [&](int attempt, Millis asked) {
    report(
        h, term,
        {.id = one.id, .attempt = attempt, .status = 503, .error = "busy", .retry_after = asked});
    const auto wait = due(h).next_due - to_unix_ms(h.clock.wall());
    h.advance(Millis(wait));
    return Millis(wait);
  };
  EXPECT_EQ(wait_of(1, 30s), 30s);
  EXPECT_EQ(wait_of(2, 10ms), 1s);
  EXPECT_EQ(wait_of(3, std::chrono::hours(24 * 365)), kMaxRetryAfter);
}

TEST(Webhooks, NoRetryComesLaterThanTheOldestAge) {
  Harness h;
  const auto one = one_due(h, R"(,"max_attempts":100)");
  const auto term = lead(h);
  int attempt = 0;
  while (text(delivery(h, one.id), "status") == "pending") {
    report(h, term,
           {.id = one.id, .attempt = ++attempt, .error = "no", .retry_after = kMaxRetryAfter});
    h.advance(kMaxRetryAfter + 1s);
  }
  EXPECT_EQ(attempt, 7);
}

TEST(Webhooks, WhatCannotHelpIsDeadAtOnce) {
  Harness h;
  const auto one = one_due(h);
  report(h, lead(h), {.id = one.id, .attempt = 1, .error = "forbidden address", .final = true});
  EXPECT_EQ(text(delivery(h, one.id), "status"), "dead");
}

TEST(Webhooks, GoneTurnsTheWebhookOffUntilTheQueueIsConfigured) {
  Harness h;
  const auto one = one_due(h);
  report(h, lead(h), {.id = one.id, .attempt = 1, .status = 410, .error = "answered 410"});
  EXPECT_EQ(text(delivery(h, one.id), "status"), "dead");
  h.restart();
  submit(h, "b");
  h.complete(h.lease_one());
  EXPECT_THAT(due(h).due, IsEmpty());
  EXPECT_EQ(h.refused(h.requests.webhook_test("q")).reason, "webhook_not_set");
  EXPECT_THAT(h.read([&](auto& db) { return get_queue(db, "q", h.clock.wall()); }),
              HasSubstr("\"webhook_disabled_at\":\"20"));
  configure(h, hook());
  h.must(h.requests.webhook_test("q"));
  EXPECT_THAT(types(h), ElementsAre("weir.webhook.test"));
}

TEST(Webhooks, OnlyTheNewestSenderReports) {
  Harness h;
  const auto one = one_due(h);
  const auto old = lead(h, "n1");
  h.restart();
  const auto fresh = lead(h, "n2");
  EXPECT_GT(fresh, old);
  EXPECT_EQ(report(h, old, {.id = one.id, .attempt = 1, .status = 200}), "webhook_sender_replaced");
  EXPECT_EQ(due(h).due.size(), 1U);
  EXPECT_EQ(report(h, fresh, {.id = one.id, .attempt = 1, .status = 200}), "1");
}

TEST(Webhooks, TheSenderIsWoken) {
  Harness h;
  lead(h, "n7");
  h.deliveries.clear();
  one_due(h);
  ASSERT_EQ(h.deliveries.size(), 1U);
  EXPECT_EQ(h.deliveries[0].node, "n7");
  EXPECT_EQ(h.deliveries[0].waiter, kWebhookWaiter);
}

TEST(Webhooks, DeadOnesAreRedrivenOrPurged) {
  Harness h;
  const auto one = one_due(h, R"(,"max_attempts":1)");
  const auto term = lead(h);
  const std::string by_id = R"({"ids":[")" + one.id + R"(","msg_unknown"]})";
  EXPECT_THAT(h.must(h.requests.webhook_redrive(json::View(by_id))),
              HasSubstr(R"("redriven":0,"missing":2)"));
  report(h, term, {.id = one.id, .attempt = 1, .error = "no"});
  EXPECT_THAT(h.must(h.requests.webhook_redrive(json::View(by_id))),
              HasSubstr(R"("redriven":1,"missing":1)"));
  ASSERT_EQ(due(h).due.size(), 1U);
  EXPECT_EQ(due(h).due[0].attempt, 1);
  EXPECT_EQ(report(h, term, {.id = one.id, .attempt = 1, .error = "no"}), "1");
  constexpr std::string_view kQueue = R"({"queue":"q"})";
  EXPECT_THAT(h.must(h.requests.webhook_redrive(json::View(kQueue))), HasSubstr(R"("redriven":1)"));
  report(h, term, {.id = one.id, .attempt = 1, .error = "no"});
  EXPECT_THAT(h.must(h.requests.webhook_purge(json::View(kQueue))), HasSubstr(R"("purged":1)"));
  EXPECT_EQ(h.machine->stats().webhooks().dead, 0);
}

TEST(Webhooks, BeyondTheLimitTheyAreDeadAtOnce) {
  Harness h;
  configure(h, hook(R"(,"events":["submitted"])"));
  for (std::int64_t made = 0; made < kMaxQueueWebhooks; made += 10'000) {
    std::string batch = R"({"jobs":[{"queue":"q"})";
    for (int i = 1; i < 10'000; ++i) batch += R"(,{"queue":"q"})";
    batch += "]}";
    const auto request = h.requests.submit_batch(json::View(batch)).value();
    for (const auto& part : request.parts) ASSERT_TRUE(h.apply(part.operation));
  }
  EXPECT_EQ(h.machine->stats().webhooks().pending, kMaxQueueWebhooks);
  submit(h, "late");
  EXPECT_EQ(h.machine->stats().webhooks().pending, kMaxQueueWebhooks);
  EXPECT_EQ(h.machine->stats().webhooks().dead, 1);
}

TEST(Webhooks, WhatEndedLongAgoIsForgotten) {
  Harness h;
  const auto one = one_due(h);
  const auto term = lead(h);
  report(h, term, {.id = one.id, .attempt = 1, .status = 200});
  const auto test = text(h.must(h.requests.webhook_test("q")), "id");
  report(h, term, {.id = test, .attempt = 1, .error = "no", .final = true});
  h.advance(kWebhooksKept);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_webhooks WHERE state=1"), 0);
  EXPECT_EQ(text(delivery(h, test), "status"), "dead");
  h.advance(kDeadWebhooksKept);
  h.tick();
  EXPECT_EQ(h.machine->stats().webhooks().dead, 0);
}

TEST(Webhooks, QueuesTakeTurns) {
  Harness h;
  for (const std::string queue : {"a", "b"}) {
    configure(h, hook(R"(,"events":["submitted"])"), queue);
    for (int i = 0; i < 3; ++i) h.submit(R"({"queue":")" + queue + "\"}");
  }
  std::vector<std::string> queues;
  for (const auto& each : due(h, 2).due) queues.push_back(each.queue);
  EXPECT_THAT(queues, ElementsAre("a", "a", "b", "b"));
}

TEST(WebhookSecrets, AreShownOnceWhenTheyAreMade) {
  Harness h;
  const auto made = configure(h, R"({"webhook":{"url":"https://example.com"}})");
  const auto secret = text(made, "webhook_secret");
  EXPECT_TRUE(secret.starts_with("whsec_"));
  const auto again = configure(h, R"({"webhook":{"url":"https://example.com","secret":"***"}})");
  EXPECT_THAT(again, Not(HasSubstr("whsec_")));
  EXPECT_THAT(h.read([&](auto& db) { return get_queue(db, "q", h.clock.wall()); }),
              Not(HasSubstr("whsec_")));
  h.must(h.requests.webhook_test("q"));
  EXPECT_EQ(due(h).due.at(0).secrets, secret);
}

TEST(WebhookSecrets, TheOldOneSignsForADayToo) {
  Harness h;
  configure(h, hook());
  configure(h,
            R"({"webhook":{"url":"https://example.com","secret":")" + std::string(kOther) + "\"}}");
  h.must(h.requests.webhook_test("q"));
  EXPECT_EQ(due(h).due.at(0).secrets, std::string(kOther) + " " + std::string(kSecret));
  h.advance(kOldWebhookSecret);
  EXPECT_EQ(due(h).due.at(0).secrets, kOther);
}

TEST(WebhookRequests, NameWhatIsWrong) {
  Harness h;
  const auto fields_of = [](const Result<replica::Operation>& operation) {
    std::vector<std::string> out;
    for (const auto& field : operation.error().fields) out.push_back(field.field);
    return out;
  };
  EXPECT_THAT(
      fields_of(h.requests.queue_config(
          "q", json::View(R"({"webhook":{"url":"https://a@example.com","events":["no","test"],)"
                          R"("secret":"short","max_attempts":0}})"))),
      ElementsAre("webhook.url", "webhook.events[0]", "webhook.events[1]", "webhook.secret",
                  "webhook.max_attempts"));
  EXPECT_THAT(fields_of(h.requests.submit(json::View(R"({"queue":"q","webhook":{}})"))),
              ElementsAre("webhook.url"));
  EXPECT_THAT(fields_of(h.requests.submit(json::View(
                  R"({"queue":"q","webhook":{"url":"ftp://x","events":[],"secret":"s"}})"))),
              ElementsAre("webhook.url", "webhook.events", "webhook.secret"));
}

}  // namespace
}  // namespace weir::jobs
