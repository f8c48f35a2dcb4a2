#include "tests/sim/judge.hpp"

#include <cstdio>
#include <set>

#include "pkg/base/assert.hpp"
#include "pkg/structures/command.hpp"
#include "tests/sim/side_tables.hpp"
#include "tests/sim/state_digest.hpp"

namespace weir::sim {
namespace {

using Violations = std::vector<std::string>;

template <class Body>
void read(sqlite::Database& db, const Body& body) {
  const auto done = db.read([&]() -> Result<void> {
    body(db);
    return {};
  });
  WEIR_ASSERT(done.has_value());
}

// Every accepted job is there; what was completed stays completed; what was refused never was.
void check_jobs(SimNode& node, const Ledger& ledger, RunReport& report) {
  std::map<std::string, jobs::Status> statuses;
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare("SELECT id,status FROM jobs");
    while (rows.step()) {
      statuses[std::string(rows.text(0))] = static_cast<jobs::Status>(rows.int64(1));
    }
  });
  report.jobs = statuses.size();
  for (const auto& [id, job] : ledger.jobs()) {
    const auto found = statuses.find(id);
    const bool gone = found == statuses.end() && job.may_go;
    if (job.accepted && found == statuses.end() && !gone) {
      report.violations.push_back("job " + id + " was accepted and is lost on " + node.id());
    }
    if (!job.accepted && !job.maybe && found != statuses.end()) {
      report.violations.push_back("job " + id + " was refused and is there on " + node.id());
    }
    for (const auto& answer : job.answers) {
      if (!answer.completed) continue;
      ++report.completed;
      if (gone) continue;
      if (found == statuses.end() || found->second != jobs::Status::completed) {
        report.violations.push_back("job " + id + " was completed and is not on " + node.id());
      }
    }
  }
}

// Keys are held by those that are in their scope. (That nobody else gets one: the referee.)
void check_unique(SimNode& node, Violations& out) {
  read(node.db(), [&](sqlite::Database& db) {
    auto stray = db.prepare(
        "SELECT count(*) FROM job_unique u LEFT JOIN jobs j ON j.row=u.job WHERE j.row IS NULL"
        " OR (u.holds=1 AND (u.scope=0 AND j.status>2 OR u.scope=1 AND j.status>3))");
    if (stray.step() && stray.int64(0) > 0) {
      out.push_back(node.id() + " has jobs that hold a unique key out of their scope");
    }
  });
}

// Nobody waits for a parent that has ended. (That nobody runs before: the referee.)
void check_parents(SimNode& node, Violations& out) {
  read(node.db(), [&](sqlite::Database& db) {
    auto stranded = db.prepare(
        "SELECT c.id,p.id FROM job_parents e JOIN jobs c ON c.row=e.child"
        " LEFT JOIN jobs p ON p.row=e.parent LEFT JOIN job_releases r ON r.parent=e.parent"
        " WHERE e.counted IS NULL AND (p.row IS NULL OR p.status>3) AND r.parent IS NULL");
    while (stranded.step()) {
      out.push_back("job " + std::string(stranded.text(0)) + " waits for " +
                    std::string(stranded.text(1)) + ", which has ended, on " + node.id());
    }
    auto idle = db.prepare(
        "SELECT id FROM jobs WHERE status=1 AND NOT EXISTS"
        " (SELECT 1 FROM job_parents WHERE child=jobs.row AND counted IS NULL)");
    while (idle.step()) {
      out.push_back("job " + std::string(idle.text(0)) + " is blocked by nobody on " + node.id());
    }
  });
}

