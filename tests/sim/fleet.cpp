#include "tests/sim/fleet.hpp"

#include <cstdlib>

namespace weir::sim {
namespace {

constexpr std::string_view kName = "worker-";

}  // namespace

std::string worker_name(std::size_t worker) {
  return std::string(kName) + std::to_string(worker);
}

// Every second worker is in the west, each of them in a place of its own.
std::string labels_of(std::size_t worker) {
  return R"({"place":")" + std::string(worker % 2 == 0 ? "west." : "western.") +
         std::to_string(worker) + R"(","size":"m"})";
}

std::string labels_of(const std::string& name) {
  if (!name.starts_with(kName)) return {};
  return labels_of(static_cast<std::size_t>(std::atoi(name.c_str() + kName.size())));
}

std::string target_text(World& world, std::size_t workers) {
  constexpr const char* kLabels[] = {"place=west", "place=western", "place=west.0", "size=m"};
  if (!world.chance(250)) return {};
  const auto target = world.chance(500)
                          ? "host:" + worker_name(world.below(workers))
                          : std::string("label:") + kLabels[world.below(std::size(kLabels))];
  return R"(,"target":")" + target + "\"";
}

}  // namespace weir::sim
