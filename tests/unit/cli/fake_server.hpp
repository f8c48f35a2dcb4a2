// A server on loopback that answers as a test says and remembers what it was asked. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::cli {

struct Asked {
  std::string method;
  std::string path;  // with the query
  std::string body;
  std::string authorization;
  std::string last_event_id;
};

struct Reply {
  int status = 200;
  std::string body = "{}";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

class FakeServer {
 public:
  using Handler = std::function<Reply(const Asked&)>;
  explicit FakeServer(Handler handler);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string url() const;
  std::vector<Asked> asked() const;
  std::size_t count(const std::string& method, const std::string& path_prefix) const;

 private:
  struct Http;
  std::unique_ptr<Http> http_;
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
  std::thread thread_;
  int port_ = 0;
};

// A port of loopback that nobody listens on.
std::string dead_url();

// Waits until `condition` holds; false after 20 s.
bool eventually(const std::function<bool()>& condition);

}  // namespace weir::cli
