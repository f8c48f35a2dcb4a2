#include "tests/sim/witness.hpp"

#include <set>

#include "jobs/kept.hpp"
#include "jobs/machine.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/replica/applier_core.hpp"
#include "pkg/structures/machine.hpp"
#include "tests/sim/gap_rule.hpp"
#include "tests/sim/state_digest.hpp"
#include "tests/support/registers_machine.hpp"

namespace weir::sim {
namespace {

// Temporary: of this connection alone, and not part of the state.
constexpr std::string_view kNotes = R"(
CREATE TEMP TABLE seen(
  seq INTEGER PRIMARY KEY, row, queue, before, after, priority, created_at, fence, started_at,
  deadline, due_before, deadline_before, cancel_before, id, key, type, target, worker, options);
CREATE TEMP TRIGGER job_came AFTER INSERT ON main.jobs BEGIN
  INSERT INTO seen VALUES(NULL, NEW.row, NEW.queue, NULL, NEW.status, NEW.priority, NEW.created_at,
    NEW.fence, NEW.started_at, NEW.deadline, NULL, NULL, 0, NEW.id, NEW.key, NEW.type, NEW.target,
    NEW.worker, NEW.options);
END;
CREATE TEMP TRIGGER job_changed AFTER UPDATE OF status, priority, type, key, target ON main.jobs
WHEN OLD.status <> NEW.status OR OLD.priority <> NEW.priority OR OLD.type IS NOT NEW.type
  OR OLD.key IS NOT NEW.key OR OLD.target IS NOT NEW.target BEGIN
  INSERT INTO seen VALUES(NULL, NEW.row, NEW.queue, OLD.status, NEW.status, NEW.priority,
    NEW.created_at, NEW.fence, NEW.started_at, NEW.deadline, OLD.at, OLD.deadline,
    ifnull(OLD.cancel_at, 0), NEW.id, NEW.key, NEW.type, NEW.target, NEW.worker,
    NEW.options);
END;
CREATE TEMP TRIGGER job_went AFTER DELETE ON main.jobs BEGIN
  INSERT INTO seen VALUES(NULL, OLD.row, OLD.queue, OLD.status, NULL, OLD.priority, OLD.created_at,
    OLD.fence, NULL, NULL, OLD.at, OLD.deadline, 0, OLD.id, OLD.key, OLD.type, OLD.target,
    OLD.worker, OLD.options);
END;
CREATE TEMP TABLE seen_queues(seq INTEGER PRIMARY KEY, id, gone, paused, name, config);
CREATE TEMP TRIGGER queue_came AFTER INSERT ON main.job_queues BEGIN
  INSERT INTO seen_queues VALUES(NULL, NEW.id, 0, NEW.paused, NEW.name, NEW.config);
END;
CREATE TEMP TRIGGER queue_changed AFTER UPDATE ON main.job_queues BEGIN
  INSERT INTO seen_queues VALUES(NULL, NEW.id, 0, NEW.paused, NEW.name, NEW.config);
END;
CREATE TEMP TRIGGER queue_went AFTER DELETE ON main.job_queues BEGIN
  INSERT INTO seen_queues VALUES(NULL, OLD.id, 1, 0, OLD.name, OLD.config);
END;
)";

std::optional<jobs::Status> status_in(const sqlite::Statement& rows, int column) {
  const auto number = rows.optional_int64(column);
  if (!number) return std::nullopt;
  return static_cast<jobs::Status>(*number);
}

JobChange job_change(const sqlite::Statement& rows) {
  JobChange out;
  out.row = rows.int64(0);
  out.queue = rows.int64(1);
  out.from = status_in(rows, 2);
  out.to = status_in(rows, 3);
  out.priority = rows.int64(4);
  out.created_at = rows.int64(5);
  out.fence = rows.int64(6);
  out.started_at = rows.optional_int64(7);
  out.deadline = rows.optional_int64(8);
  out.due_before = rows.optional_int64(9);
  out.deadline_before = rows.optional_int64(10);
  out.cancel_before = rows.int64(11);
  out.id = rows.text(12);
  out.key = rows.text(13);
  out.type = rows.text(14);
  out.target = rows.text(15);
  out.worker = rows.text(16);
  out.options = rows.text(17);
  return out;
}

// Passes everything on to the machine, and what it did to the referee.
class WatchedMachine final : public replica::StateMachine {
 public:
  // What it notes besides.
  struct Notes {
    std::set<std::string>& asked;
    std::map<replica::Revision, std::int64_t>& times;
  };
  WatchedMachine(replica::StateMachine& inner, Referee& referee, const Notes& notes)
      : inner_(inner), referee_(referee), notes_(notes) {}

  std::string_view prefix() const override { return inner_.prefix(); }
  std::span<const sqlite::Migration> migrations() const override { return inner_.migrations(); }
  void open(sqlite::Database& db) override { inner_.open(db); }
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override {
    auto reply = inner_.apply(operation, body, context);
    notes_.times[context.revision] = to_unix_ms(context.now);
    const bool was_kept = body.raw().starts_with(jobs::kAcceptedHead);
    if (const auto id = body.find("job").find("id");
        operation.name == "jobs.submit" && (reply || !was_kept)) {
      notes_.asked.insert(id.as_string().value_or(""));
    }
    referee_.begin({.name = operation.name,
                    .body = body,
                    .revision = context.revision,
                    .now = to_unix_ms(context.now),
                    .accepted = reply.has_value()});
    show(context.db);
    referee_.end();
    return reply;
  }
  void after_gap(Millis gap, replica::ApplyContext& context) override {
    const GapRule rule(context.db, {to_unix_ms(context.now), gap.count()});
    inner_.after_gap(gap, context);
    for (auto& wrong : rule.judge(context.db)) referee_.complain(std::move(wrong));
    referee_.begin({.name = "(a gap)",
                    .body = json::View("{}"),
                    .revision = context.revision,
                    .now = to_unix_ms(context.now),
                    .accepted = true});
    show(context.db);
    referee_.end();
  }
  void before_commit(sqlite::Database& db) override { inner_.before_commit(db); }
  void after_commit() override { inner_.after_commit(); }

