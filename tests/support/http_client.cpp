#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <random>

#include "pkg/base/assert.hpp"

namespace weir::test {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
  const auto found = headers.find(lower(name));
  return found == headers.end() ? "" : found->second;
}

json::View HttpAnswer::json() const {
  return json::check(body) ? json::View(body) : json::View();
}

struct HttpClient::Implementation {
  httplib::Client client;
  std::string key;
};

HttpClient::HttpClient(std::uint16_t port, std::string key, Millis limit, const HttpTls& tls)
    : implementation_(new Implementation{
          httplib::Client(
              (tls.ca_file.empty() ? "http" : "https") + ("://127.0.0.1:" + std::to_string(port)),
              tls.cert_file, tls.key_file),
          std::move(key)}) {
  auto& client = implementation_->client;
  if (!tls.ca_file.empty()) client.set_ca_cert_path(tls.ca_file.c_str());
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
  client.set_read_timeout(limit);
  client.set_write_timeout(limit);
  client.set_connection_timeout(limit);
}

HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::get(const std::string& path) {
  return send("GET", path, "");
}

HttpAnswer HttpClient::post(const std::string& path, const std::string& body) {
  return send("POST", path, body, {{"Content-Type", "application/json"}});
}

HttpAnswer HttpClient::put(const std::string& path, const std::string& body) {
  return send("PUT", path, body, {{"Content-Type", "application/json"}});
}

HttpAnswer HttpClient::send(const std::string& method, const std::string& path,
                            const std::string& body,
                            const std::multimap<std::string, std::string>& headers) {
  httplib::Request request;
  request.method = method;
  request.path = path;
  request.body = body;
  for (const auto& [name, value] : headers) request.headers.emplace(name, value);
  const bool authorized = headers.contains("Authorization") || headers.contains("X-API-Key");
  if (!implementation_->key.empty() && !authorized) {
    request.headers.emplace("Authorization", "Bearer " + implementation_->key);
  }
  const auto result = implementation_->client.send(request);
  HttpAnswer answer;
  answer.refused = result.error() == httplib::Error::Connection;
  if (!result) return answer;
  answer.status = result->status;
  answer.body = result->body;
  for (const auto& [name, value] : result->headers) answer.headers.emplace(lower(name), value);
  return answer;
}

std::string exchange_raw(std::uint16_t port, const std::string& bytes, Millis limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  WEIR_ASSERT(socket >= 0);
  const auto address = loopback(port);
  std::string answer;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const ssize_t now = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) break;  // the server closed early: what it said is still to be read
      sent += static_cast<std::size_t>(now);
    }
    std::array<char, 16384> buffer;
    for (;;) {
      const auto left = std::chrono::ceil<Millis>(end - std::chrono::steady_clock::now()).count();
      pollfd wanted{socket, POLLIN, 0};
      if (left <= 0 || ::poll(&wanted, 1, static_cast<int>(left)) <= 0) break;
      const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  ::close(socket);
  return answer;
}

OpenConnections::OpenConnections(std::uint16_t port, std::size_t count, const std::string& bytes) {
  const auto address = loopback(port);
  while (sockets_.size() < count) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return;
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
      ::close(socket);
      return;
    }
    sockets_.push_back(socket);
  }
}

OpenConnections::~OpenConnections() {
  for (const int socket : sockets_) ::close(socket);
}

std::uint16_t free_port() {
  // Below the range from which the system takes the ports of outgoing connections (32768 and up,
  // ip(7)): a test in parallel would otherwise get the port of a server that is being restarted.
  static std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int> ports(20'000, 32'000);
  for (int attempt = 0; attempt < 1'000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(ports(random));
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    WEIR_ASSERT(socket >= 0);
    const auto address = loopback(port);
    const bool free =
        ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(socket);
    if (free) return port;
  }
  WEIR_ASSERT(false && "no free port");
  return 0;
}

}  // namespace weir::test
