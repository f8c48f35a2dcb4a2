#include "tests/support/webhook_receiver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "pkg/base/assert.hpp"
#include "pkg/webhook/signature.hpp"

namespace weir::test {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool read_more(int socket, std::string& into) {
  char buffer[4096];
  const auto got = ::recv(socket, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  into.append(buffer, static_cast<std::size_t>(got));
  return true;
}

// False when the connection ended before the request did.
bool read_hook(int socket, ReceivedHook& hook) {
  std::string text;
  std::size_t end = 0;
  while ((end = text.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(socket, text)) return false;
  }
  const auto target = text.find(' ') + 1;
  hook.target = text.substr(target, text.find(' ', target) - target);
  for (auto at = text.find("\r\n"); at < end;) {
    const auto line_end = text.find("\r\n", at + 2);
    const auto line = text.substr(at + 2, line_end - at - 2);
    const auto colon = line.find(':');
    if (colon != std::string::npos) {
      hook.headers[lower(line.substr(0, colon))] =
          line.substr(std::min(line.size(), line.find_first_not_of(' ', colon + 1)));
    }
    at = line_end;
  }
  const auto length = static_cast<std::size_t>(std::atoi(hook.header("content-length").c_str()));
  hook.body = text.substr(end + 4);
  while (hook.body.size() < length) {
    if (!read_more(socket, hook.body)) return false;
  }
  return true;
}

}  // namespace

WebhookReceiver::WebhookReceiver(Script script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  WEIR_ASSERT(::bind(listener_, generic, sizeof address) == 0);
  WEIR_ASSERT(::listen(listener_, 128) == 0);
  socklen_t size = sizeof address;
  WEIR_ASSERT(::getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

WebhookReceiver::~WebhookReceiver() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int socket : open_) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  threads.swap(threads_);
  for (auto& thread : threads) thread.join();
}

std::vector<ReceivedHook> WebhookReceiver::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

void WebhookReceiver::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      ::close(socket);
      return;
    }
    open_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void WebhookReceiver::serve(int socket) {
  ReceivedHook hook;
  if (read_hook(socket, hook)) answer(socket, hook);
  const std::lock_guard lock(mutex_);
  std::erase(open_, socket);
  ::close(socket);
}

void WebhookReceiver::answer(int socket, const ReceivedHook& hook) {
  int nth = 0;
  {
    const std::lock_guard lock(mutex_);
    nth = ++times_[hook.header("webhook-id")];
  }
  const auto answer = script_(hook, nth);
  {
    const std::lock_guard lock(mutex_);
    received_.push_back(hook);
  }
  if (answer.kind == HookAnswer::Kind::hang_up) return;
  if (answer.kind == HookAnswer::Kind::silence) {
    std::string rest;
    while (read_more(socket, rest)) {
    }
    return;
  }
  const auto text = "HTTP/1.1 " + std::to_string(answer.status) + " x\r\n" + answer.headers +
                    "Content-Length: 2\r\n\r\nok";
  ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
  std::string rest;
  while (read_more(socket, rest)) {  // until the sender hangs up
  }
}

bool is_signed(const ReceivedHook& hook, const std::string& secret) {
  const auto expected =
      webhook::sign(secret, hook.header("webhook-id"),
                    std::atoll(hook.header("webhook-timestamp").c_str()), hook.body);
  return expected && hook.header("webhook-signature") == *expected;
}

}  // namespace weir::test
