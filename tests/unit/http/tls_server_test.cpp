// Files that TLS cannot be served with are refused by name, and never half.
#include "api/http/tls_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificates.hpp"
#include "tests/support/child.hpp"

namespace weir::http {
namespace {

using testing::HasSubstr;

class TlsServerTest : public testing::Test {
 protected:
  std::string written(const std::string& name, const std::string& content) const {
    test::write_file(directory_.file(name), content);
    return directory_.file(name);
  }
  void expect_refused(const TlsFiles& files, const std::string& blamed) const {
    const auto loaded = TlsServer::load(files);
    ASSERT_FALSE(loaded) << blamed;
    EXPECT_EQ(loaded.error().code, Code::invalid);
    EXPECT_EQ(loaded.error().reason, "bad_http_tls");
    EXPECT_THAT(loaded.error().details, HasSubstr(blamed));
  }

  test::TempDir directory_;
  test::Authority authority_;
  test::Authority::Certificate good_ = authority_.issue("server", "IP:127.0.0.1");
};

TEST_F(TlsServerTest, LoadsAndKnowsWhenItEnds) {
  const auto loaded = TlsServer::load({.certificate = good_.file, .key = good_.key_file});
  ASSERT_TRUE(loaded) << describe(loaded.error());
  const auto left = (*loaded)->expires_at() - SystemClock().wall();
  EXPECT_GT(left, std::chrono::hours(47));
  EXPECT_LE(left, std::chrono::hours(48));
}

TEST_F(TlsServerTest, BadFilesAreRefusedByName) {
  const auto missing = directory_.file("missing.pem");
  const auto text = written("text.pem", "not a certificate\n");
  const auto other = authority_.issue("other", "IP:127.0.0.1");
  expect_refused({.certificate = missing, .key = good_.key_file}, missing);
  expect_refused({.certificate = text, .key = good_.key_file}, text);
  expect_refused({.certificate = good_.file, .key = missing}, missing);
  expect_refused({.certificate = good_.file, .key = text}, text);
  expect_refused({.certificate = good_.file, .key = other.key_file}, other.key_file);
  for (const auto& bad : {missing, text}) {
    expect_refused({.certificate = good_.file, .key = good_.key_file, .client_ca = bad}, bad);
  }
}

// Nobody is there to type it.
TEST_F(TlsServerTest, AKeyWithAPassPhraseIsRefused) {
  const auto locked = directory_.file("locked.key");
  const auto made = test::run({.argv = {"openssl", "ec", "-in", good_.key_file, "-aes128",
                                        "-passout", "pass:secret", "-out", locked}});
  ASSERT_EQ(made.code, 0) << made.err;
  expect_refused({.certificate = good_.file, .key = locked}, locked);
}

}  // namespace
}  // namespace weir::http