// The runs of "beat" are exactly those that were due; rows of runs agree with their jobs.
void check_schedules(SimNode& node, const Ledger& ledger, Violations& out) {
  const auto count = [&](sqlite::Database& db, std::string_view sql) {
    auto rows = db.prepare(sql);
    return rows.step() ? rows.int64(0) : 0;
  };
  read(node.db(), [&](sqlite::Database& db) {
    for (const auto& id : ledger.due()) {
      auto rows = db.prepare(
          "SELECT count(*) FROM jobs j JOIN job_schedule_runs r ON r.job=j.row WHERE j.id=?1");
      rows.bind(1, id);
      if (!rows.step() || rows.int64(0) != 1) out.push_back("no run " + id + " on " + node.id());
    }
    const auto due = static_cast<std::int64_t>(ledger.due().size());
    const bool exact = count(db, "SELECT count(*) FROM jobs WHERE type='beat'") == due &&
                       count(db,
                             "SELECT runs*1000000+missed*1000+skipped FROM job_schedules"
                             " WHERE name='beat' AND next_at IS NULL") == due * 1'000'000;
    if (!exact) out.push_back("the runs of beat are not those that were due on " + node.id());
    if (count(db,
              "SELECT count(*) FROM job_schedule_runs r LEFT JOIN jobs j ON j.row=r.job"
              " WHERE j.row IS NULL OR j.parts&4096=0 OR r.active<>(j.status<4)") > 0) {
      out.push_back("runs do not agree with their jobs on " + node.id());
    }
    if (count(db, "SELECT count(*) FROM job_schedules WHERE waiting<>''") > 0) {
      out.push_back("a run waits for ever on " + node.id());
    }
  });
}

// The counters are what the members are; all batches ended; each callback came once, not before all
// members had ended, and on_success only when all had completed.
void check_batches(SimNode& node, const Ledger& ledger, RunReport& report) {
  auto& out = report.violations;
  const auto complain = [&](sqlite::Statement& rows, std::string_view what) {
    while (rows.step()) {
      out.push_back("batch " + std::string(rows.text(0)) + std::string(what) + " on " + node.id());
    }
  };
  read(node.db(), [&](sqlite::Database& db) {
    auto counters = db.prepare(
        "SELECT b.id FROM job_batches b LEFT JOIN (SELECT m.batch,count(*) AS kept,"
        "sum(j.status=0) AS s0,sum(j.status=1) AS s1,sum(j.status=2) AS s2,sum(j.status=3) AS s3,"
        "sum(j.status=4) AS s4,sum(j.status=5) AS s5,sum(j.status=6) AS s6,sum(j.status=7) AS s7"
        " FROM job_members m JOIN jobs j ON j.row=m.job GROUP BY m.batch) c ON c.batch=b.row"
        " WHERE (b.kept,b.scheduled,b.blocked,b.unprocessed,b.processing)<>(ifnull(c.kept,0),"
        "ifnull(s0,0),ifnull(s1,0),ifnull(s2,0),ifnull(s3,0))"
        // Those that were forgotten after their end stay counted.
        " OR b.completed<ifnull(s4,0) OR b.failed<ifnull(s5,0) OR b.cancelled<ifnull(s6,0)"
        " OR b.dlq<ifnull(s7,0)");
    complain(counters, " counts its jobs wrongly");
    auto open = db.prepare("SELECT id FROM job_batches WHERE state<2");
    complain(open, " did not end");
    auto callbacks = db.prepare(
        "SELECT b.id FROM job_batches b JOIN job_batch_callbacks c ON c.batch=b.row"
        " LEFT JOIN jobs j ON j.id=c.id WHERE c.submitted_at IS NOT j.created_at"
        " OR (c.submitted_at IS NULL)<>(c.kind=0 AND b.state<>2)");
    complain(callbacks, " has a callback that is not there, or should not be");
    auto early = db.prepare(
        "SELECT b.id,j.id FROM job_batches b JOIN job_batch_callbacks c ON c.batch=b.row"
        " JOIN job_members m ON m.batch=b.row JOIN jobs j ON j.row=m.job"
        " WHERE c.submitted_at<j.finished_at OR (c.kind=0 AND c.submitted_at IS NOT NULL"
        " AND j.status<>4)");
    while (early.step()) {
      const auto job = ledger.jobs().find(std::string(early.text(1)));
      if (job != ledger.jobs().end() && (job->second.again || job->second.cancelled)) continue;
      out.push_back("batch " + std::string(early.text(0)) + " was called done before job " +
                    std::string(early.text(1)) + " on " + node.id());
    }
  });
}

