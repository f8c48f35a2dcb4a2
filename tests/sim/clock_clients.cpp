#include "tests/sim/clock_clients.hpp"

#include "pkg/replica/sys_machine.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using replica::SysMachine;

constexpr int kMostTries = 20;

void ignore(const Result<replica::Reply>&) {}

}  // namespace

void ClockClients::turn() {
  if (calm_) return;
  world_.after(Micros{world_.between(300'000, 3'000'000)}, [this] { turn(); });
  if (world_.chance(600)) return advance();
  hooks_.propose(SysMachine::test_clock({.to = {}, .freeze = world_.chance(500)}), ignore);
}

// Some ask for a time that is over: then it stays as it is.
void ClockClients::advance() {
  const auto now = hooks_.log_time();
  if (!now) return;
  SysMachine::ClockChange change{.to = *now + Millis{world_.between(-500, 6'000)}, .freeze = {}};
  if (world_.chance(200)) change.freeze = world_.chance(500);
  hooks_.propose(SysMachine::test_clock(change), [this,
                                                  change](const Result<replica::Reply>& reply) {
    if (!reply) return;
    const auto told = json::View(reply->json).find("now_ms").as_int().value_or(0);
    ledger_.time_told({.revision = reply->revision, .asked = to_unix_ms(*change.to), .now = told});
  });
}

void ClockClients::calm() {
  calm_ = true;
  run_on(1);
  // And again when what was late has come.
  world_.after(39s, [this] { run_on(1); });
}

// Again until it is sure.
void ClockClients::run_on(int tries) {
  const auto sure = std::make_shared<bool>(false);
  hooks_.propose(SysMachine::test_clock({.to = {}, .freeze = false}),
                 [sure](const Result<replica::Reply>& reply) { *sure = reply.has_value(); });
  world_.after(3s, [this, tries, sure] {
    if (!*sure && tries < kMostTries) run_on(tries + 1);
  });
}

}  // namespace weir::sim
