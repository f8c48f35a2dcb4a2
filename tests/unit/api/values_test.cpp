// The stored form of values: what goes in comes out, and nothing else opens.
#include <gtest/gtest.h>

#include "api/values/value_reader.hpp"
#include "api/values/value_writer.hpp"
#include "jobs/stored_form.hpp"
#include "jobs/token.hpp"
#include "pkg/base/base64.hpp"
#include "pkg/json/view.hpp"

namespace weir::api {
namespace {

constexpr std::string_view kSecret = "blue heron";

PayloadKeys keys_of(const std::string& ids) {
  std::string text;
  for (const char id : ids) {
    text += std::string(1, id) + ":" + base64_encode(std::string(32, id)) + "\n";
  }
  return PayloadKeys(*crypto::KeyRing::parse(text));
}

bool leaks(std::string_view text) {
  return text.find(kSecret) != std::string_view::npos;
}

class Values : public testing::Test {
 protected:
  std::string written(Takes takes, std::string_view body, std::string_view in_path = "") {
    return *ValueWriter(sealer_, ids_, {takes, in_path, 100}).write(json::View(body));
  }
  Result<std::string> read(std::string_view json) { return ValueReader(sealer_).read(json); }

  SystemClock clock_;
  SystemRandom random_;
  UuidGenerator ids_{clock_, random_};
  PayloadKeys none_;
  PayloadKeys keys_ = keys_of("a");
  ValueSealer plain_{none_, 0};
  ValueSealer sealer_{keys_, 0};
};

TEST_F(Values, EveryPlaceOfAValueIsSealed) {
  const struct {
    std::string name;
    Takes takes;
    std::string body;
  } cases[]{
      {"job", Takes::jobs, R"({"queue":"q","payload":{"s":"blue heron"}})"},
      {"escaped name", Takes::jobs, R"({"queue":"q","pay\u006coad":"blue heron"})"},
      {"twice", Takes::jobs, R"({"queue":"q","payload":"blue heron","payload":"blue heron"})"},
      {"batch", Takes::jobs, R"({"jobs":[{"queue":"q"},{"queue":"q","payload":"blue heron"}]})"},
      {"callbacks", Takes::jobs,
       R"({"on_success":{"queue":"q","payload":"blue heron"},)"
       R"("on_complete":{"payload":"blue heron"}})"},
      {"no queue", Takes::jobs, R"({"payload":"blue heron"})"},
      {"bad id", Takes::jobs, R"({"id":7,"queue":"q","payload":"blue heron"})"},
      {"schedule", Takes::templates, R"({"job":{"queue":"q","payload":"blue heron"}})"},
      {"edit", Takes::edit, R"({"priority":3,"payload":"blue heron"})"},
      {"complete", Takes::reports, R"({"result":"blue heron"})"},
      {"heartbeat", Takes::reports, R"({"checkpoint":["blue heron"]})"},
      {"work", Takes::reports,
       R"({"complete":[{"lease":"1.1.1","result":"blue heron"}],"heartbeat":[{"lease":"no",)"
       R"("checkpoint":"blue heron"}],"lease":{"queues":["q"]}})"}};
  for (const auto& one : cases) {
    const auto text = written(one.takes, one.body, "1.1.1");
    EXPECT_FALSE(leaks(text)) << one.name << ": " << text;
    EXPECT_TRUE(json::check(text)) << one.name << ": " << text;
    EXPECT_TRUE(mentions_stored_form(text)) << one.name;
  }
}

TEST_F(Values, WhatIsNoValueStaysAsItCame) {
  const std::string body =
      R"({"queue":"q","id":"j","metadata":{"payload":"blue heron"},"tags":["x"],"delay_ms":5})";
  EXPECT_EQ(written(Takes::jobs, body), body);
  const std::string lines = "{\"queue\":\"q\"}\n\nnot json\n{\"queue\":\"r\"}";
  EXPECT_EQ(*ValueWriter(sealer_, ids_, {Takes::jobs, "", 100}).write_lines(lines), lines);
}

TEST_F(Values, WhatIsTooLongIsLeftToBeRefused) {
  const auto padding = std::string(100, 'x');
  const std::string plain = R"({"id":"j","payload":")" + padding + "\"}";
  EXPECT_EQ(written(Takes::jobs, plain), plain);
  const auto forged = written(Takes::jobs, R"({"id":"j","payload":{"$weir":")" + padding + "\"}}");
  EXPECT_FALSE(jobs::is_stored_form(json::View(forged).find("payload").raw())) << forged;
}

