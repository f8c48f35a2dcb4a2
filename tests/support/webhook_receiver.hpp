// WebhookReceiver: an HTTP server of a test that takes webhooks, and answers, or fails to, as the
// test says. On a loopback port of its own; a thread for each connection. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::test {

struct ReceivedHook {
  std::string target;                          // "/in?x"
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct HookAnswer {
  enum class Kind : std::uint8_t { answer, silence, hang_up };
  int status = 200;
  std::string headers = {};  // whole lines, each with \r\n
  Kind kind = Kind::answer;
};

class WebhookReceiver {
 public:
  // Called for each request, on the thread of its connection; `nth` counts those of one id from 1.
  using Script = std::function<HookAnswer(const ReceivedHook& hook, int nth)>;

  explicit WebhookReceiver(Script script);
  ~WebhookReceiver();
  WebhookReceiver(const WebhookReceiver&) = delete;
  WebhookReceiver& operator=(const WebhookReceiver&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/in") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  std::vector<ReceivedHook> received() const;  // in the order of their end
  std::size_t count() const { return received().size(); }

 private:
  void accept_all();
  void serve(int socket);
  void answer(int socket, const ReceivedHook& hook);

  const Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<ReceivedHook> received_;  // guarded by mutex_
  std::map<std::string, int> times_;    // guarded by mutex_
  std::vector<int> open_;               // guarded by mutex_
  std::vector<std::thread> threads_;    // guarded by mutex_
  bool stopping_ = false;               // guarded by mutex_
  std::thread acceptor_;
};

// Whether the hook's signature is right for the secret.
bool is_signed(const ReceivedHook& hook, const std::string& secret);

}  // namespace weir::test