// One delivery for each event of the queues that keep and send theirs. What the log counted as
// delivered stays so, and nothing is delivered that no receiver took.
void check_webhooks(SimNode& node, const Ledger& ledger, Violations& out) {
  std::multiset<std::string> events;
  std::multiset<std::string> sent;
  std::set<std::string> delivered;
  constexpr std::size_t kPlace = 17;  // of "8-1" in "msg_fh2s8l0a7b1q-8-1"
  read(node.db(), [&](sqlite::Database& db) {
    auto kept = db.prepare("SELECT revision,ordinal FROM job_events");
    while (kept.step()) {
      events.insert(std::to_string(kept.int64(0)) + "-" + std::to_string(kept.int64(1)));
    }
    auto rows = db.prepare("SELECT id,url,state FROM job_webhooks");
    while (rows.step()) {
      std::string id(rows.text(0));
      if (rows.text(1).empty()) sent.insert(id.substr(kPlace));
      if (rows.int64(2) == 1) delivered.insert(std::move(id));
    }
  });
  if (events != sent) {
    out.push_back(node.id() + " has " + std::to_string(sent.size()) + " deliveries for " +
                  std::to_string(events.size()) + " events");
  }
  for (const auto& id : delivered) {
    if (!ledger.hooks_taken().contains(id)) out.push_back("webhook " + id + " was never taken");
  }
  for (const auto& id : ledger.hooks_delivered()) {
    if (!delivered.contains(id)) {
      out.push_back("webhook " + id + " was delivered and is not on " + node.id());
    }
  }
}

// Additions: acknowledged exactly once, unknown at most once, refused never.
void check_adds(SimNode& node, const Ledger& ledger, std::size_t& effects, Violations& out) {
  for (const auto& [key, add] : ledger.adds()) {
    const auto value = node.toy().value(key);
    const auto most = add.told == Told::refused ? 0 : 1;
    const auto least = add.told == Told::accepted ? 1 : 0;
    if (value < least || value > most) {
      out.push_back("addition " + key + " happened " + std::to_string(value) + " times on " +
                    node.id() + ", its client was told " +
                    std::to_string(static_cast<int>(add.told)));
    }
    if (add.effect && value == 1) ++effects;
  }
}

// Values of the list are where they must be, the counter counts.
void check_structures(SimNode& node, const Ledger& ledger, Violations& out) {
  const auto ask = [&](std::string_view command, const std::string& payload) {
    const auto* found = structures::find_command(command);
    auto body = structures::make_body(*found, json::View(payload));
    WEIR_ASSERT(body.has_value());
    std::string answer;
    read(node.db(), [&](sqlite::Database& db) {
      auto reply = structures::read(*found, *body, {db, 0});
      WEIR_ASSERT(reply.has_value());
      answer = std::move(*reply);
    });
    return answer;
  };
  const auto key = [](std::string_view name) { return "{\"key\":\"" + std::string(name) + "\""; };
  std::vector<std::int64_t> list;
  const auto values = ask("list.lrange", key(StructureLedger::kList) + "}");
  for (const auto value : json::View(values).find("values").elements()) {
    list.push_back(value.as_int().value_or(0));
  }
  const auto counter = ask("hash.hget", key(StructureLedger::kCounters) + R"(,"field":"n"})");
  const auto counted = json::View(counter).find("value").as_int().value_or(0);
  for (const auto& wrong : ledger.structures().judge(list, counted)) {
    out.push_back(wrong + " on " + node.id());
  }
}

void check_counts(SimNode& node, const char* when, const jobs::Machine& machine, Violations& out) {
  jobs::Counts recount{};
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare("SELECT status,count(*) FROM jobs GROUP BY status");
    while (rows.step()) recount[static_cast<std::size_t>(rows.int64(0))] = rows.int64(1);
  });
  const auto counts = machine.stats().counts();
  for (const auto status : jobs::kStatuses) {
    const auto i = jobs::index_of(status);
    if (counts[i] == recount[i]) continue;
    out.push_back(node.id() + " counts " + std::to_string(counts[i]) + " " +
                  std::string(jobs::to_string(status)) + " jobs " + when + ", there are " +
                  std::to_string(recount[i]));
  }
  jobs::Counts queues{};
  for (const auto& queue : machine.stats().snapshot().queues) {
    for (std::size_t i = 0; i < queues.size(); ++i) queues[i] += queue.counts[i];
  }
  if (queues != recount) out.push_back(node.id() + " counts queues wrongly " + when);
}

// Memory is a function of the tables: a machine loaded now shows the same.
void check_reload(SimNode& node, Violations& out) {
  jobs::Machine fresh;
  read(node.db(), [&](sqlite::Database& db) { fresh.open(db); });
  fresh.after_commit();
  check_counts(node, "after loading", fresh, out);
  if (fresh.stats().totals() != node.jobs().stats().totals()) {
    out.push_back(node.id() + " loads other totals than it has");
  }
}

