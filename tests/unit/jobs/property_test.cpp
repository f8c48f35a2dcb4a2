// Random operation sequences: counters stay true, replicas stay equal however entries are grouped
// into transactions and whenever they restart, and nothing runs twice.
#include <map>

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

class Script {
 public:
  Script(Harness& h, std::uint64_t seed) : h_(h), random_(seed) {}

  replica::Operation next() {
    switch (below(19)) {
      case 0:
      case 1:
      case 2:
        return submit_one();
      case 3:
      case 4:
        return submit_many();
      case 5:
      case 6:
      case 7:
        return lease();
      case 8:
      case 9:
      case 10:
      case 11:
        return work();
      case 12:
        return on_job();
      case 13:
        return on_queue();
      case 14:
        return waiters();
      case 15:
      case 16:
        return schedules();
      case 17:
        return batches();
      default:
        return {"jobs.tick", "{}"};
    }
  }

  // Remembers what the workers now hold.
  void learn(std::string_view reply) {
    for (const auto job : json::View(reply).find("jobs").elements()) {
      tokens_.push_back(text(job.find("lease")));
    }
  }

  std::uint64_t below(std::uint64_t bound) { return random_.next() % bound; }

 private:
  std::string queue() { return std::string(1, static_cast<char>('a' + below(3))); }
  std::string id() { return "j" + std::to_string(below(ids_ + 1)); }

  std::string token() {
    if (tokens_.empty() || below(20) == 0) return "1.1.1";
    const auto at = below(tokens_.size());
    auto out = tokens_[at];
    // Mostly once, sometimes again later.
    if (below(4) != 0) tokens_.erase(tokens_.begin() + static_cast<std::ptrdiff_t>(at));
    return out;
  }

