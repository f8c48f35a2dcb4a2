#include "cmd/weir/cli/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/cli/fake_server.hpp"

namespace weir::cli {
namespace {

using testing::HasSubstr;

std::unique_ptr<Client> client_of(const std::string& url, Millis retry_for = Millis{10'000}) {
  auto client = Client::make({.server = url,
                              .key = "k",
                              .timeout = Millis{5'000},
                              .retry_for = retry_for,
                              .first_backoff = Millis{1}});
  EXPECT_TRUE(client);
  return std::move(*client);
}

TEST(Client, SendsTheKeyAndTheBody) {
  FakeServer server([](const Asked&) { return Reply{201, R"({"id":"x"})"}; });
  const auto answer =
      client_of(server.url())->call({.method = "POST", .path = "/v1/jobs?a=b", .body = "{}"});
  ASSERT_TRUE(answer) << describe(answer.error());
  EXPECT_EQ(answer->status, 201);
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].authorization, "Bearer k");
  EXPECT_EQ(asked[0].path, "/v1/jobs?a=b");
  EXPECT_EQ(asked[0].body, "{}");
}

TEST(Client, RetriesWhatIsRefused) {
  std::atomic<int> calls{0};
  FakeServer server([&](const Asked&) {
    if (++calls < 4) return Reply{calls == 2 ? 429 : 503, "{}"};
    return Reply{};
  });
  const auto answer =
      client_of(server.url())->call({.method = "POST", .path = "/x", .repeat = Repeat::never});
  EXPECT_TRUE(answer);
  EXPECT_EQ(calls, 4);
}

TEST(Client, GoesOnAtTheNextServer) {
  std::atomic<int> refused{0};
  FakeServer away([&](const Asked&) {
    ++refused;
    return Reply{503, "{}", {{"Retry-After", "60"}}};
  });
  FakeServer there([](const Asked&) { return Reply{}; });
  const auto client = client_of(away.url() + ",http://127.0.0.1:1," + there.url() + "/");
  const Call call{.method = "POST", .path = "/x", .repeat = Repeat::never};
  EXPECT_TRUE(client->call(call)) << "the others are asked without a pause";
  EXPECT_EQ(client->server(), there.url());
  EXPECT_TRUE(client->call(call));
  EXPECT_EQ(refused, 1) << "it stays where it was answered";
}

TEST(Client, PausesWhenNoServerIsThere) {
  std::atomic<int> calls{0};
  const auto refuse = [&](const Asked&) { return ++calls > 2 ? Reply{} : Reply{503, "{}"}; };
  FakeServer one(refuse);
  FakeServer two(refuse);
  const auto client = Client::make({.server = one.url() + "," + two.url(),
                                    .retry_for = Millis{10'000},
                                    .first_backoff = Millis{100}});
  ASSERT_TRUE(client);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE((*client)->call({.path = "/x"}));
  EXPECT_GE(std::chrono::steady_clock::now() - start, Millis{100});
  EXPECT_EQ(calls, 3);
}

TEST(Client, HonoursRetryAfter) {
  std::atomic<int> calls{0};
  FakeServer server([&](const Asked&) {
    return ++calls == 1 ? Reply{503, "{}", {{"Retry-After", "1"}}} : Reply{};
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(client_of(server.url())->call({.path = "/x"}));
  EXPECT_GE(std::chrono::steady_clock::now() - start, Millis{1000});
}

TEST(Client, GivesUpWhenTheServerAsksForTooMuchPatience) {
  FakeServer server([](const Asked&) { return Reply{503, "{}", {{"Retry-After", "60"}}}; });
  const auto start = std::chrono::steady_clock::now();
  const auto answer = client_of(server.url(), Millis{2'000})->call({.path = "/x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, Millis{2'000});
}

TEST(Client, SaysWhatToDoWhenNobodyListens) {
  const auto url = dead_url();
  const auto answer = client_of(url, Millis{50})->call({.path = "/x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "unreachable");
  EXPECT_THAT(answer.error().message,
              HasSubstr("cannot reach " + url + ": is `weir serve` running?"));
}

struct Status {
  int status;
  Code code;
};
class Statuses : public testing::TestWithParam<Status> {};
TEST_P(Statuses, BecomeErrorsOfTheEnvelope) {
  const auto [status, code] = GetParam();
  FakeServer server([status = status](const Asked&) {
    return Reply{status, R"({"error":"No.","details":"d","reason":"r","code":1,
                             "fields":[{"field":"f","message":"m"}]})"};
  });
  const auto answer = client_of(server.url(), Millis{0})->call({.path = "/x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, code);
  EXPECT_EQ(answer.error().reason, "r");
  EXPECT_EQ(answer.error().message, "No.");
  ASSERT_EQ(answer.error().fields.size(), 1U);
  EXPECT_EQ(answer.error().fields[0].field, "f");
}
INSTANTIATE_TEST_SUITE_P(
    Table, Statuses,
    testing::Values(Status{400, Code::bad_request}, Status{401, Code::unauthenticated},
                    Status{403, Code::forbidden}, Status{404, Code::not_found},
                    Status{409, Code::conflict}, Status{413, Code::too_large},
                    Status{422, Code::invalid}, Status{429, Code::too_many_requests},
                    Status{500, Code::internal}, Status{503, Code::unavailable},
                    Status{507, Code::out_of_space}));

TEST(Client, AnswersThatAreNotJsonAreStillErrors) {
  FakeServer server([](const Asked&) { return Reply{502, "<html>"}; });
  const auto answer = client_of(server.url())->call({.path = "/x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "http_502");
}

TEST(Client, StopBreaksALongPoll) {
  std::atomic<bool> polled{false};
  std::atomic<bool> release{false};
  FakeServer server([&](const Asked&) {
    polled = true;
    eventually([&] { return release.load(); });
    return Reply{};
  });
  const auto client = client_of(server.url());
  std::thread stopper([&] {
    eventually([&] { return polled.load(); });
    client->stop();
  });
  const auto answer = client->call({.path = "/x", .wait = Millis{60'000}});
  stopper.join();
  release = true;
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "stopped");
  EXPECT_EQ(client->once({.path = "/x"}).error().reason, "stopped");
}

TEST(Client, RefusesBadUrls) {
  for (const char* url :
       {"", "localhost:7080", "ftp://x", "http://", "http://h/path", "http://u@h"}) {
    EXPECT_FALSE(Client::make({.server = url})) << url;
  }
  EXPECT_FALSE(Client::make({.server = "http://127.0.0.1:1,"}));
  EXPECT_TRUE(Client::make({.server = "http://127.0.0.1:1/"}));
}

TEST(Encode, LeavesOnlyUnreserved) {
  EXPECT_EQ(encode("a/b c~_.-%"), "a%2Fb%20c~_.-%25");
}

}  // namespace
}  // namespace weir::cli
