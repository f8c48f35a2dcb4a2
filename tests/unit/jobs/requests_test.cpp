// What clients can get wrong, and what comes of what they get right.
#include "jobs/requests.hpp"

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct BadCase {
  std::string name;
  std::string body;
  Code code;
  std::string reason;
  std::string field;
  std::string message;  // a part of it
};

void expect_error(const BadCase& test, const Error& error) {
  EXPECT_EQ(error.code, test.code) << describe(error);
  EXPECT_EQ(error.reason, test.reason);
  for (const auto& [field, message] : error.fields) {
    if (field != test.field) continue;
    EXPECT_THAT(message, HasSubstr(test.message));
    return;
  }
  ADD_FAILURE() << "no error for " << test.field << " in " << describe(error);
}

class BadJobTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadJobTest, IsRefused) {
  Harness h;
  ASSERT_TRUE(json::check(GetParam().body));
  const auto result = h.requests.submit(json::View(GetParam().body));
  ASSERT_FALSE(result);
  expect_error(GetParam(), result.error());
}

std::string job(std::string_view more) {
  return "{\"queue\":\"q\"," + std::string(more) + "}";
}

std::vector<BadCase> bad_values() {
  constexpr auto code = Code::invalid;
  const std::string reason = "invalid_job";
  const std::string long_text(5'000, 'x');
  return {
      {"no_queue", "{}", code, reason, "queue", "is required"},
      {"null_queue", R"({"queue":null})", code, reason, "queue", "is required"},
      {"empty_queue", R"({"queue":""})", code, reason, "queue", "1 to"},
      {"bad_queue", R"({"queue":"a b"})", code, reason, "queue", "A-Z"},
      {"dotted_queue", R"({"queue":"a..b"})", code, reason, "queue", "dot"},
      {"star_queue", R"({"queue":"a.*"})", code, reason, "queue", "A-Z"},
      {"bad_id", job(R"("id":"a b")"), code, reason, "id", "A-Z"},
      {"long_id", job("\"id\":\"" + std::string(129, 'a') + "\""), code, reason, "id", "128"},
      {"high_priority", job(R"("priority":10)"), code, reason, "priority", "0 to 9, not 10"},
      {"low_priority", job(R"("priority":-1)"), code, reason, "priority", "0 to 9, not -1"},
      {"half_priority", job(R"("priority":1.5)"), code, reason, "priority", "whole"},
      {"huge_priority", job(R"("priority":1e30)"), code, reason, "priority", "0 to 9"},
      {"no_attempts", job(R"("max_attempts":0)"), code, reason, "max_attempts", "1 to 1000"},
      {"short_lease", job(R"("lease_ms":99)"), code, reason, "lease_ms", "100ms"},
      {"long_lease", job(R"("lease_ms":"25h")"), code, reason, "lease_ms", "1d"},
      {"bad_duration", job(R"("delay_ms":"soon")"), code, reason, "delay_ms", "1h30m"},
      {"negative_delay", job(R"("delay_ms":-5)"), code, reason, "delay_ms", "not -5"},
      {"bad_time", job(R"("run_at":"tomorrow")"), code, reason, "run_at", "RFC 3339"},
      {"far_time", job(R"("run_at":999999999999999)"), code, reason, "run_at", "9999"},
      {"two_times", job(R"("run_at":5,"delay_ms":5)"), code, reason, "delay_ms", "run_at"},
      {"empty_tag", job(R"("tags":[""])"), code, reason, "tags[0]", "1 to 64"},
      {"many_tags",
       job(R"("tags":["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17",)"
           R"("18","19","20","21","22","23","24","25","26","27","28","29","30","31","32","33"])"),
       code, reason, "tags", "at most 32"},
      {"long_type", job("\"type\":\"" + long_text + "\""), code, reason, "type", "128"},
      {"long_key", job("\"key\":\"" + long_text + "\""), code, reason, "key", "256"},
      {"long_metadata", job("\"metadata\":{\"a\":\"" + std::string(20'000, 'x') + "\"}"), code,
       reason, "metadata", "16384"},
      {"bad_backoff", job(R"("backoff":{"kind":"random"})"), code, reason, "backoff.kind",
       "exponential"},
      {"bad_jitter", job(R"("backoff":{"jitter":2})"), code, reason, "backoff.jitter", "0 to 1"},
      {"no_list", job(R"("backoff":{"kind":"list"})"), code, reason, "backoff.list_ms", "required"},
      {"bad_list", job(R"("backoff":{"kind":"list","list_ms":[1,"x"]})"), code, reason,
       "backoff.list_ms[1]", "duration"},
      {"twice", job(R"("priority":1,"priority":2)"), code, reason, "priority", "twice"},
  };
}

std::vector<BadCase> bad_shapes() {
  constexpr auto code = Code::bad_request;
  const std::string unknown = "unknown_field";
  const std::string type = "wrong_type";
  return {
      {"no_object", "[]", code, type, "(body)", "an object"},
      {"misspelt", job(R"("prioritty":1)"), code, unknown, "prioritty", "priority"},
      {"no_such_field", job(R"("colour":"red")"), code, unknown, "colour", "known"},
      {"unknown_backoff", job(R"("backoff":{"base":1})"), code, unknown, "backoff.base", "kind"},
      {"number_queue", R"({"queue":5})", code, type, "queue", "a string, not 5"},
      {"text_priority", job(R"("priority":"9")"), code, type, "priority", "whole number"},
      {"text_tags", job(R"("tags":"a")"), code, type, "tags", "an array"},
      {"number_tag", job(R"("tags":[1])"), code, type, "tags[0]", "a string"},
      {"list_headers", job(R"("headers":[])"), code, type, "headers", "an object"},
      {"number_header", job(R"("headers":{"a":1})"), code, type, "headers.a", "a string"},
      {"object_delay", job(R"("delay_ms":{})"), code, type, "delay_ms", "milliseconds"},
      {"text_factor", job(R"("backoff":{"factor":"2"})"), code, type, "backoff.factor", "number"},
  };
}

std::string case_name(const testing::TestParamInfo<BadCase>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(Values, BadJobTest, testing::ValuesIn(bad_values()), case_name);
INSTANTIATE_TEST_SUITE_P(Shapes, BadJobTest, testing::ValuesIn(bad_shapes()), case_name);

TEST(Requests, AllErrorsAtOnce) {
  Harness h;
  const auto result =
      h.requests.submit(json::View(R"({"queue":"a b","priority":11,"max_attempts":0})"));
  ASSERT_FALSE(result);
  std::vector<std::string> fields;
  for (const auto& field : result.error().fields) fields.push_back(field.field);
  EXPECT_THAT(fields, ElementsAre("queue", "priority", "max_attempts"));
}

TEST(Requests, PayloadLimitNamesTheSizes) {
  Harness h;
  const auto body = job("\"payload\":\"" + std::string(1U << 20U, 'x') + "\"");
  const auto result = h.requests.submit(json::View(body));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::too_large);
  EXPECT_EQ(result.error().reason, "payload_too_large");
  EXPECT_THAT(result.error().details, HasSubstr("1032192"));
}

TEST(Requests, DurationsAsText) {
  Harness h;
  h.submit(R"({"id":"j","queue":"q","delay_ms":"1h30m","lease_ms":"2m",
               "backoff":{"kind":"list","list_ms":["5s",250],"jitter":0}})");
  EXPECT_EQ(h.member("j", "run_at"), "\"2023-11-14T23:43:20.000Z\"");
  EXPECT_EQ(h.member("j", "lease_ms"), "120000");
  EXPECT_THAT(h.member("j", "backoff"), HasSubstr("[5000,250]"));
}

// --- workers -------------------------------------------------------------------------------------

class BadWorkTest : public testing::TestWithParam<BadCase> {};

TEST_P(BadWorkTest, IsRefused) {
  Harness h;
  const auto result = h.requests.work(json::View(GetParam().body), {"n", "w"});
  ASSERT_FALSE(result);
  expect_error(GetParam(), result.error());
}

INSTANTIATE_TEST_SUITE_P(
    All, BadWorkTest,
    testing::Values(
        BadCase{"no_worker", "{}", Code::invalid, "invalid_request", "worker", "required"},
        BadCase{"no_lease", R"({"worker":"w","complete":[{"result":1}]})", Code::invalid,
                "invalid_request", "complete[0].lease", "required"},
        BadCase{"unknown", R"({"worker":"w","complete":[{"lease":"x","error":1}]})",
                Code::bad_request, "unknown_field", "complete[0].error", "result"},
        BadCase{"no_message", R"({"worker":"w","fail":[{"lease":"x","error":{}}]})", Code::invalid,
                "invalid_request", "fail[0].error.message", "required"},
        BadCase{"number_item", R"({"worker":"w","heartbeat":[5]})", Code::bad_request, "wrong_type",
                "heartbeat[0]", "an object"},
        BadCase{"no_queues", R"({"worker":"w","lease":{}})", Code::invalid, "invalid_request",
                "lease.queues", "at least one"},
        BadCase{"bad_queue", R"({"worker":"w","lease":{"queues":["a","*"]}})", Code::invalid,
                "invalid_request", "lease.queues[1]", "A-Z"},
        BadCase{"long_wait", R"({"worker":"w","lease":{"queues":["a"],"wait_ms":"2m"}})",
                Code::invalid, "invalid_request", "lease.wait_ms", "1m"},
        BadCase{"many_jobs", R"({"worker":"w","lease":{"queues":["a"],"max":1001}})", Code::invalid,
                "invalid_request", "lease.max", "1 to 1000"}),
    case_name);

TEST(Requests, LeaseReadsThePathAndTheBody) {
  Harness h;
  const auto good =
      h.requests.lease("a,b.c", json::View(R"({"worker":"w","wait_ms":250})"), {"n", "id"});
  ASSERT_TRUE(good);
  EXPECT_EQ(good->wait, 250ms);
  EXPECT_THAT(good->operation.body, HasSubstr(R"("queues":["a","b.c"])"));
  EXPECT_THAT(good->operation.body, HasSubstr(R"("node":"n","waiter":"id","wait_ms":250)"));
  for (const auto* queues : {"", "a,", "a,,b", "a b"}) {
    const auto bad = h.requests.lease(queues, json::View(R"({"worker":"w"})"), {"n", "id"});
    ASSERT_FALSE(bad) << queues;
    EXPECT_EQ(bad.error().reason, "invalid_request");
  }
}

TEST(Requests, QueueConfigChecksEverything) {
  Harness h;
  const auto bad = h.requests.queue_config(
      "q", json::View(R"({"max_attempts":0,"lease_ms":1,"retention":{"count":-1}})"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().fields, SizeIs(3));
  EXPECT_EQ(h.requests.queue_config("q", json::View(R"({"speed":1})")).error().reason,
            "unknown_field");
  EXPECT_EQ(h.requests.queue_config("*", json::View("{}")).error().reason, "invalid_request");
}

TEST(Requests, DeadLettersNeedIdsOrAQueue) {
  Harness h;
  for (const auto* body : {"{}", R"({"ids":["a"],"queue":"q"})", R"({"filter":{}})"}) {
    EXPECT_EQ(h.requests.dlq_redrive(json::View(body)).error().reason, "invalid_request") << body;
  }
  EXPECT_EQ(h.requests.dlq_purge(json::View(R"({"ids":["a b"]})")).error().fields[0].field,
            "ids[0]");
}

// --- batches -------------------------------------------------------------------------------------

std::string small_jobs(std::size_t count, std::string_view head = "{\"jobs\":[",
                       std::string_view tail = "]}") {
  std::string body(head);
  for (std::size_t i = 0; i < count; ++i) {
    body += (i > 0 ? "," : "") + std::string("{\"queue\":\"q\",\"id\":\"j") + std::to_string(i) +
            "\",\"payload\":\"" + std::string(200, 'x') + "\"}";
  }
  return body + std::string(tail);
}

std::vector<Result<replica::Reply>> apply_parts(Harness& h, const Batch& batch) {
  std::vector<Result<replica::Reply>> replies;
  for (const auto& part : batch.parts) {
    replies.emplace_back(replica::Reply{h.must(part.operation), h.revision});
  }
  return replies;
}

TEST(Batch, IsSplitByBytesAndMergedInOrder) {
  Harness h;
  const Requests small{h.ids, h.random, {.max_payload_bytes = 1'000, .max_operation_bytes = 2'000}};
  const auto body = small_jobs(50);
  const auto batch = small.submit_batch(json::View(body)).value();
  EXPECT_GT(batch.parts.size(), 4U);
  for (const auto& part : batch.parts) EXPECT_LE(part.operation.body.size(), 2'000U);
  const auto merged = merge_batch(batch, apply_parts(h, batch)).value();
  const auto results = list(merged, "results");
  ASSERT_THAT(results, SizeIs(50));
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(text(results[i].find("id")), "j" + std::to_string(i));
  }
  EXPECT_EQ(text(merged, "revision"), std::to_string(batch.parts.size()));
}

TEST(Batch, InvalidItemsStandInTheirPlaces) {
  Harness h;
  const auto batch = h.requests
                         .submit_batch(json::View(
                             R"({"jobs":[{"queue":"q","id":"a"},{"queue":"q","priority":77},
                                         {"queue":"q","id":"b"},{"queu":"q"}]})"))
                         .value();
  const auto merged = merge_batch(batch, apply_parts(h, batch)).value();
  const auto results = list(merged, "results");
  ASSERT_THAT(results, SizeIs(4));
  EXPECT_EQ(text(results[0].find("id")), "a");
  EXPECT_EQ(text(results[1].find("code")), "422");
  EXPECT_EQ(text(results[1].find("reason")), "invalid_job");
  EXPECT_THAT(text(results[1].find("fields")), HasSubstr("jobs[1].priority"));
  EXPECT_EQ(text(results[2].find("id")), "b");
  EXPECT_EQ(text(results[3].find("reason")), "unknown_field");
}

TEST(Batch, AllInvalidProposesNothing) {
  Harness h;
  const auto batch = h.requests.submit_batch(json::View(R"({"jobs":[{},{}]})")).value();
  EXPECT_THAT(batch.parts, IsEmpty());
  EXPECT_THAT(list(merge_batch(batch, {}).value(), "results"), SizeIs(2));
}

TEST(Batch, AFailedPartIsToldPerItem) {
  Harness h;
  const Requests small{h.ids, h.random, {.max_payload_bytes = 1'000, .max_operation_bytes = 600}};
  const auto body = small_jobs(4);
  const auto batch = small.submit_batch(json::View(body)).value();
  ASSERT_THAT(batch.parts, SizeIs(2));
  const Error down{Code::unavailable, "nats_unavailable", "no NATS", {}};
  std::vector<Result<replica::Reply>> replies{replica::Reply{h.must(batch.parts[0].operation), 1},
                                              down};
  const auto merged = merge_batch(batch, replies).value();
  EXPECT_THAT(merged, HasSubstr(R"("code":503,"reason":"nats_unavailable")"));
  replies = {down, down};
  EXPECT_EQ(merge_batch(batch, replies).error().reason, "nats_unavailable");
}

TEST(Batch, AtomicIsAllOrNothing) {
  Harness h;
  const auto invalid = h.requests.submit_batch(
      json::View(R"({"atomic":true,"jobs":[{"queue":"q"},{"queue":"q","priority":77}]})"));
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().reason, "invalid_job");
  EXPECT_EQ(invalid.error().fields[0].field, "jobs[1].priority");
  const Requests small{h.ids, h.random, {.max_payload_bytes = 1'000, .max_operation_bytes = 2'000}};
  const auto body = small_jobs(50, "{\"atomic\":true,\"jobs\":[");
  const auto large = small.submit_batch(json::View(body));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Code::too_large);
  EXPECT_EQ(large.error().reason, "batch_too_large");
  EXPECT_THAT(large.error().details, HasSubstr("2000"));
  const auto good = h.requests.submit_batch(json::View(body)).value();
  ASSERT_THAT(good.parts, SizeIs(1));
  EXPECT_THAT(list(h.must(good.parts[0].operation), "results"), SizeIs(50));
}

TEST(Batch, LimitsAndShapes) {
  Harness h;
  const auto many = small_jobs(kMaxBatchJobs + 1);
  EXPECT_EQ(h.requests.submit_batch(json::View(many)).error().reason, "batch_too_large");
  EXPECT_EQ(h.requests.submit_batch(json::View("{}")).error().reason, "invalid_request");
  EXPECT_EQ(h.requests.submit_batch(json::View(R"({"jobs":{}})")).error().reason, "wrong_type");
  EXPECT_EQ(h.requests.submit_batch(json::View(R"({"jobs":[],"x":1})")).error().reason,
            "unknown_field");
}

TEST(Batch, LinesAreJobs) {
  Harness h;
  const auto batch = h.requests
                         .submit_ndjson(
                             "{\"queue\":\"q\",\"id\":\"a\"}\r\n\n  \n{\"queue\":\n"
                             "{\"queue\":\"q\",\"id\":\"b\"}")
                         .value();
  EXPECT_EQ(batch.size, 3U);
  const auto merged = merge_batch(batch, apply_parts(h, batch)).value();
  const auto results = list(merged, "results");
  EXPECT_EQ(text(results[0].find("id")), "a");
  EXPECT_EQ(text(results[1].find("reason")), "invalid_json");
  EXPECT_EQ(text(results[2].find("id")), "b");
}

}  // namespace
}  // namespace weir::jobs
