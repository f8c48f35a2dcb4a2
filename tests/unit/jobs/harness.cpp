#include "tests/unit/jobs/harness.hpp"

#include "tests/support/table_dump.hpp"

namespace weir::jobs {
namespace {

// Every column of every table, in the order of the primary key.
struct Table {
  std::string_view name;
  std::string_view columns;
};
constexpr Table kTables[] = {
    {"job_queues", "id,name,paused,created_at,config"},
    {"jobs",
     "row,id,queue,status,priority,at,attempt,max_attempts,lease_ms,granted_ms,created_at,run_at,"
     "started_at,finished_at,deadline,cancel_at,fence,nonce,revision,parts,worker,type,key,target,"
     "options,"
     "error,result,payload"},
    {"job_blobs", "key,data"},
    {"job_attempts", "job,fence,attempt,outcome,started_at,ended_at,worker,error"},
    {"job_counts", "queue,kind,count"},
    {"job_lanes", "queue,key,turn,bucket"},
    {"job_totals", "kind,count"},
    {"job_waiters", "seq,node,waiter,until,request"},
    {"job_workers", "name,last_seen,running,labels,queues,drained_at"},
    {"job_batches",
     "row,id,name,state,created_at,seal_at,sealed_at,ended_at,cancel_at,swept,home,due,revision,"
     "kept,"
     "removed,scheduled,blocked,unprocessed,processing,completed,failed,cancelled,dlq"},
    {"job_batch_callbacks", "batch,kind,submitted_at,id,queue,job"},
    {"job_batch_queues", "batch,queue"},
    {"job_members", "job,batch"},
    {"job_parents", "child,parent,id,policy,counted"},
    {"job_expiries", "job,at,waits"},
    {"job_releases", "parent,status"},
    {"job_schedules",
     "id,name,generation,paused,created_at,updated_at,spec,next_at,last_at,last_job,runs,missed,"
     "skipped,waiting,problem"},
    {"job_schedule_runs", "schedule,at,job,kind,active"},
};

std::size_t columns_of(const Table& table) {
  return static_cast<std::size_t>(std::count(table.columns.begin(), table.columns.end(), ',')) + 1;
}

}  // namespace

Harness::Harness(const std::string& path) {
  db = sqlite::Database::open({.path = path}).value();
  restart();
}

void Harness::restart() {
  machine = std::make_unique<Machine>();
  db->migrate("jobs", machine->migrations()).value();
  db->transaction([&]() -> Result<void> {
      machine->open(*db);
      return {};
    }).value();
}

std::vector<Result<std::string>> Harness::apply_all(
    const std::vector<replica::Operation>& operations) {
  std::vector<Result<std::string>> replies;
  const std::function<void(replica::Effect)> add_effect = [&](replica::Effect effect) {
    effects.push_back(std::move(effect));
  };
  db->transaction([&]() -> Result<void> {
      for (const auto& operation : operations) {
        EXPECT_TRUE(json::check(operation.body)) << operation.body;
        replica::ApplyContext context{*db, ++revision, clock.wall(), true, *this, add_effect};
        if (gap_ > Millis{0}) machine->after_gap(std::exchange(gap_, Millis{0}), context);
        replies.push_back(machine->apply(operation, json::View(operation.body), context));
        if (replies.back()) {
          EXPECT_TRUE(json::check(*replies.back())) << *replies.back();
        }
      }
      machine->before_commit(*db);
      return {};
    }).value();
  machine->after_commit();
  return replies;
}

Result<std::string> Harness::apply(const replica::Operation& operation) {
  return std::move(apply_all({operation})[0]);
}

std::string Harness::must(const Result<replica::Operation>& operation) {
  if (!operation) {
    ADD_FAILURE() << describe(operation.error());
    return "{}";
  }
  auto reply = apply(*operation);
  if (!reply) {
    ADD_FAILURE() << operation->name << ": " << describe(reply.error());
    return "{}";
  }
  return *reply;
}

Error Harness::refused(const Result<replica::Operation>& operation) {
  if (!operation) return operation.error();
  const auto before = dump();
  auto reply = apply(*operation);
  if (reply) {
    ADD_FAILURE() << operation->name << " was accepted: " << *reply;
    return {};
  }
  EXPECT_EQ(dump(), before) << "a refused operation changed something";
  return reply.error();
}

std::string Harness::submit(std::string_view json) {
  return text(must(requests.submit(json::View(json))), "id");
}

std::vector<json::View> Harness::lease(std::string_view queues, std::string_view more) {
  const auto body = "{\"worker\":\"w1\"" + std::string(more) + "}";
  const auto request = requests.lease(queues, json::View(body), {"n1", "unused"});
  if (!request) {
    ADD_FAILURE() << describe(request.error());
    return {};
  }
  reply_ = must(request->operation);
  return list(reply_, "jobs");
}

std::string Harness::lease_one(std::string_view queue) {
  const auto jobs = lease(queue);
  return jobs.empty() ? "" : text(jobs[0].find("lease"));
}

bool Harness::park(std::string_view waiter, std::string_view queues, std::string_view more,
                   std::string_view node) {
  const auto body =
      "{\"worker\":\"" + std::string(waiter) + "\",\"wait_ms\":30000" + std::string(more) + "}";
  const auto request =
      requests.lease(queues, json::View(body), {std::string(node), std::string(waiter)});
  if (!request) {
    ADD_FAILURE() << describe(request.error());
    return false;
  }
  return is_parked(must(request->operation));
}

std::string Harness::work(std::string_view json) {
  const auto request = requests.work(json::View(json), {"n1", "unused"});
  if (!request) {
    ADD_FAILURE() << describe(request.error());
    return "{}";
  }
  return must(request->operation);
}

std::string Harness::read(const std::function<Result<std::string>(sqlite::Database&)>& body) {
  std::string out = "{}";
  auto done = db->read([&]() -> Result<void> {
    WEIR_ASSIGN(out, body(*db));
    return {};
  });
  EXPECT_TRUE(done) << (done ? "" : describe(done.error()));
  EXPECT_TRUE(json::check(out)) << out;
  return out;
}

std::string Harness::job(std::string_view id) {
  return read([&](sqlite::Database& database) { return get_job(database, id); });
}

std::string Harness::status(std::string_view id) {
  return text(job(id), "status");
}

std::string Harness::member(std::string_view id, std::string_view name) {
  const auto detail = job(id);
  return std::string(json::View(detail).find(name).raw());
}

std::int64_t Harness::number(std::string_view sql) {
  return test::number(*db, sql);
}

std::string Harness::dump() {
  std::string out;
  db->read([&]() -> Result<void> {
      for (const auto& table : kTables) {
        auto rows = db->prepare("SELECT " + std::string(table.columns) + " FROM " +
                                std::string(table.name) + " ORDER BY 1,2");
        while (rows.step()) {
          out.append(table.name);
          for (std::size_t i = 0; i < columns_of(table); ++i) {
            const auto column = static_cast<int>(i);
            out += rows.is_null(column) ? "|NULL" : "|" + std::string(rows.text(column));
          }
          out += '\n';
        }
      }
      return {};
    }).value();
  return out;
}

void Harness::expect_counts_true() {
  for (const auto status : kStatuses) {
    const auto rows = number("SELECT count(*) FROM jobs WHERE status=" +
                             std::to_string(static_cast<int>(status)));
    EXPECT_EQ(count(status), rows) << to_string(status);
    EXPECT_EQ(number("SELECT coalesce((SELECT count FROM job_counts WHERE queue=0 AND kind=" +
                     std::to_string(static_cast<int>(status)) + "),0)"),
              rows);
  }
  EXPECT_EQ(number("SELECT count(*) FROM (SELECT queue,status,count(*) AS n FROM jobs"
                   " GROUP BY queue,status) AS truth LEFT JOIN job_counts AS c"
                   " ON c.queue=truth.queue AND c.kind=truth.status"
                   " WHERE c.count IS NULL OR c.count<>truth.n"),
            0);
  EXPECT_EQ(number("SELECT count(*) FROM (SELECT queue,priority,count(*) AS n FROM jobs"
                   " WHERE status=2 GROUP BY queue,priority) AS truth LEFT JOIN job_counts AS c"
                   " ON c.queue=truth.queue AND c.kind=16+truth.priority"
                   " WHERE c.count IS NULL OR c.count<>truth.n"),
            0);
  EXPECT_EQ(number("SELECT count(*) FROM jobs WHERE (target IS NULL)<>((parts&262144)=0)"), 0);
  EXPECT_EQ(number("SELECT coalesce(sum(count),0) FROM job_counts WHERE queue>0 AND kind<8"),
            number("SELECT count(*) FROM jobs"));
}

std::vector<std::string> ids_of(const std::vector<json::View>& jobs) {
  std::vector<std::string> out;
  for (const auto job : jobs) out.push_back(text(job.find("id")));
  return out;
}

void submit(Harness& h, std::string_view id, std::string_view queue, std::string_view more) {
  h.submit("{\"id\":\"" + std::string(id) + "\",\"queue\":\"" + std::string(queue) + "\"" +
           std::string(more) + "}");
}

std::string plain(std::string_view id, std::string_view more) {
  return "{\"id\":\"" + std::string(id) + "\",\"queue\":\"q\"" + std::string(more) + "}";
}

void make_dead(Harness& h, std::string_view id) {
  h.submit(plain(id));
  h.fail(h.lease_one(), R"({"retry":false})");
}

std::string text(json::View value) {
  return value.as_string().value_or(std::string(value.raw()));
}

std::string text(std::string_view json, std::string_view name) {
  return text(json::View(json).find(name));
}

std::vector<json::View> list(std::string_view json, std::string_view name) {
  std::vector<json::View> out;
  for (const auto element : json::View(json).find(name).elements()) out.push_back(element);
  return out;
}

}  // namespace weir::jobs
