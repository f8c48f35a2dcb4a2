#include "tests/sim/clients.hpp"

#include "jobs/kept.hpp"
#include "jobs/quota.hpp"
#include "jobs/token.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/time_text.hpp"
#include "tests/sim/fleet.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
constexpr const char* kQueues[] = {"alpha", "beta", "gamma"};
// Requests of this program are valid.
template <class T>
T must(Result<T> result) {
  WEIR_ASSERT(result.has_value());
  return std::move(result).value();
}

std::string text_of(json::View view, std::string_view member) {
  return view.find(member).as_string().value_or("");
}

}  // namespace

Clients::Clients(World& world, std::vector<std::unique_ptr<SimNode>>& nodes, Ledger& ledger,
                 bool test_clock)
    : world_(world),
      nodes_(nodes),
      ledger_(ledger),
      clock_(world),
      random_(world),
      ids_(clock_, random_),
      requests_(ids_, random_, {.signs_webhooks = true}),
      schedules_(world, requests_, ledger,
                 {.any_node = [this] { return any_node(); }, .propose = proposer()}),
      batches_(
          world, requests_, ledger,
          {.propose = proposer(),
           .next_job_id = [this] { return "job-" + std::to_string(++next_id_); },
           .job_text = [this](const std::string& id) { return job_text(id); },
           .sent = [this](const std::string& id) { job_ids_.push_back(id); },
           .answered = [this](const std::string& id,
                              json::View result) { ledger_.submitted(id, answered(id, result)); }}),
      operators_(world, requests_, ledger, job_ids_, {.propose = proposer()}),
      drains_(world, proposer()),
      webhooks_(world, ledger, [this] { return any_node(); }),
      messages_(world, requests_, ledger,
                {.any_node = [this] { return any_node(); }, .propose = proposer()}),
      structures_(world, ledger.structures(), proposer()),
      time_(world, ledger, {.propose = proposer(), .log_time = [this] { return log_time(); }}),
      test_clock_(test_clock) {
  for (auto& node : nodes_) {
    node->set_orphan_handler([this, at = node.get()](std::string json) {
      auto release = jobs::release_delivery(json);
      if (release) at->propose(std::move(*release), [](const Result<replica::Reply>&) {});
    });
  }
}

void Clients::begin() {
  workers_ = 2 + world_.below(4);
  for (std::size_t i = 0; i < workers_; ++i) work(i);
  for (int i = 0; i < 2; ++i) produce();
  schedules_.begin();
  batches_.begin();
  operators_.begin();
  std::vector<std::string> workers;
  for (std::size_t i = 0; i < workers_; ++i) {
    for (const char* types : {"", "_t0", "_t1_t2"}) workers.push_back(worker_name(i) + types);
  }
  drains_.begin(std::move(workers));
  webhooks_.begin();
  messages_.begin();
  structures_.begin();
  if (test_clock_) time_.begin();
  add();
}

SimNode* Clients::any_node() {
  const std::size_t from = world_.below(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    auto& node = *nodes_[(from + i) % nodes_.size()];
    if (node.serving()) return &node;
  }
  return nullptr;
}

std::optional<Timestamp> Clients::log_time() {
  const SimNode* node = any_node();
  if (node == nullptr) return std::nullopt;
  return node->core().position().time;
}

void Clients::propose(replica::Operation operation, replica::ReplyHandler done) {
  if (SimNode* node = any_node()) {
    node->propose(std::move(operation), std::move(done));
  } else {
    done(replica::nats_unavailable());
  }
}

void Clients::propose_or_keep(replica::Operation operation, replica::ReplyHandler done) {
  SimNode& node = *nodes_[world_.below(nodes_.size())];
  if (node.up()) return node.propose_or_keep(std::move(operation), std::move(done));
  propose(std::move(operation), std::move(done));
}

// --- producers -----------------------------------------------------------------------------------

