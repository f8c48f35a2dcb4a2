// NodeFiles: what a simulated coordinator has on its disk, and what happens to it there.
#pragma once

#include <string>

#include "tests/sim/world.hpp"

namespace weir::sim {

class NodeFiles {
 public:
  explicit NodeFiles(std::string folder);

  const std::string& folder() const { return folder_; }
  std::string database() const { return folder_ + "/replica.db"; }
  std::string outbox() const { return folder_ + "/outbox.db"; }
  std::string journal() const { return folder_ + "/replica.journal"; }

  // An image is what the disk holds for sure: a state between two transactions.
  void save_image();
  // The database is set back to its image, the journal is torn. The outbox is synced.
  bool lose_power(World& world);
  // Database and journal are gone; the outbox stays.
  void wipe();

 private:
  void tear_journal(World& world) const;

  const std::string folder_;
  bool has_image_ = false;
};

}  // namespace weir::sim
