#include "tests/sim/operator_clients.hpp"

#include "jobs/bulk_request.hpp"
#include "pkg/base/assert.hpp"
#include "tests/sim/webhook_clients.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
constexpr const char* kQueues[] = {"alpha", "beta", "gamma"};

void ignore(const Result<replica::Reply>&) {}

}  // namespace

OperatorClients::OperatorClients(World& world, const jobs::Requests& requests, Ledger& ledger,
                                 const std::vector<std::string>& job_ids, Hooks hooks)
    : world_(world),
      requests_(requests),
      ledger_(ledger),
      job_ids_(job_ids),
      hooks_(std::move(hooks)) {}

void OperatorClients::resume_queues() {
  for (const char* queue : kQueues) propose(requests_.resume(queue));
}

// Requests of this program are valid.
void OperatorClients::propose(Result<replica::Operation> operation) {
  WEIR_ASSERT(operation.has_value());
  hooks_.propose(std::move(*operation), ignore);
}

const std::string& OperatorClients::any_id() {
  return job_ids_[world_.below(job_ids_.size())];
}

void OperatorClients::operate() {
  if (calm_) return;
  world_.after(Micros{world_.between(150'000, 1'000'000)}, [this] { operate(); });
  const auto dice = world_.below(100);
  if (dice < 10) return pause_for_a_while();
  if (dice < 40) return configure();
  if (dice < 50) return limit_all();
  if (job_ids_.empty()) return;
  if (dice < 80) return change_one();
  change_many();
}

void OperatorClients::pause_for_a_while() {
  const char* queue = kQueues[world_.below(3)];
  propose(requests_.pause(queue));
  world_.after(1s, [this, queue] { propose(requests_.resume(queue)); });
}

void OperatorClients::limit_all() {
  const auto limit = std::to_string(1 + world_.below(6));
  const std::string body = world_.chance(700) ? R"({"concurrency":)" + limit + "}" : "{}";
  propose(requests_.set_limits(json::View(body)));
}

void OperatorClients::configure() {
  const std::string queue = kQueues[world_.below(3)];
  const auto config = config_text(queue);
  propose(requests_.queue_config(queue, json::View(config)));
}

std::string OperatorClients::rate_text(std::int64_t limit) {
  std::string text = R"({"limit":)" + std::to_string(world_.between(1, limit)) + R"(,"per_ms":)" +
                     std::to_string(world_.between(100, 2'000));
  if (world_.chance(500)) text += R"(,"burst":)" + std::to_string(world_.between(1, limit));
  return text + "}";
}

// Each setting in some of them, so that all of them meet. Queue beta has no max_waiting: its
// schedule must not be refused a run.
std::string OperatorClients::config_text(const std::string& queue) {
  std::string text;
  const auto add = [&](std::uint64_t per_mille, const std::string& member) {
    if (world_.chance(per_mille)) text += (text.empty() ? "" : ",") + member;
  };
  const auto number = [&](std::int64_t low, std::int64_t high) {
    return std::to_string(world_.between(low, high));
  };
  add(400, WebhookClients::config());
  add(100, R"("dlq":false)");
  add(300, R"("concurrency":)" + number(1, 4));
  add(300, R"("aging_ms":)" + number(50, 3'000));
  add(300, R"("rate":)" + rate_text(20));
  add(queue == "beta" ? 0 : 250, R"("max_waiting":)" + number(3, 30));
  std::string per_key;
  std::swap(text, per_key);
  add(400, R"("concurrency":)" + number(1, 2));
  add(400, R"("rate":)" + rate_text(6));
  add(queue == "beta" ? 0 : 150, R"("max_waiting":)" + number(1, 5));
  std::swap(text, per_key);
  add(1'000, R"("per_key":{)" + per_key + "}");
  return "{" + text + "}";
}

void OperatorClients::change_one() {
  const std::string& id = any_id();
  const json::View nothing("{}");
  switch (world_.below(8)) {
    case 0:
    case 1: {
      const std::string body = R"({"priority":)" + std::to_string(world_.below(10)) +
                               (world_.chance(300) ? R"(,"delay_ms":200)" : "") +
                               (world_.chance(300) ? R"(,"payload":1)" : "") + "}";
      return propose(requests_.edit(id, json::View(body)));
    }
    case 2:
      ledger_.cancelled(id);
      return propose(requests_.cancel(id, nothing));
    case 3:
      ledger_.again(id);
      return propose(requests_.retry(id, nothing));
    case 4: {
      if (ledger_.for_all(id)) return;  // its copy would not expire
      auto copy = requests_.retry(id, json::View(R"({"as_new":true})"));
      WEIR_ASSERT(copy.has_value());
      const auto made = json::View(copy->body).find("as_new").as_string().value_or("");
      ledger_.submitted(made, Told::unknown);
      ledger_.is_like(made, id);
      return propose(std::move(copy));
    }
    case 5:
      // Whoever was not told yet submits it again, and it would be a new one.
      if (!ledger_.accepted(id)) return;
      ledger_.may_go(id);
      return propose(requests_.remove(id));
    default:
      return propose(requests_.promote(id, nothing));
  }
}

void OperatorClients::change_many() {
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < 2 + world_.below(8); ++i) ids.push_back(any_id());
  switch (world_.below(3)) {
    case 0:
      for (const auto& id : ids) ledger_.cancelled(id);
      return propose(jobs::cancel_jobs(ids));
    case 1: {
      all_again();
      world_.after(12s, [this] { all_again(); });  // those that came before it did
      const std::string body =
          R"({"filter":{"queue":")" + std::string(kQueues[world_.below(3)]) + "\"}}";
      return propose(requests_.dlq_redrive(json::View(body)));
    }
    default: {
      for (const auto& id : ids) ledger_.again(id);
      if (world_.chance(500)) return propose(jobs::redrive_jobs(ids));
      return redrive(ids);
    }
  }
}

void OperatorClients::all_again() {
  for (const auto& id : job_ids_) ledger_.again(id);
}

// At a rate or with a patch; some are stopped again.
void OperatorClients::redrive(const std::vector<std::string>& ids) {
  constexpr const char* kHow[] = {R"("rate_per_s":2)", R"("rate_per_s":200,"patch":{"n":null})",
                                  R"("patch":{"patched":true})"};
  std::string list;
  for (const auto& id : ids) list.append(list.empty() ? "\"" : ",\"").append(id).append("\"");
  const std::string body = "{\"ids\":[" + list + "]," + kHow[world_.below(3)] + "}";
  auto operation = requests_.redrive_start(json::View(body));
  WEIR_ASSERT(operation.has_value());
  hooks_.propose(std::move(*operation), [this](const Result<replica::Reply>& reply) {
    if (!reply || !world_.chance(200)) return;
    const auto id = json::View(reply->json).find("id").as_string().value_or("");
    world_.after(700ms, [this, id] { propose(jobs::Requests::redrive_cancel(id)); });
  });
}

}  // namespace weir::sim
