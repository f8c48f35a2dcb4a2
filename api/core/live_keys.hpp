// LiveKeys: those who stay connected after their API key was looked at (event streams, WebSockets).
// Once a second it looks again, and ends who has a key that was revoked, rotated, or has expired.
//
// Lifecycle: construct -> start() -> ... ; the timers stop before it is destroyed. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/http/event_stream.hpp"
#include "api/runtime/timers.hpp"
#include "pkg/auth/key_machine.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

class LiveKeys {
 public:
  struct Parts {
    const auth::KeyMachine& keys;
    const replica::Instance& instance;
    Timers& timers;
    const Clock& clock;
  };
  explicit LiveKeys(const Parts& parts) : parts_(parts) {}

  void start() { look(); }

  // `end` runs once when the key of `principal` is no longer good, unless `who` is gone by then; on
  // the timer thread, so it must not block. Who came without a key is not looked at.
  void add(const auth::Principal& principal, std::weak_ptr<void> who, std::function<void()> end);
  // A stream: its last event is `unauthorized`, with the reason.
  void add(const auth::Principal& principal, const http::EventStream& stream);

 private:
  struct Connected {
    std::string key_id;
    std::string hash;  // of the key when it came
    std::weak_ptr<void> who;
    std::function<void()> end;
  };

  void look();
  std::vector<Connected> take_ended();

  const Parts parts_;
  std::mutex mutex_;
  std::vector<Connected> connected_;  // guarded by mutex_
};

}  // namespace weir::api