// Every replica is what the witness, which had no troubles, is.
void check_equal(const Witness& witness, SimNode& node, Violations& out) {
  const auto here = state_digest(node.db());
  if (here.size() != witness.digest().size()) out.push_back(node.id() + " has other tables");
  for (const auto& [table, digest] : witness.digest()) {
    const auto found = here.find(table);
    if (found != here.end() && found->second == digest) continue;
    out.push_back("table " + table + " differs on " + node.id() + " and the witness");
  }
}

// What the referee judged is what clients saw: each lease they were given was granted there.
void check_witness(const Ledger& ledger, const Witness& witness, Violations& out) {
  for (const auto& violation : witness.violations()) out.push_back(violation);
  for (auto& wrong : ledger.structures().violations(witness.answers())) out.push_back(wrong);
  for (const auto& id : ledger.kept()) {
    if (!witness.was_asked(id))
      out.push_back("job " + id + " was kept, and refused or never in the log");
  }
  for (const auto& plan : witness.slow_plans()) out.push_back("not by an index: " + plan);
  for (const auto& [id, job] : ledger.jobs()) {
    for (const auto& [fence, lease] : job.leases) {
      if (lease.granted == 0 || witness.granted(id, fence) == lease.granted) continue;
      out.push_back("job " + id + " came at revision " + std::to_string(lease.granted) +
                    " under fence " + std::to_string(fence) + ", which was not granted there");
    }
  }
}

std::size_t events_kept(SimNode& node) {
  std::size_t count = 0;
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare("SELECT count(*) FROM job_events");
    if (rows.step()) count = static_cast<std::size_t>(rows.int64(0));
  });
  return count;
}

// Each owed effect was published (a dead letter, an event that is kept); first publications came in
// order.
void check_effects(SimNode& node, const EffectStream& stream, std::size_t toy_effects,
                   Violations& out) {
  const auto dead =
      node.jobs().stats().totals()[static_cast<std::size_t>(jobs::Total::dead_lettered)];
  const auto owed = toy_effects + static_cast<std::size_t>(dead) + events_kept(node);
  if (stream.stored.size() != owed) {
    out.push_back(std::to_string(stream.stored.size()) + " effects were published, " +
                  std::to_string(owed) + " are owed by " + node.id());
  }
  std::pair<unsigned long, unsigned long> last{0, 0};
  for (const auto& effect : stream.stored) {
    std::pair<unsigned long, unsigned long> id{0, 0};
    WEIR_ASSERT(std::sscanf(effect.id.c_str(), "%lu.%lu", &id.first, &id.second) == 2);
    if (id <= last) out.push_back("effect " + effect.id + " was published out of order");
    last = id;
  }
}

}  // namespace

std::int64_t unfinished(SimNode& node) {
  std::int64_t count = 0;
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare(
        "SELECT (SELECT count(*) FROM jobs WHERE status<4)+"
        "(SELECT count(*) FROM job_batches WHERE state<2)+"
        "(SELECT count(*) FROM job_webhooks WHERE state=0)");
    if (rows.step()) count = rows.int64(0);
  });
  return count;
}

void judge(std::vector<std::unique_ptr<SimNode>>& nodes, const SimLog& log,
           const EffectStream& effects, const Ledger& ledger, const Witness& witness,
           RunReport& report) {
  auto& out = report.violations;
  check_witness(ledger, witness, out);
  for (auto& violation : ledger.violations(witness.times())) out.push_back(std::move(violation));
  for (auto& node : nodes) {
    if (!node->up()) {
      out.push_back(node->id() + " is down");
      continue;
    }
    if (node->stopped()) out.push_back(node->id() + ": " + describe(*node->stopped()));
    report.completed = 0;
    std::size_t toy_effects = 0;
    check_jobs(*node, ledger, report);
    check_unique(*node, out);
    check_parents(*node, out);
    check_schedules(*node, ledger, out);
    check_batches(*node, ledger, report);
    check_side_tables(*node, out);
    check_webhooks(*node, ledger, out);
    check_adds(*node, ledger, toy_effects, out);
    check_structures(*node, ledger, out);
    check_counts(*node, "in memory", node->jobs(), out);
    check_reload(*node, out);
    check_effects(*node, effects, toy_effects, out);
    check_equal(witness, *node, out);
  }
  report.entries = log.last();
  report.effects = effects.stored.size();
}

}  // namespace weir::sim
