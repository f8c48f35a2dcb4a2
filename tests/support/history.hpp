// History: what test clients asked and were told, with the time before each call and after its
// answer, for check_history(). A call about several jobs is one event for each. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace weir::test {

enum class Act : std::uint8_t { submit, lease, complete, fail, release, heartbeat, read };
const char* name_of(Act act);

// What the client knows about the outcome.
enum class Told : std::uint8_t {
  yes,      // done
  kept,     // 202: durable at the coordinator, decided when NATS is back
  no,       // refused: nothing happened
  unknown,  // no answer, or one that does not say
};

struct Event {
  std::size_t client = 0;  // one client makes one call after the other
  Act act = Act::read;
  Told told = Told::unknown;
  std::int64_t from_us = 0;  // before the call, and after the answer: now_us()
  std::int64_t to_us = 0;
  std::string job = {};
  std::string lease = {};     // the token; of a lease and of reports under it
  std::int64_t lease_ms = 0;  // of a lease and of heartbeats: how long it holds from then
  std::string status = {};    // of a read; empty: there is no such job
  std::int64_t revision = 0;  // of the log that the answer reflects; 0: not told
};

// The leases of a job so far: the second number of its token; -1 when it is none.
std::int64_t fence_of(const std::string& token);

class History {
 public:
  void add(Event event);
  void add(std::vector<Event> events);
  std::vector<Event> events() const;  // a copy
  std::size_t count(Act act, Told told) const;

  static std::int64_t now_us();  // steady, the same for all threads

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace weir::test
