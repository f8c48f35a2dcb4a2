// What happens to a simulated coordinator.
#include "pkg/base/assert.hpp"
#include "tests/sim/sim_node.hpp"

namespace weir::sim {

bool SimNode::stop_if_diverged() {
  if (!life_->core->digests().diverged()) return false;
  say("differs from the others, and is built anew");
  ++diverged_;
  die();
  files_.wipe();
  world_.after(Micros{world_.between(1'000, 3'000'000)}, [this] { start(); });
  return true;
}

bool SimNode::alter_silently() {
  if (!up()) return false;
  bool altered = false;
  WEIR_ASSERT(life_->db->transaction([&]() -> Result<void> {
    // Not a message: many go with their queue before anybody looks.
    auto change = life_->db->prepare(
        "UPDATE jobs SET payload='\"altered\"' WHERE row=(SELECT max(row)-?1 FROM jobs)"
        " AND type<>'message'");
    change.bind_all(static_cast<std::int64_t>(world_.below(20)));
    change.run();
    altered = change.changes() > 0;
    return {};
  }));
  if (altered) say("is altered silently");
  return altered;
}

void SimNode::begin_troubles() {
  world_.after(Micros{world_.between(200'000, 6'000'000)}, [this] {
    if (world_.fault(1'000)) trouble();
    begin_troubles();
  });
}

void SimNode::trouble() {
  if (log_.lost_its_end()) return;  // one at a time: it may be what only this node has
  const auto until = Micros{world_.between(100'000, 12'000'000)};
  switch (world_.below(5)) {
    case 0:
      crash();
      return;
    case 1:
      cut_off(until);
      return;
    case 2:
      lose_database();
      return;
    case 3:
      say("clock step");
      clock_.set_skew(Millis{world_.between(-600'000, 600'000)});
      return;
    default:
      say("rogue leader");
      rogue_ = true;
      world_.after(until, [this] { rogue_ = false; });
  }
}

void SimNode::cut_off(Micros until) {
  say("cut");
  cut_ = true;
  log_.set_cut(true);
  world_.after(until, [this] {
    say("reconnected");
    cut_ = false;
    log_.set_cut(false);
  });
}

// Sometimes a disk is replaced.
void SimNode::lose_database() {
  if (!up() || !world_.chance(400)) return;
  say("loses its database");
  die();
  files_.wipe();
  world_.after(Micros{world_.between(1'000, 3'000'000)}, [this] { start(); });
}

}  // namespace weir::sim
