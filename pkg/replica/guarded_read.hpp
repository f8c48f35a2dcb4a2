// guarded_read(): a consistent read of the state of a replica that serves reads.
#pragma once

#include <functional>

#include "pkg/replica/serving_state.hpp"
#include "pkg/replica/state_machine.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

// The revision of what was read. Errors: unavailable / replica_stopped, replica_resyncing; of body.
inline Result<Revision> guarded_read(sqlite::ReadPool& readers, const ServingState& serving,
                                     const std::function<Result<void>(sqlite::Database&)>& body) {
  if (!serving.readable()) return serving.refusal();
  Revision revision = 0;
  auto done = readers.read([&](sqlite::Database& db) -> Result<void> {
    {
      auto meta = db.prepare("SELECT applied FROM sys_meta");
      meta.step();
      revision = static_cast<Revision>(meta.int64(0));
    }
    // From here on it is one snapshot; taken before the state was dropped if it is readable still.
    if (!serving.readable()) return serving.refusal();
    return body(db);
  });
  if (!done && !serving.readable()) return serving.refusal();
  if (!done) return std::move(done).error();
  return revision;
}

}  // namespace weir::replica
