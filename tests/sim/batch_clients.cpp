#include "tests/sim/batch_clients.hpp"

#include <algorithm>

#include "pkg/base/assert.hpp"

namespace weir::sim {

using namespace std::chrono_literals;

BatchClients::BatchClients(World& world, const jobs::Requests& requests, Ledger& ledger,
                           Hooks hooks)
    : world_(world), requests_(requests), ledger_(ledger), hooks_(std::move(hooks)) {}

std::string BatchClients::join_text() {
  if (ids_.empty()) return {};
  const auto recent = std::min<std::size_t>(ids_.size(), 3);
  return R"(,"batch":")" + ids_[ids_.size() - 1 - world_.below(recent)] + "\"";
}

void BatchClients::operate() {
  if (calm_) return;
  world_.after(Micros{world_.between(200'000, 1'500'000)}, [this] { operate(); });
  if (ids_.empty() || world_.chance(400)) return make();
  const auto& id = ids_[world_.below(ids_.size())];
  const json::View nothing("{}");
  auto operation =
      world_.chance(700) ? requests_.batch_seal(id, nothing) : requests_.batch_cancel(id, nothing);
  hooks_.propose(std::move(operation).value(), [](const Result<replica::Reply>&) {});
}

// The callbacks are jobs that nobody submitted: nothing is known of them until they run.
void BatchClients::make() {
  const auto number = std::to_string(ids_.size() + 1);
  ids_.push_back("batch-" + number);
  std::string body = R"({"id":"batch-)" + number + R"(","seal_after_ms":)" +
                     std::to_string(world_.between(2'000, 12'000));
  for (const std::string name : {"success", "complete"}) {
    if (world_.chance(200)) continue;
    const auto id = name + "-of-" + number;
    body += R"(,"on_)" + name + R"(":{"id":")" + id + R"(","queue":"beta","max_attempts":2})";
    ledger_.submitted(id, Told::unknown);
  }
  Creation creation;
  if (world_.chance(600)) {
    body += R"(,"jobs":[)";
    for (std::uint64_t i = 0; i < 1 + world_.below(6); ++i) {
      creation.jobs.push_back(hooks_.next_job_id());
      body += (i == 0 ? "" : ",") + hooks_.job_text(creation.jobs.back());
    }
    body += world_.chance(700) ? "]" : R"(],"seal":false)";
  }
  body += "}";
  auto operation = requests_.batch_create(json::View(body));
  WEIR_ASSERT(operation.has_value());
  creation.operation = std::move(*operation);
  send(creation, 1);
  for (const auto& id : creation.jobs) hooks_.sent(id);
}

void BatchClients::send(const Creation& creation, int tries) {
  auto answer = std::make_shared<Told>(Told::nothing);
  hooks_.propose(creation.operation, [this, creation, answer](const Result<replica::Reply>& reply) {
    *answer = told_by(reply);
    if (reply) told(creation, json::View(reply->json));
  });
  world_.after(6s, [this, creation, tries, answer] {
    if (*answer == Told::accepted) return;
    for (const auto& id : creation.jobs) ledger_.submitted(id, *answer);
    if (tries < 4) send(creation, tries + 1);
  });
}

// A batch that was there before is answered without its jobs.
void BatchClients::told(const Creation& creation, json::View reply) {
  const auto results = reply.find("results");
  std::size_t at = 0;
  for (const auto result : results.elements()) hooks_.answered(creation.jobs[at++], result);
  if (!results.is_missing()) return;
  for (const auto& id : creation.jobs) ledger_.submitted(id, Told::unknown);
}

}  // namespace weir::sim
