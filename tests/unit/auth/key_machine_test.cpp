#include "pkg/auth/key_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "pkg/auth/key_text.hpp"
#include "pkg/crypto/crypto.hpp"
#include "pkg/json/writer.hpp"

namespace weir::auth {
namespace {

using testing::HasSubstr;
using testing::Not;

class NoOutbound final : public replica::Outbound {
 public:
  void deliver(std::string_view, std::string_view, std::string) override {}
  void touch(std::string_view) override {}
  bool anyone_watches() const override { return false; }
};

class KeyMachineTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(db_->migrate("keys", machine_.migrations()));
    reopen(machine_);
  }

  void reopen(KeyMachine& machine) {
    ASSERT_TRUE(db_->read([&]() -> Result<void> {
      machine.open(*db_);
      return {};
    }));
  }

  Result<std::string> apply(const std::string& name, const std::string& body) {
    Result<std::string> answer(std::string{});
    const auto done = db_->transaction([&]() -> Result<void> {
      const std::function<void(replica::Effect)> no_effects = [](replica::Effect) {};
      replica::ApplyContext context{*db_, ++revision_, now_, true, outbound_, no_effects};
      const replica::Operation operation{name, body};
      answer = machine_.apply(operation, json::View(operation.body), context);
      return {};
    });
    EXPECT_TRUE(done);
    machine_.after_commit();
    return answer;
  }

  NewKey create(const std::string& scopes, const std::string& extra = "") {
    const NewKey key = make_key(random_);
    EXPECT_TRUE(apply("keys.create", "{\"id\":\"" + key.id + "\",\"hash\":\"" + key.hash +
                                         "\",\"name\":\"n\",\"scopes\":" + scopes + extra + "}"));
    return key;
  }

  Result<std::string> bootstrap(const NewKey& key, bool given) {
    return apply("keys.bootstrap", "{\"id\":\"" + key.id + "\",\"hash\":\"" + key.hash +
                                       "\",\"given\":" + (given ? "true" : "false") + "}");
  }

  std::string reason_of(const std::string& text) {
    const auto found = machine_.authenticate(text, now_);
    return found ? "" : found.error().reason;
  }

  SeededRandom random_{7};
  Timestamp now_ = from_unix_ms(1'700'000'000'000);
  std::unique_ptr<sqlite::Database> db_ = *sqlite::Database::open({.path = ":memory:"});
  KeyMachine machine_;
  NoOutbound outbound_;
  replica::Revision revision_ = 0;
};

TEST_F(KeyMachineTest, AKeyAuthenticatesWithItsScopesAndQueues) {
  const auto key = create(R"(["jobs:work"])", R"(,"queues":["emails.*"])");
  EXPECT_THAT(key.text, testing::MatchesRegex("weir_[0-9a-f]{12}_[0-9a-f]{64}"));
  const auto principal = machine_.authenticate(key.text, now_);
  ASSERT_TRUE(principal);
  EXPECT_EQ((*principal)->key_id, key.id);
  EXPECT_TRUE((*principal)->scopes.allows(Scope::jobs_work));
  EXPECT_FALSE((*principal)->scopes.allows(Scope::jobs_read));
  EXPECT_FALSE((*principal)->allows_queue("sms"));
}

