// How a connection says who it is, and what it tells when that is not believed.
#include "tests/integration/nats/link.hpp"
#include "tests/support/nkey.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::nats {
namespace {

using testing::HasSubstr;
using testing::Not;

class Credentials : public OnEveryServer {
 protected:
  // Accepted as `good`; refused as `bad`, without a word of `secret` in what is told.
  void expect(const ConnectOptions& good, const ConnectOptions& bad, const std::string& secret) {
    const auto in = connect(good);
    EXPECT_TRUE(in->wait_connected(20s)) << in->last_problem();
    EXPECT_TRUE(in->last_problem().empty());
    const auto out = connect(bad);
    EXPECT_FALSE(out->wait_connected(1s));
    EXPECT_THAT(out->last_problem(), HasSubstr("uthorization")) << "says what is wrong";
    EXPECT_THAT(out->last_problem() + out->url(), Not(HasSubstr(secret)));
    const auto published = out->publish("x", "", "x");
    ASSERT_FALSE(published);
    EXPECT_EQ(published.error().reason, "nats_unavailable");
    EXPECT_THAT(published.error().details, HasSubstr("uthorization"));
    EXPECT_THAT(describe(published.error()), Not(HasSubstr(secret)));
  }
};

TEST_P(Credentials, UserAndPassword) {
  start("authorization { user: weir, password: \"correct horse\" }");
  auto good = options();
  good.user = "weir";
  good.password = "correct horse";
  auto bad = good;
  bad.password = "battery staple";
  expect(good, bad, "battery staple");
}

TEST_P(Credentials, UserAndPasswordOfTheUrl) {
  start("authorization { user: weir, password: correct }");
  auto good = options();
  good.urls = {"nats://weir:correct@127.0.0.1:" + std::to_string(server_->port())};
  auto bad = options();
  bad.urls = {"nats://weir:staple@127.0.0.1:" + std::to_string(server_->port())};
  expect(good, bad, "staple");
  const auto connection = connect(good);
  ASSERT_TRUE(connection->wait_connected(20s));
  EXPECT_EQ(connection->url(), server_->url()) << "without the password";
}

TEST_P(Credentials, Token) {
  start("authorization { token: \"t0ken-of-ours\" }");
  auto good = options();
  good.token = "t0ken-of-ours";
  auto bad = options();
  bad.token = "an0ther";
  expect(good, bad, "an0ther");
}

TEST_P(Credentials, Nkey) {
  const auto ours = test::make_user_nkey();
  const auto others = test::make_user_nkey();
  start("authorization { users: [ { nkey: " + ours.public_key + " } ] }");
  const test::TempDir directory;
  test::write_file(directory.file("ours.nk"), ours.seed);
  test::write_file(directory.file("others.nk"), others.seed);
  auto good = options();
  good.nkey_public = ours.public_key;
  good.nkey_seed_file = directory.file("ours.nk");
  auto bad = options();
  bad.nkey_public = others.public_key;
  bad.nkey_seed_file = directory.file("others.nk");
  expect(good, bad, others.seed);
}

// Operator mode: accounts and users are signed JWTs.
TEST_P(Credentials, CredsFile) {
  const auto ours = test::make_operator_mode();
  const auto others = test::make_operator_mode();
  start(ours.server_config);
  const test::TempDir directory;
  test::write_file(directory.file("ours.creds"), ours.creds);
  test::write_file(directory.file("others.creds"), others.creds);
  auto good = options();
  good.creds_file = directory.file("ours.creds");
  auto bad = options();
  bad.creds_file = directory.file("others.creds");
  expect(good, bad, others.seed);
  const auto connection = connect(good);
  ASSERT_TRUE(connection->wait_connected(20s));
  EXPECT_TRUE(JetStream(connection).ensure_stream({.name = "S", .subjects = {"s"}}));
}

// Rights that are too small: nothing hangs, and the log names the subject.
TEST_P(Credentials, AStreamThatMayNotBeUsed) {
  start(
      "authorization { users: [ { user: weir, password: p, permissions: "
      "{ publish: [\"$JS.API.STREAM.INFO.S\"], subscribe: [\"_INBOX_weir.>\"] } } ] }");
  auto mine = options();
  mine.user = "weir";
  mine.password = "p";
  const auto connection = connect(mine);
  ASSERT_TRUE(connection->wait_connected(20s));
  testing::internal::CaptureStderr();
  const JetStream jetstream(connection, 500ms);
  const auto made = jetstream.ensure_stream({.name = "S", .subjects = {"s"}});
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().code == Code::deadline_exceeded ||
              made.error().code == Code::unavailable)
      << describe(made.error());
  const auto logged = testing::internal::GetCapturedStderr();
  EXPECT_THAT(logged, HasSubstr("nats_not_permitted"));
  EXPECT_THAT(logged, HasSubstr("$JS.API.STREAM.CREATE.S"));
}

TEST(CredentialFiles, ThatCannotBeReadAreRefusedAtOnce) {
  ConnectOptions options;
  options.urls = {"nats://127.0.0.1:1"};
  options.creds_file = "/nowhere/weir.creds";
  const auto no_creds = Connection::open(options);
  ASSERT_FALSE(no_creds);
  EXPECT_EQ(no_creds.error().reason, "nats_options");
  EXPECT_THAT(describe(no_creds.error()), HasSubstr("/nowhere/weir.creds"));
  options.creds_file.clear();
  options.nkey_public = test::make_user_nkey().public_key;
  options.nkey_seed_file = "/nowhere/weir.nk";
  const auto no_seed = Connection::open(options);
  ASSERT_FALSE(no_seed);
  EXPECT_EQ(no_seed.error().reason, "nats_options");
}

WEIR_ON_EVERY_SERVER(Credentials);

}  // namespace
}  // namespace weir::nats
