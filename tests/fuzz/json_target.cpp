#include "jobs/requests.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/replica/entry.hpp"
#include "tests/fuzz/targets.hpp"

namespace weir::fuzz {
namespace {

// Every value is inside the text, and valid by itself.
void walk(json::View value, int depth) {
  WEIR_ASSERT(json::check(value.raw()).has_value());
  (void)value.as_int();
  (void)value.as_double();
  (void)value.as_string();
  if (depth == 0) return;
  for (const auto& member : value.members()) walk(member.value, depth - 1);
  for (const auto element : value.elements()) walk(element, depth - 1);
}

// What a request becomes must be fit for the log.
void expect_fit(const Result<replica::Operation>& operation) {
  if (operation) {
    WEIR_ASSERT(replica::check_operation(*operation).has_value());
  } else {
    WEIR_ASSERT(!operation.error().reason.empty());
  }
}

}  // namespace

void try_json(std::string_view input) {
  static SystemClock clock;
  static SeededRandom random(1);
  static UuidGenerator ids(clock, random);
  const jobs::Requests requests(ids, random, {});
  if (const auto batch = requests.submit_ndjson(input)) {
    for (const auto& part : batch->parts) expect_fit(part.operation);
  }
  if (!json::check(input)) return;
  const json::View body(input);
  walk(body, 3);
  expect_fit(requests.submit(body));
  expect_fit(requests.edit("id", body));
  expect_fit(requests.batch_create(body));
  expect_fit(requests.complete("a1.1.0000000000000", body));
  expect_fit(requests.fail("a1.1.0000000000000", body));
  expect_fit(requests.release("a1.1.0000000000000", body));
  expect_fit(requests.heartbeat("a1.1.0000000000000", body));
  expect_fit(requests.queue_config("q", body));
  expect_fit(requests.set_limits(body));
  expect_fit(requests.schedule_set("s", body, from_unix_ms(1'800'000'000'000)));
  expect_fit(requests.dlq_redrive(body));
  expect_fit(requests.dlq_purge(body));
  if (const auto batch = requests.submit_batch(body)) {
    for (const auto& part : batch->parts) expect_fit(part.operation);
  }
  if (const auto lease = requests.lease("q", body, {"node", "w"})) expect_fit(lease->operation);
  if (const auto work = requests.work(body, {"node", "w"})) expect_fit(work->operation);
}

}  // namespace weir::fuzz
