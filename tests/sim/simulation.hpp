// One simulated run: a cluster of real replicas on a log that misbehaves, troubled for a while,
// then left alone until it is calm, then judged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  bool verbose = false;
};

struct RunReport {
  std::vector<std::string> violations;  // empty: every promise was kept
  std::uint64_t trace_hash = 0;         // equal for equal seeds
  std::uint64_t events = 0;
  std::uint64_t entries = 0;
  std::uint64_t jobs = 0;
  std::uint64_t completed = 0;
  std::uint64_t effects = 0;
  std::uint64_t duplicates = 0;  // entries that the log stored twice
  std::uint64_t lost = 0;        // entries that the log lost, and got back
  std::uint64_t restored = 0;    // nodes that began with a snapshot
  std::uint64_t altered = 0;     // nodes whose state was altered behind their back
  std::uint64_t found = 0;       // of them, by the others' digests
};

RunReport run_simulation(const RunOptions& options);

}  // namespace weir::sim
