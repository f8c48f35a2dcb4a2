// A front with routes of every kind. Built twice: with WEIR_TEST_OVER_TLS front and client speak
// TLS in every test.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/core/envelope.hpp"
#include "api/http/front.hpp"
#include "api/http/tls_server.hpp"
#include "tests/integration/http/raw_client.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/wait.hpp"

namespace weir::http {

// The certificate of a server on loopback, of an authority that lives as long as the program.
inline const test::Authority& authority() {
  static const test::Authority made;
  return made;
}
inline TlsFiles server_files() {
  static const auto made = authority().issue("server", "IP:127.0.0.1");
  return {.certificate = made.file, .key = made.key_file};
}

class FrontTest : public testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);  // as the program does
    options_.port = 0;
#ifdef WEIR_TEST_OVER_TLS
    auto tls = TlsServer::load(server_files());
    ASSERT_TRUE(tls) << describe(tls.error());
    options_.tls = *tls;
#endif
    options_.request_deadline = Millis{3000};
    options_.drain_timeout = Millis{2000};
  }
  void TearDown() override {
    release();
    parked_.clear();
    if (front_) front_->stop();
  }

  void start() {
    std::vector<Route> routes;
    const auto echo = [](std::shared_ptr<const Request> request, const Responder& responder) {
      responder.send({.body = request->body.empty() ? "hello" : request->body});
    };
    routes.push_back(
        {.method = "GET", .pattern = "/inline", .lane = Lane::inline_, .handler = echo});
    routes.push_back({.method = "GET", .pattern = "/pool", .lane = Lane::pool, .handler = echo});
    routes.push_back(
        {.method = "POST", .pattern = "/echo", .max_body_bytes = 1 << 20, .handler = echo});
    routes.push_back({.method = "GET", .pattern = "/throws", .handler = [](auto, auto) {
                        throw std::runtime_error("x");
                      }});
    routes.push_back({.method = "GET", .pattern = "/dropped", .handler = [](auto, auto) {}});
    routes.push_back({.method = "GET",
                      .pattern = "/park",
                      .lane = Lane::inline_,
                      .handler = [this](auto, const Responder& responder) {
                        responder.on_closed([this] { ++closed_; });
                        const std::lock_guard lock(mutex_);
                        parked_.push_back(responder);
                      }});
    routes.push_back({.method = "GET",
                      .pattern = "/hold",  // parks, and does not care for hang-ups
                      .lane = Lane::inline_,
                      .handler = [this](auto, const Responder& responder) {
                        const std::lock_guard lock(mutex_);
                        parked_.push_back(responder);
                      }});
    routes.push_back(
        {.method = "GET", .pattern = "/block", .handler = [this](auto, const Responder& responder) {
           ++blocked_;
           released_.wait(false);
           responder.send({.body = "unblocked"});
         }});
    for (auto& route : more_routes_) routes.push_back(std::move(route));
    front_ =
        std::make_unique<Front>(options_, std::move(routes),
                                FrontHooks{.error_response = api::error_response,
                                           .on_finished = [this](const FinishedRequest& finished) {
                                             const std::lock_guard lock(mutex_);
                                             ++finished_[finished.status];
                                           }});
    ASSERT_TRUE(front_->start());
  }
  std::size_t parked() {
    const std::lock_guard lock(mutex_);
    return parked_.size();
  }
  int finished(int status) {
    const std::lock_guard lock(mutex_);
    return finished_[status];
  }
  void release() {
    released_ = true;
    released_.notify_all();
  }
  std::string ask(const std::string& text) const {
    RawClient raw(front_->port());
    raw.send(text);
    return raw.read_answer();
  }

  FrontOptions options_;
  std::vector<Route> more_routes_;
  std::unique_ptr<Front> front_;
  std::mutex mutex_;
  std::deque<Responder> parked_;
  std::map<int, int> finished_;  // answers by status
  std::atomic<int> closed_{0};
  std::atomic<int> blocked_{0};
  std::atomic<bool> released_{false};
};

inline std::size_t resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

inline std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
}
inline int status_of(const std::string& answer) {
  return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
}

}  // namespace weir::http
