// What simulated workers say about the jobs they hold.
#include "pkg/base/assert.hpp"
#include "pkg/base/time_text.hpp"
#include "tests/sim/clients.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

// Requests of this program are valid.
template <class T>
T must(Result<T> result) {
  WEIR_ASSERT(result.has_value());
  return std::move(result).value();
}

}  // namespace

void Clients::heartbeat(const Leased& leased) {
  std::string body = R"({"progress":)" + std::to_string(world_.below(100));
  // Some say so much that the oldest lines are dropped.
  if (world_.chance(500)) body += R"(,"log":[)" + log_text(world_.chance(50) ? 400 : 3) + "]";
  if (world_.chance(300)) {
    body += ",\"checkpoint\":" + (world_.chance(100) ? large_value() : R"({"at":7})");
  }
  body += "}";
  propose_or_keep(
      must(requests_.heartbeat(leased.token, json::View(body))),
      [this, leased](const Result<replica::Reply>& reply) {
        note_answer(leased, reply, false);
        if (!reply || reply->kept) return;
        const auto deadline = json::View(reply->json).find("deadline").as_string().value_or("");
        ledger_.extended(leased.id, leased.fence, to_unix_ms(must(parse_rfc3339(deadline))));
      });
}

std::string Clients::large_value() {
  const auto chunk = std::to_string(next_chunk_++);
  return R"({"$weir":{"b":{"n":20,"h":"","s":"s","q":[)" + chunk + "]}}}";
}

std::string Clients::log_text(int lines) {
  std::string out;
  for (int i = 0; i < lines; ++i) {
    out += (i == 0 ? "\"" : ",\"") + std::string(1 + world_.below(600), 'l') + "\"";
  }
  return out;
}

void Clients::finish(const Leased& leased, int tries) {
  ledger_.ending(leased.id, leased.fence);
  const auto dice = calm_ ? 0 : world_.below(100);
  const bool completed = dice < 75;
  replica::Operation operation;
  const json::View result(R"({"result":{"ok":true}})");
  constexpr const char* kFailures[] = {
      R"({"error":{"message":"simulated"},"log":"the last line"})",
      R"({"error":{"message":"later"},"retry_after_ms":300})",
      R"({"error":{"message":"at once"},"retry_after_ms":0})", R"({"retry":false})",
      R"({"error":{"type":"final","message":"never again"},"terminate":true})"};
  const json::View failure(kFailures[world_.below(std::size(kFailures))]);
  if (completed) {
    operation = must(requests_.complete(leased.token, result));
  } else if (dice < 92) {
    operation = must(requests_.fail(leased.token, failure));
  } else {
    const bool snooze = world_.chance(400);
    operation =
        must(requests_.release(leased.token, json::View(snooze ? R"({"delay_ms":500})" : "{}")));
  }
  propose_or_keep(std::move(operation),
                  [this, leased, completed, tries](const Result<replica::Reply>& reply) {
                    note_answer(leased, reply, completed);
                    const bool again = !reply && told_by(reply) != Told::accepted && tries < 3;
                    if (again && reply.error().reason != "lease_lost") {
                      world_.after(300ms, [this, leased, tries] { finish(leased, tries + 1); });
                    }
                  });
}

void Clients::note_answer(const Leased& leased, const Result<replica::Reply>& reply,
                          bool completed) {
  if (!reply || reply->kept) return;  // kept: only the log will say whether the lease was good
  ledger_.answered(leased.id, {leased.fence, reply->revision, completed});
}

}  // namespace weir::sim
