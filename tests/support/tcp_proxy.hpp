// TcpProxy: a loopback port before another one, to break the network between two programs. Runs a
// thread from the constructor to the destructor. Thread-safe.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "pkg/base/clock.hpp"

namespace weir::test {

class TcpProxy {
 public:
  explicit TcpProxy(std::uint16_t target);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_; }

  void pass(Millis delay = Millis{0});  // as at the beginning; each byte `delay` later
  void cut();                           // connections are reset, new ones too, until pass()
  void hole();  // connections stay open, new ones are accepted, and nothing arrives, until pass()

 private:
  enum class Mode : std::uint8_t { pass, cut, hole };
  struct Chunk {
    std::chrono::steady_clock::time_point due;
    std::string bytes;
  };
  struct Flow {  // one direction
    int from = -1;
    int to = -1;
    std::deque<Chunk> waiting = {};
  };
  struct Link {
    Flow forth;
    Flow back;
  };

  void run();
  void accept_one();
  bool receive(Flow& flow) const;  // false: the connection is over
  static bool deliver(Flow& flow);
  static void close(const Link& link);

  const std::uint16_t target_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<Mode> mode_{Mode::pass};
  std::atomic<Millis> delay_{Millis{0}};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> connections_{0};
  std::list<Link> links_;  // of the thread
  std::thread thread_;
};

}  // namespace weir::test