  std::string job() {
    std::string out = "{\"id\":\"j" + std::to_string(below(8) == 0 ? below(ids_ + 1) : ids_++) +
                      "\",\"queue\":\"" + queue() + "\",\"priority\":" + std::to_string(below(10));
    if (below(4) == 0) out += ",\"delay_ms\":" + std::to_string(below(5'000));
    if (below(3) == 0) out += ",\"max_attempts\":" + std::to_string(1 + below(3));
    if (below(3) != 0) out += ",\"type\":\"t" + std::to_string(below(3)) + "\"";
    if (below(6) == 0) out += ",\"payload\":\"" + std::string(below(4'000), 'p') + "\"";
    if (below(2) == 0) out += ",\"key\":\"k" + std::to_string(below(4)) + "\"";
    if (below(6) == 0) out += R"(,"backoff":{"kind":"fixed","delay_ms":100})";
    const auto end = to_unix_ms(h_.clock.wall()) + static_cast<std::int64_t>(below(3'000));
    if (below(6) == 0) out += ",\"expires_at\":" + std::to_string(end);
    if (below(5) == 0) out += ",\"timeout_ms\":" + std::to_string(100 + below(2'000));
    if (below(4) == 0) out += unique();
    return out + "}";
  }

  // Jobs of submits may join one.
  std::string joining() {
    auto out = job();
    out.pop_back();
    if (below(3) == 0) out += R"(,"batch":")" + batch() + "\"";
    return out + "}";
  }

  std::string batch() { return "b" + std::to_string(below(6)); }

  replica::Operation batches() {
    switch (below(6)) {
      case 0:
        return h_.requests.batch_seal(batch(), json::View()).value();
      case 1:
        return h_.requests.batch_cancel(batch(), json::View()).value();
      default: {
        std::string body = R"({"id":")" + batch() +
                           R"(","on_success":{"queue":"a"},)"
                           R"("on_complete":{"queue":"b"},"seal_after_ms":2000)";
        if (below(2) == 0) body += R"(,"jobs":[)" + job() + "," + job() + "]";
        if (below(3) == 0) body += R"(,"seal":false)";
        return h_.requests.batch_create(json::View(body + "}")).value();
      }
    }
  }

  std::string unique() {
    constexpr const char* kScopes[] = {"queued", "active", "retained", "ttl"};
    constexpr const char* kActions[] = {"return", "reject", "replace", "return"};
    const auto scope = below(4);
    return ",\"unique\":{\"key\":\"u" + std::to_string(below(4)) + "\",\"scope\":\"" +
           kScopes[scope] + "\",\"on_conflict\":\"" + kActions[below(4)] + "\"" +
           (scope == 3 ? ",\"ttl_ms\":700}" : "}");
  }

  replica::Operation submit_one() {
    const auto body = joining();
    Idempotency once;
    if (below(4) == 0) once.key = "i" + std::to_string(below(12));
    once.digest = std::to_string(below(3));
    return h_.requests.submit(json::View(body), once).value();
  }

  replica::Operation submit_many() {
    std::string body = "{\"jobs\":[" + joining();
    for (auto more = below(20); more > 0; --more) body += "," + joining();
    body += "]}";
    Idempotency once;
    if (below(4) == 0) once.key = "b" + std::to_string(below(12));
    return h_.requests.submit_batch(json::View(body), once).value().parts.at(0).operation;
  }

  replica::Operation lease() {
    const auto body = "{\"worker\":\"w" + std::to_string(below(4)) +
                      "\",\"max\":" + std::to_string(1 + below(10)) +
                      ",\"lease_ms\":" + std::to_string(500 + below(3'000)) +
                      (below(3) == 0 ? R"(,"types":["t0","t1"])" : "") +
                      (below(2) == 0 ? ",\"wait_ms\":2000}" : "}");
    return h_.requests
        .lease(queue() + "," + queue(), json::View(body),
               {"n" + std::to_string(below(2)), waiter()})
        .value()
        .operation;
  }

  std::string waiter() { return "waiter" + std::to_string(below(5)); }

  replica::Operation work() {
    const auto items = [&](const char* name, const char* more) {
      std::string out = std::string("\"") + name + "\":[";
      for (auto count = below(4); count > 0; --count) {
        out += std::string(out.back() == '[' ? "" : ",") + "{\"lease\":\"" + token() + "\"" + more +
               "}";
      }
      return out + "],";
    };
    const auto body = "{" + items("complete", R"(,"result":{"x":1})") +
                      items("fail", R"(,"error":{"message":"m"})") +
                      items("release", below(2) == 0 ? "" : R"(,"delay_ms":400)") +
                      items("heartbeat", R"(,"progress":1)") +
                      R"("lease":{"queues":["a","c"],"max":3},"worker":"w1"})";
    return h_.requests.work(json::View(body), {"n1", "unused"}).value().operation;
  }

  replica::Operation on_job() {
    switch (below(7)) {
      case 5:
      case 6: {
        const auto body = "{\"priority\":" + std::to_string(below(10)) +
                          (below(2) == 0 ? ",\"delay_ms\":" + std::to_string(below(900)) : "") +
                          R"(,"tags":["edited"],"payload":")" + std::string(below(2'000), 'e') +
                          "\"}";
        return h_.requests.edit(id(), json::View(body)).value();
      }
      case 0:
        return h_.requests.cancel(id(), json::View()).value();
      case 1:
        return h_.requests.retry(id(), json::View()).value();
      case 2:
        return h_.requests.retry(id(), json::View(R"({"as_new":true})")).value();
      case 3:
        return h_.requests.promote(id(), json::View()).value();
      default:
        return h_.requests.remove(id()).value();
    }
  }

  replica::Operation on_queue() {
    const auto name = queue();
    switch (below(15)) {
      case 0:
        return h_.requests.purge(name).value();
      case 1:
      case 2:
        return h_.requests.pause(name).value();
      case 3:
      case 4:
      case 5:
        return h_.requests.resume(name).value();
      case 6:
        return h_.requests
            .queue_config(name, json::View(R"({"retention":{"count":20,"failed_ms":3000}})"))
            .value();
      case 7:
        return h_.requests.queue_config(name, json::View(R"({"dlq":false})")).value();
      case 8: {
        const auto body = "{\"queue\":\"" + name + "\"}";
        return h_.requests.dlq_redrive(json::View(body)).value();
      }
      case 9: {
        const auto body = "{\"ids\":[\"" + id() + "\",\"" + id() + "\"]}";
        return h_.requests.dlq_purge(json::View(body)).value();
      }
      case 10:
        return h_.requests.queue_remove(name).value();
      case 11:
        return h_.requests
            .queue_config(name, json::View(R"({"concurrency":5,"per_key":{"concurrency":2},)"
                                           R"("aging_ms":200,"max_waiting":30})"))
            .value();
      case 12:
        return h_.requests
            .queue_config(name, json::View(R"({"rate":{"limit":20,"per_ms":1000,"burst":2},)"
                                           R"("per_key":{"rate":{"limit":5,"per_ms":1000}}})"))
            .value();
      case 13:
        return h_.requests.set_limits(json::View(below(2) == 0 ? R"({"concurrency":8})" : "{}"))
            .value();
      default:
        return h_.requests.queue_config(name, json::View("{}")).value();
    }
  }

  replica::Operation schedules() {
    constexpr std::string_view kOverlaps[] = {"allow", "skip", "buffer_one", "cancel_running"};
    const std::string name(1, static_cast<char>('s' + below(2)));
    switch (below(10)) {
      case 0:
      case 1: {
        const auto body = R"({"every":1000,"overlap":")" + std::string(kOverlaps[below(4)]) +
                          R"(","jitter_ms":)" + std::to_string(below(900)) +
                          R"(,"paused":false,"job":{"queue":")" + queue() + R"("}})";
        return h_.requests.schedule_set(name, json::View(body), h_.clock.wall()).value();
      }
      case 2:
        return h_.requests.schedule_trigger(name).value();
      case 3:
        return below(2) == 0 ? h_.requests.schedule_pause(name).value()
                             : h_.requests.schedule_remove(name).value();
      default: {
        replica::Proposals due;
        h_.db
            ->read([&]() -> Result<void> {
              due = h_.machine->proposals(*h_.db, h_.clock.wall());
              return {};
            })
            .value();
        if (due.operations.empty()) return {"jobs.tick", "{}"};
        return due.operations[below(due.operations.size())];
      }
    }
  }

  replica::Operation waiters() {
    return below(4) == 0 ? node_started("n1") : waiter_close({"n0", waiter()});
  }

  Harness& h_;
  SeededRandom random_;
  std::uint64_t ids_ = 0;
  std::vector<std::string> tokens_;
};

// Who holds a key is kept and in the scope; the row is there as long as the job is.
void expect_unique_true(Harness& h) {
  EXPECT_EQ(h.number("SELECT count(*) FROM job_unique u LEFT JOIN jobs j ON j.row=u.job"
                     " WHERE j.row IS NULL OR j.parts&256=0"),
            0);
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs WHERE parts&256<>0"
                     " AND row NOT IN (SELECT job FROM job_unique)"),
            0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_unique u JOIN jobs j ON j.row=u.job"
                     " WHERE u.holds=1 AND (u.scope=0 AND j.status>2 OR u.scope=1 AND j.status>3)"),
            0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_idempotency i LEFT JOIN jobs j ON j.row=i.job"
                     " WHERE i.job IS NOT NULL AND (j.row IS NULL OR j.parts&512=0)"),
            0);
}

