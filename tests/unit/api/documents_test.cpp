// The OpenAPI document, the page made from it, and the metrics page.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class DocumentsTest : public ApiTest {};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c | 0x20);
  return text;
}

TEST_F(DocumentsTest, OpenApiCoversExactlyTheRoutes) {
  const Json document = get("/openapi.json")->body();
  EXPECT_EQ(document["openapi"], "3.1.0");
  EXPECT_TRUE(document["info"].contains("title") && document["info"].contains("version"));
  std::set<std::string> documented;
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) documented.insert(method + " " + path);
  }
  std::set<std::string> served;
  for (const auto& route : routes_) served.insert(lower(route.method) + " " + route.pattern);
  EXPECT_EQ(documented, served);
  EXPECT_EQ(served.size(), routes_.size());
}

TEST_F(DocumentsTest, EveryOperationIsWhole) {
  const Json document = get("/openapi.json")->body();
  std::set<std::string> ids;
  for (const auto& [path, item] : document["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      const std::string where = method + " " + path;
      EXPECT_TRUE(ids.insert(operation["operationId"]).second) << where;
      EXPECT_FALSE(operation["summary"].get<std::string>().empty()) << where;
      std::set<std::string> in_path;
      for (const Json& parameter : operation.value("parameters", Json::array())) {
        if (parameter.value("in", "") == "path") {
          EXPECT_EQ(parameter["required"], true) << where;
          in_path.insert("{" + parameter["name"].get<std::string>() + "}");
        }
      }
      for (const auto& name : in_path) EXPECT_THAT(path, HasSubstr(name));
      EXPECT_EQ(static_cast<long>(in_path.size()), std::count(path.begin(), path.end(), '{'));
      bool succeeds = false;
      for (const auto& [status, response] : operation["responses"].items()) {
        EXPECT_TRUE(response.contains("description")) << where;
        EXPECT_EQ(status.size(), 3U) << where;
        succeeds = succeeds || status[0] == '2' || status == "101";
      }
      EXPECT_TRUE(succeeds) << where;
    }
  }
}

void check_references(const Json& node, const Json& document, int& seen) {
  if (node.is_object() && node.contains("$ref")) {
    const std::string ref = node["$ref"];
    EXPECT_TRUE(document.contains(Json::json_pointer(ref.substr(1)))) << ref;
    ++seen;
  }
  if (!node.is_structured()) return;
  for (const Json& child : node) check_references(child, document, seen);
}

TEST_F(DocumentsTest, EveryReferenceIsResolved) {
  const Json document = get("/openapi.json")->body();
  int seen = 0;
  check_references(document, document, seen);
  EXPECT_GT(seen, 50);
}

TEST_F(DocumentsTest, TheDocsPageStandsAlone) {
  const auto client = get("/docs");
  EXPECT_EQ(client->wait().content_type, "text/html; charset=utf-8");
  const std::string& page = client->wait().body;
  for (const char* outside : {"http://", "https://", "src=", "@import", "<link", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(outside))) << outside;
  }
  for (const auto& route : routes_) EXPECT_THAT(page, HasSubstr(route.pattern));
}

TEST_F(DocumentsTest, MetricsPassPromtool) {
  submit("q");
  lease("q");
  api_->set_connections([] { return http::FrontStats{1, 2, 3}; });
  http::Request seen;
  seen.method = "GET";
  http::FinishedRequest finished{.request = &seen,
                                 .route = "/v1/jobs/{id}",
                                 .request_id = "r",
                                 .status = 200,
                                 .duration = std::chrono::microseconds(300)};
  api_->hooks().on_finished(finished);
  finished.request = nullptr;
  finished.status = 404;
  api_->hooks().on_finished(finished);
  const auto client = get("/metrics");
  EXPECT_THAT(client->wait().content_type, HasSubstr("text/plain; version=0.0.4"));
  const std::string page = client->wait().body;
  for (const char* line :
       {"weir_jobs{status=\"processing\"} 1\n",
        "weir_queue_jobs{queue=\"q\",status=\"processing\"} 1\n",
        "weir_http_requests_total{route=\"GET /v1/jobs/{id}\",status=\"2xx\"} 1\n",
        "weir_http_requests_total{route=\"none\",status=\"4xx\"} 1\n",
        "weir_http_request_duration_seconds_bucket{route=\"GET /v1/jobs/{id}\",le=\"0.0005\"} 1\n",
        "weir_log_connected{log=\"jobs\"} 1\n", "weir_replica_lag_entries{log=\"jobs\"} 0\n",
        "weir_http_connections 1\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) GTEST_SKIP() << "no promtool here";
  const auto path = std::filesystem::temp_directory_path() /
                    ("weir_metrics_page_" + std::to_string(::getpid()) + ".txt");
  { std::ofstream(path) << page; }
  const int status = std::system(("promtool check metrics < " + path.string()).c_str());
  std::filesystem::remove(path);
  EXPECT_EQ(status, 0);
}

TEST_F(DocumentsTest, OldestReadyAgeIsPerQueue) {
  submit("q");
  EXPECT_THAT(get("/metrics")->wait().body,
              HasSubstr("weir_queue_oldest_ready_age_seconds{queue=\"q\"} "));
  lease("q");
  EXPECT_THAT(get("/metrics")->wait().body,
              Not(HasSubstr("weir_queue_oldest_ready_age_seconds{queue=\"q\"}")));
}

}  // namespace
}  // namespace weir::api