 private:
  // No operation changes a queue's settings after it has leased.
  void show(sqlite::Database& db) {
    bool any = false;
    {
      auto rows = db.prepare("SELECT id,gone,paused,name,config FROM seen_queues ORDER BY seq");
      for (; rows.step(); any = true) {
        referee_.changed(QueueChange{rows.int64(0), rows.int64(1) != 0, rows.int64(2) != 0,
                                     std::string(rows.text(3)), std::string(rows.text(4))});
      }
    }
    if (any) db.prepare("DELETE FROM seen_queues").run();
    any = false;
    {
      auto rows = db.prepare(
          "SELECT row,queue,before,after,priority,created_at,fence,started_at,deadline,due_before,"
          "deadline_before,cancel_before,id,key,type,target,worker,options FROM seen ORDER BY seq");
      for (; rows.step(); any = true) referee_.changed(job_change(rows));
    }
    if (any) db.prepare("DELETE FROM seen").run();
  }

  replica::StateMachine& inner_;
  Referee& referee_;
  const Notes notes_;
};

// Notes what the machine answers.
class NotedMachine final : public replica::StateMachine {
 public:
  NotedMachine(replica::StateMachine& inner, std::multiset<AnsweredOperation>& answers)
      : inner_(inner), answers_(answers) {}

  std::string_view prefix() const override { return inner_.prefix(); }
  std::span<const sqlite::Migration> migrations() const override { return inner_.migrations(); }
  void open(sqlite::Database& db) override { inner_.open(db); }
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override {
    auto reply = inner_.apply(operation, body, context);
    if (reply) {
      answers_.insert({context.revision, operation.name, std::string(body.raw()), *reply});
    }
    return reply;
  }
  void before_commit(sqlite::Database& db) override { inner_.before_commit(db); }
  void after_commit() override { inner_.after_commit(); }

 private:
  replica::StateMachine& inner_;
  std::multiset<AnsweredOperation>& answers_;
};

// The statements of a connection, as SQLite itself lists them.
std::set<std::string> statements(sqlite::Database& db) {
  std::set<std::string> out;
  const auto read = db.read([&]() -> Result<void> {
    auto rows = db.prepare("SELECT sql FROM sqlite_stmt");
    while (rows.step()) out.emplace(rows.text(0));
    return {};
  });
  WEIR_ASSERT(read.has_value());
  return out;
}

std::vector<std::string> slow_plans_of(sqlite::Database& db, const std::set<std::string>& begun) {
  // Bounded: schedules are counted when one is made; one row.
  static std::set<std::string> done{
      "SELECT count(*) FROM job_schedules",
      "UPDATE sys_meta SET applied=?1,time_ms=?2,digest=?3,entry_hash=?4",
      "UPDATE sys_meta SET offset_ms=?1,stands_at_ms=?2"};
  std::vector<std::string> out;
  for (const auto& sql : statements(db)) {
    const bool ours =
        sql.find(" seen") != std::string::npos || sql.find("sqlite_") != std::string::npos;
    if (ours || begun.contains(sql) || !done.insert(sql).second) continue;
    const auto read = db.read([&]() -> Result<void> {
      auto plan = db.prepare("EXPLAIN QUERY PLAN " + sql);
      while (plan.step()) {
        const std::string line(plan.text(3));
        if (line.find("SCAN") == std::string::npos && line.find("B-TREE") == std::string::npos) {
          continue;
        }
        out.push_back(line + ": " + sql);
      }
      return {};
    });
    WEIR_ASSERT(read.has_value());
  }
  return out;
}

}  // namespace

void Witness::replay() {
  auto opened = sqlite::Database::open({.path = ":memory:"});
  WEIR_ASSERT(opened.has_value());
  auto& db = **opened;
  jobs::Machine jobs;
  test::RegistersMachine toy;
  WatchedMachine watched(jobs, referee_, {asked_, times_});
  structures::Machine structures;
  NotedMachine noted(structures, answers_);
  replica::ApplierCore core({.node_id = "witness", .proposer_id = "witness"}, db,
                            {&watched, &toy, &noted}, [] { return false; });
  WEIR_ASSERT(core.open().has_value());
  WEIR_ASSERT(core.adopt({log_.identity(), log_.test_clock()}).has_value());
  WEIR_ASSERT(db.transaction([&]() -> Result<void> {
                  db.execute(kNotes);
                  return {};
                }).has_value());
  const auto begun = statements(db);  // loading at start reads whole tables
  std::vector<replica::DecodedEntry> entries;
  for (replica::Revision revision = 1; revision <= log_.last(); ++revision) {
    entries.push_back(replica::DecodedEntry::from(log_.entry(revision)));
    if (entries.size() < 64 && revision < log_.last()) continue;
    replica::AppliedBatch batch;
    WEIR_ASSERT(core.apply(entries, batch).has_value());
    entries.clear();
  }
  slow_plans_ = slow_plans_of(db, begun);
  digest_ = state_digest(db);
}

}  // namespace weir::sim
