// Leadership: what an operator may ask about who leads. Each question is answered once, after the
// lease was written or refused; the answer may come from another thread, and must not block.
//
// Never two lead: who hands over stops before it writes; who takes by force waits until the one
// before cannot lead any more. Thread-safe.
#pragma once

#include <functional>
#include <string>

#include "pkg/base/result.hpp"

namespace weir::replica {

class Leadership {
 public:
  using Done = std::function<void(Result<void>)>;

  virtual ~Leadership() = default;

  // The name this node leads under: other in each of its lives.
  virtual const std::string& holder() const = 0;
  virtual bool leads() const = 0;

  // Gives the lease to `heir`, the holder() of another node, which has only to claim it. Errors:
  // conflict / not_leader; unavailable / nats_unavailable, deadline_exceeded (it may be given).
  virtual void hand_over(std::string heir, Done done) = 0;
  // Takes the lease when it is free or was handed to this node, else does nothing. Errors: conflict
  // / lease_held, lease_changed; unavailable / nats_unavailable, replica_not_ready.
  virtual void claim(Done done) = 0;
  // Takes the lease from whoever has it. Answered before it leads: that begins when the one before
  // cannot lead any more. Errors: those of claim() but lease_held.
  virtual void take(Done done) = 0;
};

}  // namespace weir::replica