TEST_F(KeyMachineTest, RefusesWhatIsNotAKey) {
  const auto key = create(R"(["admin"])");
  std::string wrong = key.text;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const std::string cases[] = {"",        wrong,
                               "weir_",   key.text + "0",
                               key.hash,  make_key(random_).text,
                               "weir__x", std::string(100'000, 'a'),
                               "\xff\xfe"};
  for (const auto& text : cases) EXPECT_EQ(reason_of(text), "bad_api_key") << text.substr(0, 80);
}

TEST_F(KeyMachineTest, ExpiresAtTheGivenTime) {
  const auto key = create(R"(["admin"])", R"(,"expires_at_ms":1700000001000)");
  EXPECT_EQ(reason_of(key.text), "");
  now_ += Millis{1000};
  EXPECT_EQ(reason_of(key.text), "expired_api_key");
}

TEST_F(KeyMachineTest, RevokedKeysStopAndStayListed) {
  create(R"(["admin"])");
  const auto key = create(R"(["jobs:read"])");
  ASSERT_TRUE(apply("keys.revoke", "{\"id\":\"" + key.id + "\"}"));
  EXPECT_EQ(reason_of(key.text), "bad_api_key");
  EXPECT_THAT(machine_.list_json(), HasSubstr("\"revoked_at\":\"2023-11-14T22:13:20.000Z\""));
  EXPECT_TRUE(apply("keys.revoke", "{\"id\":\"" + key.id + "\"}"));
  EXPECT_EQ(apply("keys.rotate", "{\"id\":\"" + key.id + "\",\"hash\":\"00\"}").error().reason,
            "key_revoked");
}

TEST_F(KeyMachineTest, TheLastAdminKeyCannotBeRevoked) {
  const auto first = create(R"(["admin"])");
  const auto revoke_first = "{\"id\":\"" + first.id + "\"}";
  EXPECT_EQ(apply("keys.revoke", revoke_first).error().reason, "last_admin_key");
  create(R"(["admin"])");
  EXPECT_TRUE(apply("keys.revoke", revoke_first));
}

TEST_F(KeyMachineTest, RotationReplacesTheSecretAtOnce) {
  const auto key = create(R"(["jobs:read"])");
  const auto fresh = make_secret(random_, key.id);
  ASSERT_TRUE(apply("keys.rotate", "{\"id\":\"" + key.id + "\",\"hash\":\"" + fresh.hash + "\"}"));
  EXPECT_EQ(reason_of(key.text), "bad_api_key");
  EXPECT_EQ(reason_of(fresh.text), "");
}

TEST_F(KeyMachineTest, NeverShowsSecretOrHash) {
  const auto key = create(R"(["admin"])");
  for (const auto& text : {machine_.list_json(), *machine_.find_json(key.id)}) {
    EXPECT_THAT(text, Not(HasSubstr(key.hash)));
    EXPECT_THAT(text, Not(HasSubstr(key.text.substr(18))));
  }
}

TEST_F(KeyMachineTest, UnknownKeysAndOperations) {
  for (const char* name : {"keys.revoke", "keys.rotate"}) {
    EXPECT_EQ(apply(name, R"({"id":"none","hash":""})").error().reason, "key_not_found");
  }
  EXPECT_EQ(apply("keys.dance", "{}").error().reason, "unknown_operation");
}

TEST_F(KeyMachineTest, ARepeatedCreateAnswersTheSame) {
  const auto key = create(R"(["admin"])");
  create(R"(["admin"])");
  const auto body = "{\"id\":\"" + key.id + "\",\"hash\":\"" + key.hash +
                    "\",\"name\":\"n\",\"scopes\":[\"admin\"]}";
  EXPECT_TRUE(apply("keys.create", body));
  const auto other = "{\"id\":\"" + key.id + "\",\"hash\":\"ff\",\"name\":\"n\",\"scopes\":[]}";
  EXPECT_EQ(apply("keys.create", other).error().reason, "key_exists");
}

TEST_F(KeyMachineTest, BootstrapMakesOneAdminKey) {
  const auto key = make_key(random_);
  EXPECT_EQ(*bootstrap(key, false), R"({"created":true})");
  EXPECT_EQ(*bootstrap(key, false), R"({"created":true})");  // the same publish, retried
  EXPECT_EQ(*bootstrap(make_key(random_), false), R"({"created":false})");
  EXPECT_TRUE((*machine_.authenticate(key.text, now_))->scopes.allows(Scope::admin));
  EXPECT_EQ(machine_.live_keys(now_), 1U);
}

TEST_F(KeyMachineTest, AGivenKeyReplacesTheFormerGivenKeyOnly) {
  const auto made = make_key(random_);
  ASSERT_TRUE(bootstrap(made, false));
  const auto first = *adopt_key("a-key-the-operator-chose");
  const auto second = *adopt_key("another-key-the-operator-chose");
  EXPECT_EQ(*bootstrap(first, true), R"({"created":true})");
  EXPECT_EQ(*bootstrap(first, true), R"({"created":false})");
  EXPECT_EQ(reason_of(first.text), "");
  EXPECT_EQ(*bootstrap(second, true), R"({"created":true})");
  EXPECT_EQ(reason_of(first.text), "bad_api_key");
  EXPECT_EQ(reason_of(second.text), "");
  EXPECT_EQ(reason_of(made.text), "");
  EXPECT_EQ(*bootstrap(first, true), R"({"created":true})");  // given again: it works again
  EXPECT_EQ(reason_of(first.text), "");
}

TEST_F(KeyMachineTest, WeakGivenKeysAreRefused) {
  for (const auto& text :
       {std::string("short"), std::string("has spaces in the middle of it"), std::string(300, 'a'),
        std::string("nul\0nul\0nul\0nul\0nul\0nul", 23)}) {
    const auto adopted = adopt_key(text);
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error().reason, "weak_api_key");
  }
}

TEST_F(KeyMachineTest, AReopenedMachineKnowsTheSame) {
  const auto key = create(R"(["jobs:read","jobs:write"])", R"(,"queues":["a.*"])");
  const auto bounded = create(R"(["jobs:write"])", R"(,"max_waiting":12)");
  KeyMachine other;
  reopen(other);
  EXPECT_EQ(other.list_json(), machine_.list_json());
  EXPECT_THAT(other.list_json(), HasSubstr(R"("max_waiting":12)"));
  ASSERT_TRUE(other.authenticate(key.text, now_));
  EXPECT_EQ((*other.authenticate(key.text, now_))->max_waiting, std::nullopt);
  EXPECT_EQ((*other.authenticate(bounded.text, now_))->max_waiting, 12);
}

TEST_F(KeyMachineTest, LongRevokedKeysAreForgotten) {
  create(R"(["admin"])");
  const auto key = create(R"(["jobs:read"])");
  ASSERT_TRUE(apply("keys.revoke", "{\"id\":\"" + key.id + "\"}"));
  now_ += std::chrono::hours(24 * 91);
  create(R"(["jobs:read"])");
  EXPECT_EQ(machine_.find_json(key.id), std::nullopt);
}

TEST_F(KeyMachineTest, AuthenticatesWhileKeysChange) {
  const auto key = create(R"(["admin"])");
  std::atomic<bool> stop{false};
  std::jthread reader([&] {
    while (!stop) EXPECT_TRUE(machine_.authenticate(key.text, from_unix_ms(1)));
  });
  for (int i = 0; i < 50; ++i) create(R"(["jobs:read"])");
  stop = true;
}

}  // namespace
}  // namespace weir::auth
