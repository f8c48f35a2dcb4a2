#include "jobs/drain.hpp"

#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

// Whoever asked for the worker learns it now.
void answer_waiters(Step& step, std::string_view worker) {
  auto& waiters = step.state.waiters;
  for (const auto seq : waiters.of_worker(worker)) {
    const auto& waiter = *waiters.find(seq);
    step.context.outbound.deliver(waiter.node, waiter.id,
                                  std::string("{\"jobs\":[]").append(kDraining).append("}"));
    waiters.remove(step.db, seq);
  }
}

}  // namespace

Result<std::string> drain_worker(Step& step, json::View body) {
  const auto name = body.find("worker").as_string().value_or("");
  const bool drain = body.find("drain").as_bool().value_or(true);
  auto& workers = step.state.workers;
  Worker* worker = workers.find(name);
  if (worker == nullptr) return worker_not_found(name);
  if (drain != (worker->drained_at != 0)) {
    workers.set_drained(*worker, drain ? step.now : 0);
    if (drain) answer_waiters(step, name);
  }
  json::Writer out(128 + name.size());
  out.begin_object()
      .member("name", name)
      .member("draining", drain)
      .member("running", worker->running)
      .member("revision", step.revision)
      .end_object();
  return out.take();
}

Error worker_not_found(std::string_view name) {
  return Error{Code::not_found, "worker_not_found", "There is no such worker",
               std::string(name) + ": it has not asked for jobs lately"};
}

}  // namespace weir::jobs
