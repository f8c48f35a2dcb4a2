#include "api/jobs/batch_submit.hpp"

#include <algorithm>
#include <mutex>

#include "api/jobs/idempotency.hpp"
#include "api/jobs/parent_access.hpp"
#include "api/jobs/quota.hpp"
#include "jobs/kept.hpp"

namespace weir::api {
namespace {

// Gathers the replies of a batch's parts; the last one answers.
class Gathering {
 public:
  Gathering(Call call, jobs::Batch batch, const Clock& clock)
      : call_(std::move(call)),
        batch_(std::move(batch)),
        clock_(clock),
        missing_(batch_.parts.size()) {
    const Error none{Code::internal, "internal", "A part of the batch had no answer.", ""};
    replies_.assign(missing_, Result<replica::Reply>(none));
  }

  void set(std::size_t part, Result<replica::Reply> reply) {
    {
      const std::lock_guard lock(mutex_);
      if (reply && reply->kept) {
        kept_ = true;
        reply->json = jobs::kept_answer(reply->json, clock_.wall());
      }
      replies_[part] = std::move(reply);
      if (--missing_ > 0) return;
    }
    answer();
  }

  void answer() {
    auto merged = jobs::merge_batch(batch_, replies_);
    if (!merged) return call_.fail(merged.error());
    std::optional<replica::Revision> revision;
    for (const auto& reply : replies_) {
      if (reply && (!revision || reply->revision > *revision)) revision = reply->revision;
    }
    if (kept_) {
      merged->pop_back();
      return call_.reply(202, *merged + R"(,"storage":"sqlite"})");
    }
    const int status = jobs::is_duplicate(*merged) ? 200 : 201;
    call_.reply(status, std::move(*merged), revision);
  }

 private:
  const Call call_;
  const jobs::Batch batch_;
  const Clock& clock_;
  bool kept_ = false;  // a part of it waits for NATS
  std::mutex mutex_;
  std::size_t missing_;
  std::vector<Result<replica::Reply>> replies_;
};

Result<void> check_job(Services& services, const Call& call, json::View job) {
  // Without a queue it is refused by the parser with its position.
  if (const auto queue = job.find("queue").as_string()) WEIR_TRY(call.check_queue(*queue));
  return check_parents(services, call, job);
}

// A key with queue patterns may name only queues it is for, in every job of the batch.
Result<void> check_queues(Services& services, const Call& call, bool is_ndjson) {
  if (call.principal().queues.empty()) return {};
  if (!is_ndjson) {
    for (const json::View job : call.body().find("jobs").elements()) {
      WEIR_TRY(check_job(services, call, job));
    }
    return {};
  }
  std::string_view rest = call.body_text();
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = rest.substr(0, end);
    if (json::check(line)) WEIR_TRY(check_job(services, call, json::View(line)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

}  // namespace

void submit_batch(Services& services, const Call& call) {
  const bool is_ndjson = call.body().is_missing();
  if (const auto allowed = check_queues(services, call, is_ndjson); !allowed) {
    return call.fail(allowed.error());
  }
  const auto once = idempotency_of(services, call);
  if (!once) return call.fail(once.error());
  auto batch = is_ndjson ? services.requests.submit_ndjson(call.body_text(), *once)
                         : services.requests.submit_batch(call.body(), *once);
  if (!batch) return call.fail(batch.error());
  std::vector<replica::Operation> operations;
  for (auto& part : batch->parts) operations.push_back(charged(call, std::move(part.operation)));
  const bool may_wait = std::ranges::all_of(operations, jobs::may_wait);
  const auto gathering = std::make_shared<Gathering>(call, std::move(*batch), services.clock);
  if (operations.empty()) return gathering->answer();
  for (std::size_t i = 0; i < operations.size(); ++i) {
    auto answer = [gathering, i](Result<replica::Reply> reply) {
      gathering->set(i, std::move(reply));
    };
    if (may_wait) {
      operations[i].when_kept = jobs::kAccepted;
      services.instance.propose_or_keep(std::move(operations[i]), std::move(answer));
    } else {
      services.instance.propose(std::move(operations[i]), std::move(answer));
    }
  }
}

}  // namespace weir::api
