// HttpClient: what tests say to a server on loopback, over one kept-alive connection. Not
// thread-safe: one client a thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/json/view.hpp"

namespace weir::test {

struct HttpAnswer {
  int status = 0;        // 0 = no answer (refused, cut, over the time limit)
  bool refused = false;  // there was no connection: nothing was sent
  std::string body;
  std::multimap<std::string, std::string> headers;  // names in lower case

  std::string header(const std::string& name) const;  // the first; empty when absent
  json::View json() const;                            // missing when the body is not valid JSON
};

// How a client speaks TLS; without an authority it speaks plain HTTP.
struct HttpTls {
  std::string ca_file = {};
  std::string cert_file = {};  // shown when the server asks
  std::string key_file = {};
};

class HttpClient {
 public:
  // `key` is sent as a bearer token; empty = none.
  explicit HttpClient(std::uint16_t port, std::string key = "",
                      Millis limit = std::chrono::seconds(30), const HttpTls& tls = {});
  ~HttpClient();

  HttpAnswer get(const std::string& path);
  HttpAnswer post(const std::string& path, const std::string& body);  // JSON
  HttpAnswer put(const std::string& path, const std::string& body);   // JSON
  HttpAnswer send(const std::string& method, const std::string& path, const std::string& body,
                  const std::multimap<std::string, std::string>& headers = {});

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// Sends bytes as they are on a fresh connection, and returns everything that came back until the
// server closed or `limit` passed. Empty when the connection was refused.
std::string exchange_raw(std::uint16_t port, const std::string& bytes,
                         Millis limit = std::chrono::seconds(5));

// Connections that stay open as long as the object, each having said `bytes`.
class OpenConnections {
 public:
  OpenConnections(std::uint16_t port, std::size_t count, const std::string& bytes);
  ~OpenConnections();
  OpenConnections(const OpenConnections&) = delete;
  OpenConnections& operator=(const OpenConnections&) = delete;
  std::size_t size() const { return sockets_.size(); }  // how many could be opened

 private:
  std::vector<int> sockets_;
};

// A loopback port that nobody listens on right now.
std::uint16_t free_port();

}  // namespace weir::test
