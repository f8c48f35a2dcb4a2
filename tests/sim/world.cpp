#include "tests/sim/world.hpp"

#include <cstdio>

namespace weir::sim {

void World::after(Micros delay, std::function<void()> event) {
  events_.push({now_ + delay, ++sequence_, std::move(event)});
}

void World::run_until(Micros end) {
  while (!events_.empty() && events_.top().at <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    hash_ = mix64(hash_ ^ static_cast<std::uint64_t>(now_.count()) ^ (event.sequence << 32U));
    event.run();
  }
  now_ = end;
}

void World::trace(std::string_view what) {
  for (const char c : what) hash_ = mix64(hash_ ^ static_cast<unsigned char>(c));
  if (!verbose_) return;
  std::printf("%12.3f ms  %.*s\n", static_cast<double>(now_.count()) / 1'000.0,
              static_cast<int>(what.size()), what.data());
}

}  // namespace weir::sim
