#include "api/http/router.hpp"

#include <gtest/gtest.h>

#include "api/http/target.hpp"

namespace weir::http {
namespace {

Router make_router() {
  std::vector<Route> routes;
  for (const auto& [method, pattern] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/"},
                                                        {"GET", "/v1/jobs"},
                                                        {"POST", "/v1/jobs"},
                                                        {"POST", "/v1/jobs/batch"},
                                                        {"GET", "/v1/jobs/{id}"},
                                                        {"POST", "/v1/jobs/{id}/cancel"},
                                                        {"POST", "/v1/queues/{queue}/lease"}}) {
    routes.push_back({.method = method, .pattern = pattern, .handler = [](auto, auto) {}});
  }
  return Router(std::move(routes));
}

struct Case {
  const char* method;
  const char* target;
  const char* pattern;  // empty: no route
  const char* param;
};

class RouterTest : public testing::TestWithParam<Case> {};

TEST_P(RouterTest, Finds) {
  const auto router = make_router();
  const auto target = parse_target(GetParam().target);
  ASSERT_TRUE(target);
  const auto match = router.find(GetParam().method, target->segments);
  const std::string found = match.route == nullptr ? "" : match.route->pattern;
  EXPECT_EQ(found, GetParam().pattern);
  EXPECT_EQ(match.params.empty() ? "" : match.params[0].second, GetParam().param);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, RouterTest,
    testing::Values(Case{"GET", "/", "/", ""}, Case{"GET", "/v1/jobs", "/v1/jobs", ""},
                    Case{"HEAD", "/v1/jobs", "/v1/jobs", ""},
                    Case{"POST", "/v1/jobs/batch", "/v1/jobs/batch", ""},
                    Case{"GET", "/v1/jobs/batch", "", ""},
                    Case{"GET", "/v1/jobs/a%2Fb", "/v1/jobs/{id}", "a/b"},
                    Case{"POST", "/v1/jobs/7/cancel", "/v1/jobs/{id}/cancel", "7"},
                    Case{"GET", "/v1/jobs/", "", ""}, Case{"GET", "/v1/jobs//cancel", "", ""},
                    Case{"GET", "/v2", "", ""}, Case{"POST", "/v1/queues/a/lease/x", "", ""}));

TEST(Router, NamesTheMethodsOfAKnownPath) {
  const auto match = make_router().find("DELETE", {"v1", "jobs"});
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(make_router().find("GET", {"nowhere"}).allow, "");
}

}  // namespace
}  // namespace weir::http
