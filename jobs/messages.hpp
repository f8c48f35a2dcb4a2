// Messages: jobs as the messages of a plain queue. A message is a job of type `message`; whoever
// consumes it holds a lease, and names the message, not the lease, when it answers: the lease that
// is live then is looked up here, where the log decides.
//
// The worker of such a lease is the consumer: "<key>", "<key>/<consumer>" or, of a socket that
// named no consumer, "<key>/~<socket>".
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <string>

#include "jobs/step.hpp"

namespace weir::jobs {

inline constexpr std::string_view kMessageType = "message";

class Messages {
 public:
  explicit Messages(Step& step) : step_(step) {}

  // {"queue","config"}: makes it. Errors: conflict / queue_exists, too_many_requests /
  // too_many_queues.
  Result<std::string> create(json::View body);

  // {"config","job"}: makes the queue with the config when it is not there. Reply {"message_id",
  // "position"}: how many come before it and itself. Errors: of Submitter::insert, quota_exceeded.
  Result<std::string> publish(json::View body);

  // jobs.lease of queues that must exist. Errors: not_found / queue_not_found, of Leaser::apply.
  Result<std::string> consume(json::View body);

  // {"queue","id","key","consumer"?,"socket"?,"salt"}. Reply {"success":true}, of nack also
  // "action": requeued, dead_lettered or, where there are no dead letters, discarded.
  // Errors: not_found / queue_not_found, message_not_found (also of one that has ended);
  // conflict / lease_lost (waits again, or another consumer has it).
  Result<std::string> ack(json::View body);
  Result<std::string> nack(json::View body);  // "requeue"

 private:
  // The job row and the token of the lease that the caller holds.
  struct Held {
    std::int64_t row;
    std::string token;
  };
  Result<Held> find_held(json::View body);
  Result<Queue*> make_queue(std::string_view name, json::View config);

  Step& step_;
};

}  // namespace weir::jobs
