#include "tests/integration/nats/link.hpp"
#include "tests/support/certificates.hpp"

namespace weir::nats {
namespace {

class Tls : public OnEveryServer {
 protected:
  void start_tls(const std::string& host, const std::string& more = "") {
    const auto certificate = authority_.issue("server", host);
    start("tls { cert_file: \"" + certificate.file + "\", key_file: \"" + certificate.key_file +
          "\", timeout: 5, " + more + " }");
  }
  ConnectOptions trusting(const std::string& ca_file) const {
    auto out = options();
    out.tls.enabled = true;
    out.tls.ca_file = ca_file;
    return out;
  }

  test::Authority authority_;
};

TEST_P(Tls, TrustsTheAuthorityItIsGiven) {
  start_tls("IP:127.0.0.1");
  const auto connection = connect(trusting(authority_.file()));
  ASSERT_TRUE(connection->wait_connected(20s)) << connection->last_problem();
  EXPECT_TRUE(JetStream(connection).account_info());
}

TEST_P(Tls, AUrlTurnsItOn) {
  start_tls("IP:127.0.0.1");
  auto by_url = options();
  by_url.urls = {"tls://127.0.0.1:" + std::to_string(server_->port())};
  by_url.tls.ca_file = authority_.file();
  const auto connection = connect(by_url);
  EXPECT_TRUE(connection->wait_connected(20s)) << connection->last_problem();
}

TEST_P(Tls, RefusesAnotherAuthority) {
  start_tls("IP:127.0.0.1");
  const test::Authority other("Somebody else");
  const auto connection = connect(trusting(other.file()));
  EXPECT_FALSE(connection->wait_connected(1s));
  EXPECT_THAT(connection->last_problem(), testing::HasSubstr("certificate"));
}

TEST_P(Tls, RefusesAnotherHost) {
  start_tls("DNS:example.com");
  const auto connection = connect(trusting(authority_.file()));
  EXPECT_FALSE(connection->wait_connected(1s));
}

TEST_P(Tls, RefusesAServerWithout) {
  start();
  const auto connection = connect(trusting(authority_.file()));
  EXPECT_FALSE(connection->wait_connected(1s)) << "it must not go on in clear text";
}

TEST_P(Tls, ShowsItsOwnCertificate) {
  start_tls("IP:127.0.0.1", "ca_file: \"" + authority_.file() + "\", verify: true");
  EXPECT_FALSE(connect(trusting(authority_.file()))->wait_connected(1s));
  const auto mine = authority_.issue("client", "DNS:example.com");
  auto with = trusting(authority_.file());
  with.tls.cert_file = mine.file;
  with.tls.key_file = mine.key_file;
  const auto connection = connect(with);
  EXPECT_TRUE(connection->wait_connected(20s)) << connection->last_problem();
}

WEIR_ON_EVERY_SERVER(Tls);

}  // namespace
}  // namespace weir::nats
