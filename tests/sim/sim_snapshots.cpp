#include "tests/sim/sim_snapshots.hpp"

#include <algorithm>

#include "tests/support/temp_dir.hpp"

namespace weir::sim {
namespace {

Error unavailable() {
  return Error{Code::unavailable, "nats_unavailable", "cut off", ""};
}

}  // namespace

bool SnapshotShelf::damage(World& world) {
  const auto good =
      std::count_if(stored.begin(), stored.end(), [](const Stored& one) { return !one.damaged; });
  if (good < 2) return false;
  stored[world.below(stored.size())].damaged = true;
  return true;
}

Result<void> SimSnapshots::put(const replica::SnapshotInfo& info, const std::string& file) {
  if (out_of_reach()) return unavailable();
  shelf_.stored.insert(shelf_.stored.begin(), {info, test::read_file(file), false});
  std::stable_sort(shelf_.stored.begin(), shelf_.stored.end(),
                   [](const auto& a, const auto& b) { return a.info.revision > b.info.revision; });
  world_.trace("snapshot of " + std::to_string(info.revision));
  return {};
}

Result<std::vector<replica::SnapshotInfo>> SimSnapshots::list() {
  if (out_of_reach()) return unavailable();
  std::vector<replica::SnapshotInfo> out;
  for (const auto& one : shelf_.stored) out.push_back(one.info);
  return out;
}

Result<void> SimSnapshots::fetch(const replica::SnapshotInfo& info, const std::string& file) {
  if (out_of_reach()) return unavailable();
  for (const auto& one : shelf_.stored) {
    if (one.info.id != info.id) continue;
    if (one.damaged) return Error{Code::internal, "snapshot_damaged", "Damaged", info.id};
    test::write_file(file, one.data);
    return {};
  }
  return Error{Code::not_found, "snapshot_not_found", "No such snapshot", info.id};
}

Result<void> SimSnapshots::keep(std::size_t count) {
  if (out_of_reach()) return unavailable();
  if (shelf_.stored.size() > count) shelf_.stored.resize(count);
  return {};
}

}  // namespace weir::sim