TEST_F(Values, AJobWithAPayloadIsGivenItsIdHere) {
  const auto text = written(Takes::jobs, R"({"queue":"q","payload":1})");
  const auto id = json::View(text).find("id").as_string();
  ASSERT_TRUE(id);
  EXPECT_EQ(id->size(), 36U);
  EXPECT_EQ(*read(text), R"({"id":")" + *id + R"(","queue":"q","payload":1})");
}

TEST_F(Values, ComesBackInEveryAnswer) {
  const jobs::Token token{.row = 41, .fence = 2, .nonce = 99};
  const auto lease = jobs::format_token(token);
  const auto value = [&](const char* field, ValueOwner owner) {
    return sealer_.seal("\"blue heron\"", field, owner);
  };
  const auto payload = value("payload", {ValueOwner::Kind::job, "j1"});
  const auto moved = value("payload", {ValueOwner::Kind::queue, "q"});
  const auto result = value("result", {ValueOwner::Kind::row, "41"});
  const auto checkpoint = value("checkpoint", {ValueOwner::Kind::row, "41"});
  const struct {
    std::string stored, shown;
  } cases[]{
      {R"({"id":"j1","queue":"q","payload":)" + payload + R"(,"$row":41,"result":)" + result + "}",
       R"({"id":"j1","queue":"q","payload":"blue heron","result":"blue heron"})"},
      {R"({"id":"other","queue":"q","payload":)" + moved + "}",
       R"({"id":"other","queue":"q","payload":"blue heron"})"},
      {R"({"job":{"queue":"q","payload":)" + moved + "}}",
       R"({"job":{"queue":"q","payload":"blue heron"}})"},
      {R"({"jobs":[{"id":"j1","lease":")" + lease + R"(","checkpoint":)" + checkpoint +
           R"(,"parents":{"payload":{"status":"completed","$row":41,"result":)" + result + "}}}]}",
       R"({"jobs":[{"id":"j1","lease":")" + lease + R"(","checkpoint":"blue heron",)" +
           R"("parents":{"payload":{"status":"completed","result":"blue heron"}}}]})"}};
  for (const auto& [stored, shown] : cases) {
    const auto text = read(stored);
    ASSERT_TRUE(text) << describe(text.error()) << stored;
    EXPECT_EQ(*text, shown);
  }
}

