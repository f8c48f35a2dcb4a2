// LargeValueSweeper: on the leader, deletes the chunks of large values that no job refers to any
// more, and now and then those that never belonged to one: their request failed between the upload
// and the log.
//
// Lifecycle: start() once; it goes on by itself on the timers and workers it was given, and ends
// with them. Bounded work each time.
#pragma once

#include <cstdint>
#include <memory>

#include "api/runtime/timers.hpp"
#include "api/runtime/workers.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/replica/blob_store.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

struct SweepOptions {
  Millis period{5'000};                         // between looks at what is unused
  Millis orphan_period{std::chrono::hours(1)};  // between looks for orphans
  Millis orphan_age{std::chrono::hours(24)};    // before a chunk without a job is one
};

class LargeValueSweeper {
 public:
  struct Parts {
    replica::Instance& instance;
    replica::BlobStore& blobs;
    Timers& timers;
    Workers& workers;
    const Clock& clock;
  };
  LargeValueSweeper(const Parts& parts, const SweepOptions& options);

  void start();

 private:
  void arm(Millis wait);
  void sweep();
  bool remove_unused();  // true: there is more
  void remove_orphans();

  const Parts parts_;
  const SweepOptions options_;
  MonoTime next_orphans_;
  std::uint64_t orphans_from_ = 0;  // sequence to go on from
};

}  // namespace weir::api