std::string Clients::job_text(const std::string& id) {
  std::string text =
      R"({"id":")" + id + R"(","queue":")" + kQueues[world_.below(3)] + R"(","type":"t)" +
      std::to_string(world_.below(3)) + R"(","payload":)" +
      (world_.chance(50) ? large_value() : R"({"n":)" + std::to_string(next_id_) + "}") +
      R"(,"priority":)" + std::to_string(world_.below(10)) + R"(,"max_attempts":)" +
      std::to_string(1 + world_.below(4)) + R"(,"backoff":{"kind":"fixed","delay_ms":)" +
      std::to_string(100 + world_.below(1'500)) + "}";
  if (world_.chance(500)) text += ",\"key\":\"k" + std::to_string(world_.below(5)) + "\"";
  const bool delayed = world_.chance(200);
  if (delayed) text += ",\"delay_ms\":" + std::to_string(world_.below(3'000));
  const auto end = to_unix_ms(clock_.wall()) + static_cast<std::int64_t>(world_.below(4'000));
  const bool expires = world_.chance(100);
  if (expires) text += ",\"expires_at\":" + std::to_string(end);
  if (world_.chance(150)) text += ",\"timeout_ms\":" + std::to_string(world_.between(300, 4'000));
  // Workers that name types leave some of its jobs alone: they must expire.
  if (expires && world_.chance(400)) {
    ledger_.is_for_all(id);
    return text + R"(,"target":"_all"})";
  }
  text += target_text(world_, workers_);
  if (world_.chance(100)) text += WebhookClients::job_text();
  if (world_.chance(250)) {
    text += unique_text(delayed);
  } else if (!job_ids_.empty() && world_.chance(300)) {
    text += parents_text();
  } else if (world_.chance(150)) {
    // Longer than anybody asks again.
    text += test_clock_ ? R"(,"retention_ms":600000)" : R"(,"retention_ms":30000)";
    ledger_.may_go(id);
  }
  return text + "}";
}

std::string Clients::submit_text(const std::string& id) {
  auto text = job_text(id);
  if (!world_.chance(200)) return text;
  text.pop_back();
  return text + batches_.join_text() + "}";
}

// Debouncing is for jobs that begin later.
std::string Clients::unique_text(bool delayed) {
  constexpr const char* kScopes[] = {"active", "active", "queued", "retained", "ttl"};
  constexpr const char* kActions[] = {"return", "return", "reject", "replace", "debounce"};
  const std::string scope = kScopes[world_.below(5)];
  return R"(,"unique":{"key":"u)" + std::to_string(world_.below(6)) + R"(","scope":")" + scope +
         R"(","on_conflict":")" + kActions[world_.below(delayed ? 5 : 4)] + "\"" +
         (scope == "ttl" ? R"(,"ttl_ms":3000})" : "}");
}

// Of jobs that were submitted before; not all of them were accepted.
std::string Clients::parents_text() {
  constexpr const char* kPolicies[] = {"fail", "ignore", "run"};
  std::string text = R"(,"depends_on":[)";
  for (std::uint64_t i = 0; i < 1 + world_.below(3); ++i) {
    const auto recent = std::min<std::size_t>(job_ids_.size(), 12);
    const auto& parent = job_ids_[job_ids_.size() - 1 - world_.below(recent)];
    text.append(i == 0 ? "\"" : ",\"").append(parent).append("\"");
  }
  return text + R"(],"on_failure":")" + kPolicies[world_.below(3)] + "\"";
}

void Clients::produce() {
  if (calm_) return;
  if (world_.chance(150)) {
    std::vector<std::string> ids;
    std::string body = world_.chance(400) ? R"({"atomic":true,"jobs":[)" : R"({"jobs":[)";
    for (std::uint64_t i = 0; i < 2 + world_.below(6); ++i) {
      ids.push_back("job-" + std::to_string(++next_id_));
      body += (i == 0 ? "" : ",") + submit_text(ids.back());
    }
    submit_batch(ids, body + "]}");
  } else {
    const std::string id = "job-" + std::to_string(++next_id_);
    const std::string text = submit_text(id);
    if (world_.chance(200)) {
      submit_once("key of " + id, id, text, 1);
    } else {
      auto operation = must(requests_.submit(json::View(text)));
      if (world_.chance(300)) operation = jobs::of_key(std::move(operation), "tenant", 3);
      submit(id, operation, 1);
    }
  }
  world_.after(Micros{world_.between(5'000, 250'000)}, [this] { produce(); });
}

void Clients::submit(const std::string& id, const replica::Operation& operation, int tries) {
  job_ids_.push_back(id);
  // A node that dies never answers: the client notices and asks again under the same id.
  auto told = std::make_shared<Told>(Told::nothing);
  const auto done = [this, id, told](const Result<replica::Reply>& reply) {
    WEIR_ASSERT(*told == Told::nothing);
    const bool kept = reply && reply->kept;
    *told = reply && !kept ? answered(id, json::View(reply->json)) : told_by(reply);
    if (kept) {
      *told = Told::unknown;
      ledger_.kept(id);
    }
    if (reply) ledger_.submitted(id, *told);
  };
  if (jobs::may_wait(operation)) {
    auto kept = operation;
    kept.when_kept = jobs::kAccepted;
    propose_or_keep(std::move(kept), done);
  } else {
    propose(operation, done);
  }
  world_.after(6s, [this, id, operation, tries, told] {
    ledger_.submitted(id, *told);
    if (*told == Told::accepted || *told == Told::other || tries >= 4 || world_.chance(200)) return;
    submit(id, operation, tries + 1);
  });
}

// The same request under one Idempotency-Key, sent again as if it were new: under another id.
void Clients::submit_once(const std::string& key, const std::string& id, const std::string& text,
                          int tries) {
  job_ids_.push_back(id);
  auto told = std::make_shared<Told>(Told::nothing);
  propose(must(requests_.submit(json::View(text), {.key = key, .by = "sim", .digest = "d"})),
          [this, key, id, told](const Result<replica::Reply>& reply) {
            *told = reply ? answered(id, json::View(reply->json)) : told_by(reply);
            ledger_.submitted(id, *told);
            if (reply) ledger_.answered_once(key, text_of(json::View(reply->json), "id"));
          });
  world_.after(6s, [this, key, id, text, tries, told] {
    ledger_.submitted(id, *told);
    if (tries >= 4 || world_.chance(300)) return;
    const std::string next = "job-" + std::to_string(++next_id_);
    ledger_.is_like(next, id);
    const std::string head = "{\"id\":\"" + id + "\"";
    submit_once(key, next, "{\"id\":\"" + next + "\"" + text.substr(head.size()), tries + 1);
  });
}

// A job that is not unique may be answered with the one that is.
Told Clients::answered(const std::string& id, json::View result) {
  const auto there = text_of(result, "id");
  if (there == id) return Told::accepted;
  if (there.empty()) return Told::refused;
  ledger_.submitted(there, Told::accepted);
  return Told::other;
}

void Clients::submit_batch(const std::vector<std::string>& ids, const std::string& body) {
  auto batch = must(requests_.submit_batch(json::View(body)));
  WEIR_ASSERT(batch.rejected.empty());
  for (auto& part : batch.parts) {
    std::vector<std::string> carried;
    for (const std::size_t item : part.items) carried.push_back(ids[item]);
    job_ids_.insert(job_ids_.end(), carried.begin(), carried.end());
    auto told = std::make_shared<Told>(Told::nothing);
    propose(std::move(part.operation), [this, carried, told](const Result<replica::Reply>& reply) {
      *told = told_by(reply);
      if (!reply) return;
      std::size_t at = 0;
      for (const auto result : json::View(reply->json).find("results").elements()) {
        const auto& id = carried[at++];
        ledger_.submitted(id, answered(id, result));
      }
    });
    world_.after(6s, [this, carried, told] {
      if (*told == Told::accepted) return;
      for (const auto& id : carried) ledger_.submitted(id, *told);
    });
  }
}

// --- workers -------------------------------------------------------------------------------------

void Clients::work(std::size_t worker) {
  if (ended_) return;
  if (SimNode* node = any_node()) lease(*node, worker);
  world_.after(Micros{world_.between(20'000, calm_ ? 200'000 : 900'000)},
               [this, worker] { work(worker); });
}

void Clients::lease(SimNode& node, std::size_t worker) {
  const jobs::LeaseWaiter waiter{node.id(), "w" + std::to_string(++waiters_)};
  const auto wait_ms = world_.chance(500) ? world_.between(50, 2'000) : 0;
  // Most take everything.
  constexpr const char* kTypes[] = {"", "", "", R"(["t0"])", R"(["t1","t2"])"};
  const auto types_at = world_.below(5);
  const std::string types = kTypes[types_at];
  const std::string options =
      (types.empty() ? "" : "\"types\":" + types + ",") + R"("labels":)" + labels_of(worker) +
      R"(,"max":)" + std::to_string(1 + world_.below(4)) + R"(,"lease_ms":)" +
      std::to_string(world_.between(300, 3'000)) + R"(,"wait_ms":)" + std::to_string(wait_ms);
  // The referee reads the types from the name.
  constexpr const char* kNames[] = {"", "", "", "_t0", "_t1_t2"};
  const std::string name = R"("worker":")" + worker_name(worker) + kNames[types_at] + "\",";
  const bool by_work = world_.chance(400);
  const std::string body =
      by_work ? "{" + name + R"("lease":{"queues":["beta","alpha","gamma"],)" + options + "}}"
              : "{" + name + options + "}";
  auto request = by_work ? must(requests_.work(json::View(body), waiter))
                         : must(requests_.lease("alpha,beta,gamma", json::View(body), waiter));
  if (request.wait.count() > 0) {
    node.open_waiter(waiter.waiter, [this, &node, types, id = waiter.waiter](
                                        std::string json, replica::Revision revision) {
      node.close_waiter(id);
      check_types(json, types);
      take(json, revision);
    });
  }
  node.propose(std::move(request.operation), [this, &node, types, waiter, wait = request.wait](
                                                 const Result<replica::Reply>& reply) {
    if (reply && jobs::is_parked(reply->json)) {
      park(node, waiter, wait);
      return;
    }
    if (wait.count() > 0) node.close_waiter(waiter.waiter);
    if (!reply) return;
    check_types(reply->json, types);
    take(reply->json, reply->revision);
  });
}

// Who names types is given no others.
void Clients::check_types(std::string_view json, std::string_view types) {
  if (types.empty()) return;
  for (const auto job : json::View(json).find("jobs").elements()) {
    const auto type = job.find("type").raw();
    if (types.find(type) == std::string_view::npos) ledger_.wrong_type(text_of(job, "id"));
  }
}

void Clients::park(SimNode& node, const jobs::LeaseWaiter& waiter, Millis wait) {
  // Some clients hang up before.
  const auto patience = world_.chance(200) ? wait / 3 : wait;
  world_.after(patience, [&node, waiter] {
    node.close_waiter(waiter.waiter);
    node.propose(jobs::waiter_close(waiter), [](const Result<replica::Reply>&) {});
  });
}

void Clients::take(std::string_view json, replica::Revision granted) {
  for (const auto job : json::View(json).find("jobs").elements()) {
    Leased leased{text_of(job, "id"), text_of(job, "lease"), 0};
    const auto token = jobs::parse_token(leased.token);
    leased.fence = token ? token->fence : 0;
    if (leased.id.find(':') != std::string::npos) ledger_.submitted(leased.id, Told::nothing);
    const auto deadline = must(parse_rfc3339(text_of(job, "deadline")));
    ledger_.leased(leased.id, leased.token, granted, to_unix_ms(deadline));
    run(std::move(leased));
  }
}

void Clients::run(Leased leased) {
  if (!calm_ && world_.chance(80)) return;  // the worker vanishes
  const Micros time{calm_ ? world_.between(1'000, 100'000) : world_.between(1'000, 4'000'000)};
  if (world_.chance(300)) {
    world_.after(time / 2, [this, leased] { heartbeat(leased); });
  }
  world_.after(time, [this, leased = std::move(leased)] { finish(leased, 1); });
}

// --- the toy -------------------------------------------------------------------------------------

void Clients::add() {
  if (calm_) return;
  const std::string key = "k" + std::to_string(++next_id_);
  auto& record = ledger_.add(key);
  record.effect = world_.chance(300);
  propose(test::add_operation(key, 1, record.effect ? R"(,"effect":true)" : ""),
          [&record](const Result<replica::Reply>& reply) {
            WEIR_ASSERT(record.told == Told::nothing);
            record.told = told_by(reply);
          });
  world_.after(Micros{world_.between(2'000, 120'000)}, [this] { add(); });
}

}  // namespace weir::sim
