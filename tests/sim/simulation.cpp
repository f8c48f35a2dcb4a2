#include "tests/sim/simulation.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "tests/sim/clients.hpp"
#include "tests/sim/judge.hpp"
#include "tests/sim/state_digest.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
constexpr Micros kCalmLimit = 600s;

// Files in memory: a disk makes a run five times as long, and no run reboots the machine.
std::filesystem::path fast_folder() {
  constexpr std::uintmax_t kEnough = 256U << 20U;
  const std::filesystem::path memory = "/dev/shm";
  std::error_code error;
  const auto space = std::filesystem::space(memory, error);
  const bool fits = !error && space.available >= kEnough && ::access(memory.c_str(), W_OK) == 0;
  return fits ? memory : std::filesystem::temp_directory_path();
}

class Simulation {
 public:
  explicit Simulation(const RunOptions& options)
      : world_(options.seed, options.verbose), log_(world_) {
    const std::size_t count = 2 + world_.below(2);
    for (std::size_t i = 0; i < count; ++i) {
      nodes_.push_back(
          std::make_unique<SimNode>(world_, SimNode::Outside{log_, lease_, effects_, snapshots_},
                                    dir_.file("n" + std::to_string(i)), i));
    }
    clients_ = std::make_unique<Clients>(world_, nodes_, ledger_, log_.test_clock());
  }

  RunReport run() {
    for (auto& node : nodes_) {
      node->start();
      node->begin_troubles();
    }
    clients_->begin();
    // One of three: the other two know better.
    if (nodes_.size() == 3 && world_.chance(250)) {
      altered_ = nodes_[world_.below(nodes_.size())].get();
      for (auto& node : nodes_) node->take_no_snapshots();
      alter(Micros{world_.between(2'000'000, 8'000'000)});
    }
    trouble();
    const Micros troubled{world_.between(4'000'000, 20'000'000)};
    world_.run_until(troubled);
    RunReport report;
    if (!calm_down()) report.violations.push_back("did not become calm: " + unrest());
    find_altered(report);
    report.entries = log_.last();
    report.lost = log_.lost();
    for (const auto& node : nodes_) report.restored += node->restored();
    for (auto& violation : violations_) report.violations.push_back(std::move(violation));
    Witness witness(log_);
    witness.replay();
    judge(nodes_, log_, effects_, ledger_, witness, report);
    report.trace_hash = world_.trace_hash();
    report.events = world_.events();
    report.duplicates = log_.duplicates_stored();
    return report;
  }

 private:
  // Without faults everything that was accepted must come to its end by itself.
  bool calm_down() {
    world_.set_faults(false);
    calm_ = true;
    world_.trace("calm");
    clients_->calm();
    world_.run_until(world_.now() + 40s);  // cuts end, nodes are back, what was late has come
    clients_->resume_queues();
    clients_->pause_schedules();
    const Micros end = world_.now() + kCalmLimit;
    while (world_.now() < end && !clients_->beats_are_over()) world_.run_until(world_.now() + 1s);
    world_.run_until(world_.now() + 1s);
    while (world_.now() < end && (!all_equal() || unfinished(*nodes_[0]) > 0)) {
      world_.run_until(world_.now() + 1s);
    }
    clients_->end();
    world_.run_until(world_.now() + 5s);
    while (world_.now() < end && !all_equal()) world_.run_until(world_.now() + 1s);
    return all_equal() && unfinished(*nodes_[0]) == 0;
  }

  // What happens to NATS.
  void trouble() {
    world_.after(Micros{world_.between(1'000'000, 8'000'000)}, [this] {
      if (world_.fault(500)) lose_end();
      if (world_.fault(300) && snapshots_.damage(world_)) world_.trace("a snapshot rots");
      if (!calm_) trouble();
    });
  }