TEST_F(Values, DoesNotOpenElsewhere) {
  const ValueOwner owner{ValueOwner::Kind::job, "j1"};
  const auto stored = sealer_.seal("1", "payload", owner);
  EXPECT_EQ(*sealer_.open(stored, "payload", {.job = "j1", .queue = {}, .row = {}}), "1");
  const ValueSealer other_shard(keys_, 1);
  const PayloadKeys same_id(*crypto::KeyRing::parse("a:" + base64_encode(std::string(32, 'b'))));
  const ValueSealer other_key(same_id, 0);
  auto as_queue = stored;
  as_queue.replace(as_queue.find(R"("f":"j")"), 7, R"("f":"q")");
  const struct {
    std::string name;
    const ValueSealer& sealer;
    std::string stored, field;
    KnownOwners owners;
  } cases[]{
      {"another job", sealer_, stored, "payload", {"j2", "", ""}},
      {"another field", sealer_, stored, "result", {"j1", "", ""}},
      {"another kind", sealer_, as_queue, "payload", {"j1", "j1", "j1"}},
      {"another shard", other_shard, stored, "payload", {"j1", "", ""}},
      {"another key of this id", other_key, stored, "payload", {"j1", "", ""}},
      {"cut", sealer_, R"({"$weir":{"k":"a","f":"j","c":"AAAA"}})", "payload", {"j1", "", ""}},
      {"no base64", sealer_, R"({"$weir":{"k":"a","f":"j","c":"!"}})", "payload", {"j1", "", ""}},
      {"no members", sealer_, R"({"$weir":{}})", "payload", {"j1", "", ""}},
      {"no object", sealer_, R"({"$weir":1})", "payload", {"j1", "", ""}}};
  for (const auto& one : cases) {
    const auto value = one.sealer.open(one.stored, one.field, one.owners);
    ASSERT_FALSE(value) << one.name;
    EXPECT_EQ(value.error().reason, "payload_damaged") << one.name;
  }
  const auto missing = plain_.open(stored, "payload", {.job = "j1", .queue = {}, .row = {}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "payload_key_missing");
  EXPECT_EQ(missing.error().code, Code::unavailable);
}

TEST_F(Values, AClientCannotForgeAStoredForm) {
  const std::string forged = R"({"$weir":{"k":"a","f":"j","c":"AAAA"}})";
  for (const auto* sealer : {&plain_, &sealer_}) {
    const auto stored = sealer->seal(forged, "payload", {ValueOwner::Kind::job, "j"});
    EXPECT_NE(stored, forged);
    EXPECT_TRUE(jobs::is_stored_form(stored));
    EXPECT_EQ(*sealer->open(stored, "payload", {.job = "j", .queue = {}, .row = {}}), forged);
  }
  // Inside a value nothing is a form, and neither is what begins otherwise.
  const std::string inside =
      R"({"id":"j","metadata":)" + forged + R"(,"payload":[)" + forged + "]}";
  EXPECT_EQ(*read(inside), inside);
  const std::string other = R"({ "$weir":{"raw":1}})";
  EXPECT_EQ(plain_.seal(other, "payload", {}), other);
  EXPECT_EQ(*plain_.open(other, "payload", {}), other);
}

TEST_F(Values, OlderKeysOpenAndTheFirstSeals) {
  const ValueOwner owner{ValueOwner::Kind::row, "7"};
  const auto old = sealer_.seal("1", "result", owner);
  const auto both = keys_of("ba");
  const ValueSealer rotated(both, 0);
  EXPECT_EQ(*rotated.open(old, "result", {.job = {}, .queue = {}, .row = "7"}), "1");
  EXPECT_NE(rotated.seal("1", "result", owner).find(R"("k":"b")"), std::string::npos);
  // So does a digest made with the key from before.
  const auto before = sealer_.digest("text").digest;
  const auto after = rotated.digest("text");
  EXPECT_NE(after.digest, before);
  EXPECT_EQ(after.others, std::vector<std::string>{before});
  EXPECT_NE(plain_.digest("text").digest, before);
}

TEST_F(Values, LeasedJobsThatCannotBeReadAreLeftOut) {
  const auto good = sealer_.seal("1", "payload", {ValueOwner::Kind::job, "j1"});
  const auto job = [&](const std::string& id, const std::string& lease) {
    return R"({"id":")" + id + R"(","queue":"q","lease":")" + lease + R"(","payload":)" + good +
           "}";
  };
  const auto leased =
      ValueReader(sealer_).read_leased(R"({"complete":[{"ok":true}],"jobs":[)" +
                                       job("j2", "1.1.1") + "," + job("j1", "2.1.1") + "]}");
  EXPECT_EQ(
      leased.json,
      R"({"complete":[{"ok":true}],"jobs":[{"id":"j1","queue":"q","lease":"2.1.1","payload":1}]})");
  EXPECT_EQ(leased.jobs, 1U);
  EXPECT_EQ(leased.failed, std::vector<std::string>{"1.1.1"});
  ASSERT_TRUE(leased.error);
  EXPECT_EQ(leased.error->reason, "payload_damaged");
}

}  // namespace
}  // namespace weir::api
