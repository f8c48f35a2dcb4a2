// A front with routes of every kind, and a client that speaks raw bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

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

#include "api/envelope.hpp"
#include "api/http/front.hpp"
#include "tests/support/wait.hpp"

namespace weir::http {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end_sending() const { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // One answer with its body (by Content-Length); what came before the connection ended otherwise.
  std::string read_answer(bool head_only = false) {
    for (;;) {
      const auto head_end = input_.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        std::size_t length = 0;
        const auto at = input_.find("Content-Length: ");
        if (at != std::string::npos && at < head_end && !head_only)
          length = std::stoul(input_.substr(at + 16));
        if (input_.size() >= head_end + 4 + length) {
          const std::string answer = input_.substr(0, head_end + 4 + length);
          input_.erase(0, answer.size());
          return answer;
        }
      }
      if (!read_more()) return std::exchange(input_, {});
    }
  }
  std::string read_some() {  // empty: the end, or nothing for 10 seconds
    if (input_.empty()) read_more();
    return std::exchange(input_, {});
  }
  bool ended() {  // the server closed
    while (read_more()) {
    }
    return ended_;
  }

 private:
  bool read_more() {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, 10'000) != 1) return false;
    char buffer[65536];
    const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = got <= 0;
    if (got > 0) input_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string input_;
};

class FrontTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.port = 0;
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
