#include "tests/sim/schedule_clients.hpp"

#include "jobs/schedule.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kBeats = 12;

void ignore(const Result<replica::Reply>&) {}

}  // namespace

ScheduleClients::ScheduleClients(World& world, const jobs::Requests& requests, Ledger& ledger,
                                 Hooks hooks)
    : world_(world),
      requests_(requests),
      ledger_(ledger),
      hooks_(std::move(hooks)),
      clock_(world) {}

void ScheduleClients::begin() {
  const auto start = Timestamp(std::chrono::ceil<std::chrono::seconds>(clock_.wall())) + 2s;
  last_beat_ = start + (kBeats - 1) * 1s;
  const std::string body =
      R"({"every":1000,"start_at":)" + std::to_string(to_unix_ms(start)) + R"(,"end_at":)" +
      std::to_string(to_unix_ms(last_beat_)) +
      R"(,"catchup":"all","catchup_max":1000,"job":{"queue":"beta","type":"beat"}})";
  auto operation = requests_.schedule_set("beat", json::View(body), clock_.wall());
  WEIR_ASSERT(operation.has_value());
  for (std::int64_t i = 0; i < kBeats; ++i) {
    ledger_.due("beat:" + format_rfc3339(start + i * 1s).substr(0, 19) + "Z");
  }
  make_beat(*operation);
  set_mixed();
  operate();
}

// The same operation until it is accepted: what ran already is not run again.
void ScheduleClients::make_beat(const replica::Operation& operation) {
  if (beat_made_) return;
  hooks_.propose(operation,
                 [this](const Result<replica::Reply>& reply) { beat_made_ |= reply.has_value(); });
  world_.after(3s, [this, operation] { make_beat(operation); });
}

void ScheduleClients::set_mixed() {
  constexpr const char* kOverlaps[] = {"allow", "skip", "buffer_one", "cancel_running"};
  constexpr const char* kCatchUps[] = {"none", "last", "all"};
  const std::string body = R"({"cron":"*/2 * * * * *","time_zone":"UTC","overlap":")" +
                           std::string(kOverlaps[world_.below(4)]) + R"(","catchup":")" +
                           kCatchUps[world_.below(3)] + R"(","jitter_ms":)" +
                           std::to_string(world_.below(1'500)) +
                           R"(,"job":{"queue":"gamma","type":"mixed","max_attempts":2}})";
  auto operation = requests_.schedule_set("mixed", json::View(body), clock_.wall());
  WEIR_ASSERT(operation.has_value());
  hooks_.propose(std::move(*operation), ignore);
}

// Resume and backfill are made of what a node knows, which may be old.
void ScheduleClients::change_from_state(bool resume) {
  SimNode* node = hooks_.any_node();
  if (node == nullptr) return;
  const auto now = clock_.wall();
  const std::string body = R"({"from":)" + std::to_string(to_unix_ms(now - 9s)) + R"(,"to":)" +
                           std::to_string(to_unix_ms(now)) + "}";
  Result<replica::Operation> operation = jobs::schedule_not_found("mixed");
  const auto read = node->db().read([&]() -> Result<void> {
    auto& db = node->db();
    operation = resume ? jobs::Requests::schedule_resume(db, "mixed", now)
                       : jobs::Requests::schedule_backfill(db, "mixed", json::View(body), now);
    return {};
  });
  WEIR_ASSERT(read.has_value());
  if (operation) node->propose(std::move(*operation), ignore);
}

void ScheduleClients::operate() {
  if (calm_) return;
  world_.after(Micros{world_.between(300'000, 2'000'000)}, [this] { operate(); });
  switch (world_.below(6)) {
    case 0:
      return set_mixed();
    case 1:
      return hooks_.propose(*requests_.schedule_pause("mixed"), ignore);
    case 2: {
      const auto operation = *requests_.schedule_trigger("mixed");
      const auto id = json::View(operation.body).find("job").as_string().value_or("");
      ledger_.submitted(id, Told::nothing);
      return hooks_.propose(operation, ignore);
    }
    case 3:
      return change_from_state(false);
    default:
      return change_from_state(true);
  }
}

void ScheduleClients::calm() {
  calm_ = true;
  hooks_.propose(*requests_.schedule_pause("mixed"), ignore);
}

}  // namespace weir::sim
