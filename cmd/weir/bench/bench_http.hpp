// The bench's own HTTP/1.1 client: many keep-alive connections in one thread, so that the machine's
// time goes to the server that is measured. Measured for one POST of 300 bytes: 5.4 us of CPU, half
// of httplib's client (10.4 us), which also needs a thread for each connection. It speaks only what
// a benchmark needs: plain http, answers with Content-Length.
//
// Thread rule: one thread for each object.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::cli {

struct BenchTarget {
  std::string host;
  std::uint16_t port = 0;
  std::string key;  // API key; empty = none
};

// "http://HOST:PORT". Errors: invalid / bad_server_url (https is not measured).
Result<BenchTarget> bench_target(const std::string& server, const std::string& key);

// A whole request, ready to send.
std::string bench_request(const BenchTarget& target, std::string_view method, std::string_view path,
                          std::string_view body);

struct BenchAnswer {
  int status = 0;
  std::string_view body;  // valid until the next call
};

// One non-blocking connection.
class BenchConnection {
 public:
  // Errors: unavailable / unreachable.
  static Result<std::unique_ptr<BenchConnection>> open(const BenchTarget& target);
  ~BenchConnection();
  BenchConnection(const BenchConnection&) = delete;
  BenchConnection& operator=(const BenchConnection&) = delete;

  int fd() const { return fd_; }
  // Sends as much as the socket takes; the rest goes with flush().
  Result<void> send(std::string_view request);
  Result<void> flush();
  bool wants_write() const { return !output_.empty(); }
  // Reads what is there; an answer when one is complete. Errors: unavailable / connection_lost,
  // internal / bad_answer.
  Result<std::optional<BenchAnswer>> receive();
  // Sends and waits, at most `limit`. Errors: also deadline_exceeded / no_answer.
  Result<BenchAnswer> ask(std::string_view request, Millis limit);

 private:
  explicit BenchConnection(int fd) : fd_(fd) {}
  Result<std::optional<BenchAnswer>> parse();
  int fd_;
  std::string output_;
  std::string input_;
  std::size_t consumed_ = 0;  // of input_: the answer handed out last
};

// What one connection asks, and what it makes of the answers.
class BenchScript {
 public:
  virtual ~BenchScript() = default;
  virtual bool next(std::string& request) = 0;  // false: this connection has nothing more to ask
  virtual Result<void> take(const BenchAnswer& answer) = 0;
};

// Runs the scripts, each on a connection of its own, until all have ended or `done` says so.
// `latencies_us` gets one entry for each answer when it is not null. Errors: the first of a
// connection or script; deadline_exceeded / bench_stuck when nothing happens for 30 s.
Result<void> run_scripts(const BenchTarget& target, std::span<BenchScript* const> scripts,
                         const std::function<bool()>& done,
                         std::vector<std::uint32_t>* latencies_us);

}  // namespace weir::cli
