// MemorySnapshots: a replica::SnapshotStore in memory, that tests can damage. Thread-safe.
#pragma once

#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "pkg/replica/snapshot_store.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::test {

class MemorySnapshots final : public replica::SnapshotStore {
 public:
  void set_connected(bool connected) {
    const std::lock_guard lock(mutex_);
    connected_ = connected;
  }
  // The newest `count` ones cannot be read any more.
  void damage(std::size_t count) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < count; ++i) stored_.at(i).damaged = true;
  }

  Result<void> put(const replica::SnapshotInfo& info, const std::string& file) override {
    const std::lock_guard lock(mutex_);
    if (!connected_) return unavailable();
    stored_.insert(stored_.begin(), {info, read_file(file), false});
    return {};
  }
  Result<std::vector<replica::SnapshotInfo>> list() override {
    const std::lock_guard lock(mutex_);
    if (!connected_) return unavailable();
    std::vector<replica::SnapshotInfo> out;
    for (const auto& one : stored_) out.push_back(one.info);
    return out;
  }
  Result<void> fetch(const replica::SnapshotInfo& info, const std::string& file) override {
    const std::lock_guard lock(mutex_);
    if (!connected_) return unavailable();
    for (const auto& one : stored_) {
      if (one.info.id != info.id) continue;
      if (one.damaged) return Error{Code::internal, "snapshot_damaged", "Damaged", info.id};
      write_file(file, one.data);
      return {};
    }
    return Error{Code::not_found, "snapshot_not_found", "No such snapshot", info.id};
  }
  Result<void> keep(std::size_t count) override {
    const std::lock_guard lock(mutex_);
    if (stored_.size() > count) stored_.resize(count);
    return {};
  }

 private:
  struct Stored {
    replica::SnapshotInfo info;
    std::string data;
    bool damaged = false;
  };
  static Error unavailable() {
    return Error{Code::unavailable, "nats_unavailable", "Not connected", ""};
  }

  std::mutex mutex_;
  bool connected_ = true;
  std::vector<Stored> stored_;  // newest first
};

}  // namespace weir::test
