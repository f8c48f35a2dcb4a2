#include "tests/unit/cli/fake_server.hpp"

#include <arpa/inet.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weir::cli {

struct FakeServer::Http {
  httplib::Server server;
};

FakeServer::FakeServer(Handler handler) : http_(std::make_unique<Http>()) {
  auto& server = http_->server;
  const auto answer = [this, handler = std::move(handler)](const httplib::Request& request,
                                                           httplib::Response& response) {
    const Asked asked{request.method, request.target, request.body,
                      request.get_header_value("Authorization"),
                      request.get_header_value("Last-Event-ID")};
    {
      const std::lock_guard lock(mutex_);
      asked_.push_back(asked);
    }
    const auto reply = handler(asked);
    response.status = reply.status;
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    response.set_content(reply.body, "application/json");
  };
  server.Get(".*", answer);
  server.Post(".*", answer);
  server.Put(".*", answer);
  server.Delete(".*", answer);
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000);
  port_ = server.bind_to_any_port("127.0.0.1");
  thread_ = std::thread([&server] { server.listen_after_bind(); });
  server.is_running();
  eventually([&server] { return server.is_running(); });
}

FakeServer::~FakeServer() {
  http_->server.stop();
  thread_.join();
}

std::string FakeServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<Asked> FakeServer::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::size_t FakeServer::count(const std::string& method, const std::string& path_prefix) const {
  std::size_t found = 0;
  for (const auto& one : asked()) {
    if (one.method == method && one.path.starts_with(path_prefix)) ++found;
  }
  return found;
}

std::string dead_url() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace weir::cli