  // Entries that a coordinator can give back: it has seen all that any has, and looks first. (What
  // nobody has applied is nobody's promise.)
  void lose_end() {
    SimNode* best = nullptr;
    replica::Revision reach = 0;
    for (auto& node : nodes_) reach = std::max(reach, node->reach());
    for (auto& node : nodes_) {
      if (node->can_heal() && node->applied() == reach) best = node.get();
    }
    if (best == nullptr || best->journal_begin() == 0) return;
    const auto begin = std::max(best->journal_begin(), log_.first());
    if (begin >= reach) return;
    const auto most = std::min<replica::Revision>(reach - begin, 40);
    const auto last = reach - world_.below(most + 1);
    log_.lose_end(last, reach);
    if (all_can_heal(last, reach)) return;
    if (!best->heals_now()) violations_.push_back(best->id() + " could not heal the log");
  }

  // Then they do it as they find the time, one after the other or at once, and nobody writes
  // before.
  bool all_can_heal(replica::Revision last, replica::Revision reach) const {
    return std::ranges::all_of(nodes_, [&](const auto& node) {
      return node->can_heal() && node->applied() == reach && node->journal_begin() > 0 &&
             node->journal_begin() <= last;
    });
  }

  void alter(Micros in) {
    world_.after(in, [this] {
      if (altered_->alter_silently()) {
        is_altered_ = true;
      } else if (!calm_) {
        alter(Micros{100ms});
      }
    });
  }

  // Goes on until the walk over the tables has come to what was altered, or it went by itself.
  void find_altered(RunReport& report) {
    std::size_t diverged = 0;
    const auto count = [&] {
      diverged = 0;
      for (const auto& node : nodes_) diverged += node->diverged();
    };
    count();
    if (!is_altered_) {
      if (diverged > 0) report.violations.push_back("a node was called different and is not");
      return;
    }
    report.altered = 1;
    const Micros end = world_.now() + kCalmLimit;
    for (int second = 1; world_.now() < end; ++second) {
      world_.run_until(world_.now() + 1s);
      if (second % 15 == 0 && all_equal() && same_states()) break;
      // Something for the leader to make checkpoints of.
      auto& node = *nodes_[world_.below(nodes_.size())];
      if (node.serving() && second % 15 < 10) {
        node.propose({"toy.tick", "{}"}, [](const Result<replica::Reply>&) {});
      }
    }
    count();
    report.found = altered_->diverged() > 0 ? 1 : 0;
    if (!all_equal() || !same_states()) {
      report.violations.push_back("what was altered on " + altered_->id() + " was not found");
    }
  }

  bool same_states() {
    for (const auto& node : nodes_) {
      if (state_digest(node->db()).at("jobs") != state_digest(nodes_[0]->db()).at("jobs")) {
        return false;
      }
    }
    return true;
  }

  bool all_equal() const {
    for (const auto& node : nodes_) {
      if (!node->serving() || node->applied() != log_.last()) return false;
      if (node->effects_waiting() > 0 || !node->outbox_empty()) return false;
    }
    return true;
  }

  std::string unrest() const {
    std::string out;
    for (const auto& node : nodes_) {
      out += node->id() + (node->serving() ? " serves" : " does not serve") + " at " +
             std::to_string(node->applied()) + "/" + std::to_string(log_.last()) + ", owes " +
             std::to_string(node->effects_waiting()) + " effects; ";
    }
    if (nodes_[0]->up()) out += std::to_string(unfinished(*nodes_[0])) + " jobs unfinished";
    return out;
  }

  World world_;
  test::TempDir dir_{fast_folder()};
  SimLog log_;
  SharedLease lease_;
  EffectStream effects_;
  SnapshotShelf snapshots_;
  Ledger ledger_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  std::unique_ptr<Clients> clients_;
  std::vector<std::string> violations_;
  SimNode* altered_ = nullptr;
  bool is_altered_ = false;
  bool calm_ = false;
};

}  // namespace

RunReport run_simulation(const RunOptions& options) {
  Simulation simulation(options);
  return simulation.run();
}

}  // namespace weir::sim
