#include "jobs/graph_order.hpp"

#include <functional>
#include <queue>
#include <string>
#include <unordered_map>

namespace weir::jobs {
namespace {

struct Node {
  std::vector<std::size_t> children;
  std::size_t missing = 0;  // parents that are not placed yet
};

using Positions = std::unordered_map<std::string, std::size_t>;

Positions positions_of(json::View jobs) {
  Positions out;
  std::size_t at = 0;
  for (const auto job : jobs.elements()) {
    if (const auto id = job.find("id").as_string()) out.emplace(*id, at);
    ++at;
  }
  return out;
}

std::vector<Node> edges_of(json::View jobs, const Positions& positions) {
  std::vector<Node> nodes;
  for ([[maybe_unused]] const auto job : jobs.elements()) nodes.emplace_back();
  std::size_t at = 0;
  for (const auto job : jobs.elements()) {
    for (const auto parent : job.find("depends_on").elements()) {
      const auto found = positions.find(parent.as_string().value_or(""));
      if (found == positions.end()) continue;
      nodes[found->second].children.push_back(at);
      ++nodes[at].missing;
    }
    ++at;
  }
  return nodes;
}

}  // namespace

std::vector<std::size_t> order_graph(json::View jobs, FieldErrors& errors) {
  auto nodes = edges_of(jobs, positions_of(jobs));
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> free;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].missing == 0) free.push(i);
  }
  std::vector<std::size_t> order;
  while (!free.empty()) {
    const auto at = free.top();
    free.pop();
    order.push_back(at);
    for (const auto child : nodes[at].children) {
      if (--nodes[child].missing == 0) free.push(child);
    }
  }
  if (order.size() == nodes.size()) return order;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].missing == 0) continue;
    errors.invalid("jobs[" + std::to_string(i) + "].depends_on",
                   "waits for itself, or for jobs that wait for each other");
  }
  return order;
}

}  // namespace weir::jobs
