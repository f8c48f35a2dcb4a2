// What the connections of one front share, and the type of their sockets. Internal to this folder.
#pragma once

#include <utility>  // Boost.Asio 1.74 uses std::exchange without it

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "api/http/exchange.hpp"
#include "api/http/front.hpp"
#include "api/http/router.hpp"
#include "pkg/base/bounded_queue.hpp"
#include "pkg/base/ids.hpp"

namespace weir::http {

class Session;
class StreamSession;
class WebSocketSession;

// Outlives the sessions.
struct Shared {
  FrontOptions options;
  Router router;
  std::shared_ptr<const FrontHooks> hooks;  // also kept by requests that are answered later
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();  // the same
  BoundedQueue<std::function<void()>> pool;
  SystemRandom random;
  std::atomic<bool> leaving{false};   // answers carry Connection: close
  std::atomic<bool> draining{false};  // and nothing more is accepted
  std::atomic<std::uint64_t> active{0};
  std::atomic<std::uint64_t> peak{0};
  std::atomic<std::uint64_t> total{0};
  std::atomic<std::uint64_t> streams{0};
  std::atomic<std::uint64_t> streams_total{0};
  std::atomic<std::uint64_t> streams_overflowed{0};
  std::atomic<std::uint64_t> sockets{0};
  std::atomic<std::uint64_t> sockets_total{0};
  std::atomic<std::uint64_t> sockets_overflowed{0};
  std::atomic<std::uint64_t> sockets_dropped{0};
  std::mutex mutex;
  std::set<Session*> sessions;                  // under mutex
  std::set<StreamSession*> stream_sessions;     // under mutex
  std::set<WebSocketSession*> socket_sessions;  // under mutex

  Shared(FrontOptions front_options, std::vector<Route> routes, FrontHooks front_hooks)
      : options(std::move(front_options)),
        router(std::move(routes)),
        hooks(std::make_shared<const FrontHooks>(std::move(front_hooks))),
        pool(options.pool_queue) {}

  void count_opened() {
    const auto now_active = ++active;
    ++total;
    std::uint64_t seen = peak.load();
    while (now_active > seen && !peak.compare_exchange_weak(seen, now_active)) {
    }
  }
};

// For each object of the set that is not being destroyed.
template <class Object, class Action>
void for_each_alive(Shared& shared, const std::set<Object*>& objects, Action action) {
  std::vector<std::shared_ptr<Object>> alive;
  {
    const std::lock_guard lock(shared.mutex);
    for (Object* object : objects) {
      if (auto held = object->weak_from_this().lock()) alive.push_back(std::move(held));
    }
  }
  for (const auto& object : alive) action(*object);
}

}  // namespace weir::http
