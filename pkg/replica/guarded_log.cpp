#include "pkg/replica/guarded_log.hpp"

#include "pkg/replica/proposer_core.hpp"

namespace weir::replica {

void GuardedLog::append(std::string_view message_id, std::string_view data, MonoTime deadline,
                        AppendDone done) {
  if (!allowed()) return done(nats_unavailable());
  log_.append(message_id, data, deadline, std::move(done));
}

}  // namespace weir::replica