// Rows of runs say what their jobs say, and nobody waits for runs that have ended.
void expect_schedules_true(Harness& h) {
  EXPECT_EQ(h.number("SELECT count(*) FROM job_schedule_runs r LEFT JOIN jobs j ON j.row=r.job"
                     " WHERE j.row IS NULL OR j.parts&4096=0 OR r.active<>(j.status<4)"),
            0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_schedules s WHERE s.waiting<>'' AND NOT EXISTS"
                     " (SELECT 1 FROM job_schedule_runs r WHERE r.schedule=s.id AND r.active=1)"),
            0);
}

// Counters are what the members are, or were when they were forgotten.
void expect_batches_true(Harness& h) {
  EXPECT_EQ(h.number("SELECT count(*) FROM job_members AS m LEFT JOIN jobs AS j ON j.row=m.job"
                     " WHERE j.row IS NULL OR j.parts&1024=0"),
            0);
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs WHERE parts&1024<>0"
                     " AND row NOT IN (SELECT job FROM job_members)"),
            0);
  for (const auto status : kStatuses) {
    const auto name = std::string(to_string(status));
    const auto number = std::to_string(index_of(status));
    EXPECT_EQ(h.number("SELECT count(*) FROM job_batches AS b WHERE " + name +
                       (is_finished(status) ? "<" : "<>") +
                       "(SELECT count(*) FROM job_members AS m JOIN jobs AS j ON j.row=m.job"
                       " WHERE m.batch=b.row AND j.status=" +
                       number + ")"),
              0)
        << name;
  }
  EXPECT_EQ(h.number("SELECT count(*) FROM job_batches AS b WHERE kept<>"
                     "(SELECT count(*) FROM job_members WHERE batch=b.row)"),
            0);
}

class PropertyTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(PropertyTest, CountersReplicasAndRestarts) {
  Harness leader;    // one operation a transaction
  Harness follower;  // several, and restarts
  Script script(leader, GetParam());
  std::vector<replica::Operation> behind;
  std::map<std::string, int> live;  // token -> deliveries
  for (int step = 0; step < 600; ++step) {
    const auto pause =
        Millis{static_cast<std::int64_t>(script.below(3) == 0 ? script.below(700) : 0)};
    if (pause.count() > 0 || behind.size() > 7) {
      follower.apply_all(behind);
      behind.clear();
      ASSERT_EQ(follower.dump(), leader.dump()) << "step " << step;
      ASSERT_EQ(follower.machine->next_due().has_value(), leader.machine->next_due().has_value());
      if (script.below(4) == 0) follower.restart();
      leader.advance(pause);
      follower.advance(pause);
    }
    const auto operation = script.next();
    const auto reply = leader.apply(operation);
    behind.push_back(operation);
    const auto check = [&](std::string_view json) {
      script.learn(json);
      for (const auto job : json::View(json).find("jobs").elements()) {
        EXPECT_EQ(++live[text(job.find("lease"))], 1) << "a lease was handed out twice";
      }
    };
    if (reply) check(*reply);
    for (const auto& delivery : leader.deliveries) check(delivery.json);
    leader.deliveries.clear();
    if (step % 50 == 0) leader.expect_counts_true();
  }
  follower.apply_all(behind);
  EXPECT_EQ(follower.dump(), leader.dump());
  EXPECT_EQ(follower.effects.size(), leader.effects.size());
  leader.expect_counts_true();
  follower.expect_counts_true();
  EXPECT_EQ(leader.number("SELECT count(*) FROM jobs WHERE status=3 AND worker IS NULL"), 0);
  expect_unique_true(leader);
  expect_schedules_true(leader);
  expect_batches_true(leader);
}

// Time goes on until nothing is due: every timer ends, and no more than its bound at once.
TEST_P(PropertyTest, TimeBringsEverythingToRest) {
  Harness h;
  Script script(h, GetParam() * 977);
  for (int step = 0; step < 300; ++step) {
    const auto reply = h.apply(script.next());
    if (reply) script.learn(*reply);
    h.advance(Millis{static_cast<std::int64_t>(script.below(50))});
  }
  for (int ticks = 0; h.machine->next_due(); ++ticks) {
    ASSERT_LT(ticks, 20'000);
    const auto due = *h.machine->next_due();
    if (due > h.clock.wall()) h.advance(due - h.clock.wall());
    h.tick();
  }
  EXPECT_EQ(h.count(Status::scheduled), 0);
  EXPECT_EQ(h.count(Status::processing), 0);
  EXPECT_EQ(h.count(Status::completed), 0);
  h.expect_counts_true();
}

INSTANTIATE_TEST_SUITE_P(Seeds, PropertyTest, testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace weir::jobs
