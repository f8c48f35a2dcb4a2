// ServerSuite: the base of test classes whose tests share one running server, started before the
// first of them and stopped after the last.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/support/web_socket.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {

class ServerSuite : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new WeirServer();
    server_->start();
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->stop(), 0) << server_->log();
    delete server_;
    server_ = nullptr;
  }

  static WebSocketClient connect() {
    return WebSocketClient(server_->port(), "/api/v1/ws", "X-API-Key: " + server_->key() + "\r\n");
  }
  // What a stream of events said until the server had nothing more to say for a while.
  static std::string read_stream(const std::string& path, const std::string& headers = "") {
    return exchange_raw(server_->port(),
                        "GET " + path + " HTTP/1.1\r\nHost: x\r\nX-API-Key: " + server_->key() +
                            "\r\n" + headers + "\r\n",
                        std::chrono::milliseconds(400));
  }
  // A member as text: strings bare, anything else as JSON.
  static std::string member(const std::string& json, std::string_view name) {
    if (!json::check(json)) return "not JSON: " + json;
    const auto value = json::View(json).find(name);
    return value.as_string().value_or(std::string(value.raw()));
  }

  inline static WeirServer* server_ = nullptr;  // suites run one after the other
  HttpClient client_ = server_->client();
};

// The same, for tests of the command API over HTTP.
class CommandSuite : public ServerSuite {
 protected:
  static HttpAnswer send(const std::string& frame) {
    return server_->client().post("/api/v1/command", frame);
  }
  static HttpAnswer ask(const std::string& command, const std::string& payload) {
    return send(R"({"command":")" + command + R"(","payload":)" + payload + "}");
  }
  // Of the error; "none" without one.
  static std::string code(const HttpAnswer& answer) {
    return answer.json().find("error").find("code").as_string().value_or("none");
  }
};

}  // namespace weir::test
