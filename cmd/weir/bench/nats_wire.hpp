// A NATS connection reduced to the wire, for the bench's yardstick. Blocking; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cmd/weir/bench/bench_nats.hpp"

namespace weir::cli {

struct WireMessage {
  std::string_view subject;
  std::string_view reply;
  std::string_view head;  // NATS/1.0 header block, often empty
  std::string_view data;
};

class NatsWire {
 public:
  static Result<std::unique_ptr<NatsWire>> connect(const NatsTarget& target);
  ~NatsWire();
  NatsWire(const NatsWire&) = delete;
  NatsWire& operator=(const NatsWire&) = delete;

  // Appends to the output; written when it is large or next() has to wait.
  Result<void> publish(std::string_view subject, std::string_view reply, std::string_view data);
  Result<void> subscribe(std::string_view subject, unsigned id);
  // The next message; its views are valid until the next call. Errors: deadline_exceeded /
  // nats_timeout after 10 s of silence; unavailable / nats_unavailable.
  Result<WireMessage> next();
  Result<void> flush();
  // One request, while nothing else is awaited.
  Result<std::string> request(std::string_view subject, std::string_view data);
  const std::string& server_version() const { return version_; }

 private:
  explicit NatsWire(int fd) : fd_(fd) {}
  Result<void> handshake(const NatsTarget& target);
  Result<std::string_view> line();  // without its end
  Result<void> need(std::size_t bytes);
  Result<void> read_more();
  int fd_;
  std::string input_;
  std::size_t at_ = 0;  // first byte of input_ not yet used
  std::string output_;
  std::string words_;  // the MSG line that views point into
  std::string version_;
};

}  // namespace weir::cli
