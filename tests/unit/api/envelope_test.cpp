#include "api/core/envelope.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "pkg/json/view.hpp"

namespace weir::api {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

struct Case {
  Code code;
  int status;
};

constexpr Case kCases[] = {
    {Code::bad_request, 400},       {Code::unauthenticated, 401},    {Code::forbidden, 403},
    {Code::not_found, 404},         {Code::method_not_allowed, 405}, {Code::conflict, 409},
    {Code::too_large, 413},         {Code::unsupported_media, 415},  {Code::invalid, 422},
    {Code::too_many_requests, 429}, {Code::upgrade_required, 426},   {Code::header_too_large, 431},
    {Code::internal, 500},          {Code::unavailable, 503},        {Code::deadline_exceeded, 504},
    {Code::out_of_space, 507},
};

TEST(Envelope, EveryCodeHasItsStatusAndShape) {
  ASSERT_EQ(std::size(kCases), static_cast<std::size_t>(Code::out_of_space) + 1);
  for (const auto& c : kCases) {
    const auto response = error_response({c.code, "some_reason", "A sentence.", "a detail"}, "r1");
    EXPECT_EQ(response.status, c.status);
    ASSERT_TRUE(json::check(response.body)) << response.body;
    const json::View body(response.body);
    EXPECT_EQ(body.find("code").as_int(), c.status);
    const bool hidden = c.code == Code::internal;
    EXPECT_EQ(body.find("reason").as_string(), hidden ? "internal" : "some_reason");
    EXPECT_TRUE(body.find("error").is_string());
    EXPECT_TRUE(body.find("details").is_string());
  }
}

TEST(Envelope, InternalErrorsTellOnlyTheRequestId) {
  const auto response = error_response(
      {Code::internal, "database_error", "no such table: secrets", "/var/lib/x.db"}, "req-7");
  EXPECT_THAT(response.body, Not(HasSubstr("secrets")));
  EXPECT_THAT(response.body, Not(HasSubstr("x.db")));
  EXPECT_THAT(response.body, HasSubstr("req-7"));
}

TEST(Envelope, RetryAfterIsWholeSecondsRoundedUp) {
  Error error{Code::too_many_requests, "r", "m", ""};
  EXPECT_THAT(error_response(error, "").headers, Contains(Pair("Retry-After", "1")));
  error.retry_after = std::chrono::milliseconds(2100);
  EXPECT_THAT(error_response(error, "").headers, Contains(Pair("Retry-After", "3")));
  error.code = Code::not_found;
  error.retry_after = {};
  EXPECT_THAT(error_response(error, "").headers, Not(Contains(Key("Retry-After"))));
}

TEST(Envelope, UnauthenticatedAsksForBearer) {
  const auto response = error_response({Code::unauthenticated, "r", "m", ""}, "");
  EXPECT_THAT(response.headers, Contains(Pair("WWW-Authenticate", HasSubstr("Bearer"))));
}

TEST(Envelope, NamesTheFields) {
  const auto text = error_json({Code::invalid, "r", "m", "", {{"jobs[3].priority", "0 to 9"}}});
  EXPECT_THAT(text, HasSubstr(R"("fields":[{"field":"jobs[3].priority","message":"0 to 9"}])"));
}

}  // namespace
}  // namespace weir::api
