// TLS of the front: who is let in, with which certificate, and what a bad client costs. The other
// tests of this folder run over TLS as well.
#include <filesystem>

#include "api/http/websocket.hpp"
#include "tests/integration/http/front_fixture.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/web_socket.hpp"

namespace weir::http {
namespace {

class FrontTlsTest : public FrontTest {
 protected:
  void SetUp() override {
    FrontTest::SetUp();
    files_ = {.certificate = directory_.file("server.pem"), .key = directory_.file("server.key")};
    install("server");
  }
  // Makes a certificate of this name the one that the server is configured with.
  void install(const std::string& name) {
    const auto made = authority().issue(name, "IP:127.0.0.1");
    std::filesystem::rename(made.file, files_.certificate);
    std::filesystem::rename(made.key_file, files_.key);
  }
  void start_tls() {
    auto loaded = TlsServer::load(files_);
    ASSERT_TRUE(loaded) << describe(loaded.error());
    tls_ = *loaded;
    options_.tls = tls_;
    start();
  }
  TlsClientOptions believer() const { return {.authority = authority().file()}; }
  std::string ask_as(const TlsClientOptions& options) const {
    RawClient client(front_->port(), options);
    client.send(get("/inline"));
    return client.read_answer();
  }

  test::TempDir directory_;
  TlsFiles files_;
  std::shared_ptr<TlsServer> tls_;
};

TEST_F(FrontTlsTest, AnswersAClientThatBelievesItsAuthority) {
  start_tls();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto options = believer();
    options.version = version;
    EXPECT_EQ(status_of(ask_as(options)), 200) << version;
  }
  const test::Authority stranger;
  RawClient sceptic(front_->port(), {.authority = stranger.file()});
  EXPECT_FALSE(sceptic.connected());
}

TEST_F(FrontTlsTest, RefusesVersionsThatAreBroken) {
  start_tls();
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    auto options = believer();
    options.version = version;
    EXPECT_FALSE(RawClient(front_->port(), options).connected()) << version;
  }
  EXPECT_EQ(status_of(ask_as(believer())), 200);
}

TEST_F(FrontTlsTest, TellsAPlainClientWhatToDo) {
  start_tls();
  auto client = RawClient::plain(front_->port());
  client.send(get("/inline"));
  const auto answer = client.read_answer();
  EXPECT_EQ(status_of(answer), 400);
  EXPECT_NE(answer.find("tls_required"), std::string::npos) << answer;
  EXPECT_TRUE(client.ended());
}

TEST_F(FrontTlsTest, CutsGarbageAndSilence) {
  options_.request_deadline = Millis{300};
  start_tls();
  auto garbage = RawClient::plain(front_->port());
  garbage.send("\x16\x03\x01 nonsense that is no hello, and goes on for a while");
  EXPECT_TRUE(garbage.ended());
  auto silent = RawClient::plain(front_->port());
  EXPECT_TRUE(silent.ended());
  auto half = RawClient::plain(front_->port());
  half.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(half.ended());
  EXPECT_TRUE(test::wait_until([&] { return front_->stats().active == 0; }));
}

TEST_F(FrontTlsTest, StoppingDoesNotWaitForAHandshake) {
  start_tls();
  auto silent = RawClient::plain(front_->port());
  ASSERT_TRUE(test::wait_until([&] { return front_->stats().active == 1; }));
  const auto began = std::chrono::steady_clock::now();
  front_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - began, options_.drain_timeout);
  EXPECT_TRUE(silent.ended());
}

TEST_F(FrontTlsTest, AsksClientsForACertificateWhenToldTo) {
  const test::Authority clients("authority of clients");
  const test::Authority strangers("authority of strangers");
  files_.client_ca = clients.file();
  start_tls();
  const auto as = [&](const test::Authority& issuer) {
    const auto shown = issuer.issue("client", "DNS:client.example.com");
    auto options = believer();
    options.certificate = shown.file;
    options.key = shown.key_file;
    return ask_as(options);
  };
  EXPECT_EQ(status_of(as(clients)), 200);
  EXPECT_EQ(as(strangers), "");
  EXPECT_EQ(as(authority()), "") << "the server's own authority does not count";
  EXPECT_EQ(ask_as(believer()), "");
}

TEST_F(FrontTlsTest, TakesANewCertificateWithoutARestart) {
  start_tls();
  RawClient old(front_->port(), believer());
  EXPECT_EQ(old.server_name(), "server");
  const auto unchanged = tls_->reload_if_changed();
  ASSERT_TRUE(unchanged);
  EXPECT_FALSE(*unchanged);
  install("renewed");
  const auto changed = tls_->reload_if_changed();
  ASSERT_TRUE(changed) << describe(changed.error());
  EXPECT_TRUE(*changed);
  EXPECT_EQ(RawClient(front_->port(), believer()).server_name(), "renewed");
  old.send(get("/inline"));
  EXPECT_EQ(status_of(old.read_answer()), 200) << "an open connection goes on";
}

TEST_F(FrontTlsTest, KeepsItsCertificateWhenTheNewOneIsBad) {
  start_tls();
  const auto other = authority().issue("other", "IP:127.0.0.1");
  std::filesystem::rename(other.file, files_.certificate);
  const auto mismatched = tls_->reload_if_changed();
  ASSERT_FALSE(mismatched);
  EXPECT_EQ(mismatched.error().reason, "bad_http_tls");
  EXPECT_EQ(RawClient(front_->port(), believer()).server_name(), "server");
  const auto again = tls_->reload_if_changed();
  EXPECT_TRUE(again && !*again) << "told once, not at every look";
  std::filesystem::rename(other.key_file, files_.key);
  const auto whole = tls_->reload_if_changed();
  EXPECT_TRUE(whole && *whole);
  EXPECT_EQ(RawClient(front_->port(), believer()).server_name(), "other");
}

TEST_F(FrontTlsTest, CarriesWebSockets) {
  more_routes_.push_back(
      {.method = "GET",
       .pattern = "/ws",
       .lane = Lane::inline_,
       .max_body_bytes = 0,
       .upgrade = true,
       .handler = [](auto, const Responder& responder) {
         WebSocket::open(responder, {.on_message = [](const WebSocket& socket, std::string text) {
                           socket.send("heard " + text);
                         }});
       }});
  start_tls();
  RawClient client(front_->port(), believer());
  client.send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_EQ(status_of(client.read_answer(true)), 101);
  // Large enough for many records of TLS, both ways.
  const std::string text(100'000, 'x');
  client.send(test::WebSocketFrame{.payload = text}.bytes());
  const std::string answer =
      test::WebSocketFrame{.payload = "heard " + text, .masked = false}.bytes();
  std::string heard;
  while (heard.size() < answer.size()) {
    const auto more = client.read_some();
    ASSERT_FALSE(more.empty());
    heard += more;
  }
  EXPECT_EQ(heard, answer);
  front_->stop();
  EXPECT_TRUE(client.ended());
}

TEST_F(FrontTlsTest, ALongAnswerArrivesWhole) {
  more_routes_.push_back({.method = "GET",
                          .pattern = "/long",
                          .lane = Lane::inline_,
                          .handler = [](auto, const Responder& responder) {
                            responder.send({.body = std::string(2'000'000, 'x')});
                          }});
  start_tls();
  RawClient client(front_->port(), believer());
  client.send(get("/long") + get("/inline"));
  EXPECT_GT(client.read_answer().size(), 2'000'000U);
  EXPECT_EQ(status_of(client.read_answer()), 200);
}

}  // namespace
}  // namespace weir::http
