#include "jobs/redrives.hpp"

#include <algorithm>

#include "jobs/bulk_request.hpp"
#include "jobs/limits.hpp"
#include "jobs/manage.hpp"
#include "jobs/queries.hpp"
#include "jobs/redrive_query.hpp"

namespace weir::jobs {
namespace {

constexpr std::int64_t kSecond = 1'000;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace

// A row of job_redrives that goes on.
struct Redrives::Run {
  std::int64_t row = 0;
  std::string request;
  std::string cursor;
  std::optional<std::int64_t> due;
  std::int64_t created_at = 0;
  std::int64_t paid_at = 0;  // what the rate allowed until then is used up
  std::int64_t redriven = 0;
  std::int64_t skipped = 0;
  std::int64_t failed = 0;
  RedriveState state = RedriveState::running;

  std::int64_t rate() const { return json::View(request).find("rate_per_s").as_int().value_or(0); }
};

Result<std::string> Redrives::start(json::View body) {
  {
    auto running = step_.db.prepare("SELECT count(*) FROM job_redrives WHERE due IS NOT NULL");
    if (running.step() && running.int64(0) >= kMaxRedrives) {
      return Error{Code::too_many_requests, "too_many_redrives", "Too many redrives are running",
                   "at most " + std::to_string(kMaxRedrives) + ": wait for one to end, or cancel"};
    }
  }
  forget_old();
  const auto id = body.find("id").as_string().value_or("");
  const auto rate = body.find("rate_per_s").as_int();
  const auto queue = body.find("queue").as_string().value_or("");
  json::Writer request(256);
  request.begin_object();
  for (const auto& member : body.members()) {
    if (member.raw_key == "ids" || member.raw_key == "id") continue;
    request.raw_member(member.raw_key, member.value.raw());
  }
  request.end_object();
  // The first goes at once.
  const auto paid_at = step_.now - (rate ? ceil_div(kSecond, *rate) : 0);
  auto write = step_.db.prepare(
      "INSERT INTO job_redrives(id,state,queue,created_at,request,due,paid_at,cursor,redriven,"
      "skipped,failed,ids) VALUES(?1,0,?2,?3,?4,?3,?5,'',0,0,0,?6)");
  write.bind_all(id, queue, step_.now, request.str(), paid_at);
  std::int64_t count = 0;
  const auto ids = body.find("ids");
  for ([[maybe_unused]] const auto each : ids.elements()) ++count;
  write.bind(6, ids.is_missing() ? std::optional<std::int64_t>() : std::optional(count)).run();
  const auto row = find_redrive(step_.db, id).value_or(0);
  auto add = step_.db.prepare("INSERT INTO job_redrive_ids(redrive,seq,id) VALUES(?1,?2,?3)");
  std::int64_t seq = 0;
  for (const auto each : ids.elements()) {
    add.bind_all(row, ++seq, each.as_string().value_or("")).run();
  }
  step_.state.next_redrive = std::min(step_.state.next_redrive, step_.now);
  return get_redrive(step_.db, id);
}

Result<std::string> Redrives::cancel(json::View body) {
  const auto id = body.find("id").as_string().value_or("");
  const auto row = find_redrive(step_.db, id);
  if (!row) return redrive_not_found(id);
  {
    auto rows = step_.db.prepare("SELECT due FROM job_redrives WHERE row=?1");
    rows.bind_all(*row);
    if (rows.step() && !rows.optional_int64(0)) {
      return Error{Code::conflict, "redrive_ended", "The redrive has ended", std::string(id)};
    }
  }
  step_.db.prepare("UPDATE job_redrives SET state=2,due=NULL,ended_at=?2 WHERE row=?1")
      .bind_all(*row, step_.now)
      .run();
  step_.db.prepare("DELETE FROM job_redrive_ids WHERE redrive=?1").bind_all(*row).run();
  return get_redrive(step_.db, id);
}

void Redrives::run_due(std::int64_t limit) {
  if (step_.state.next_redrive > step_.now) return;
  std::vector<Run> due;
  {
    auto rows = step_.db.prepare(
        "SELECT row,request,cursor,created_at,paid_at,redriven,skipped,failed FROM job_redrives"
        " INDEXED BY job_redrives_due WHERE due IS NOT NULL AND due<=?1 ORDER BY due,row");
    rows.bind_all(step_.now);
    while (rows.step()) {
      due.push_back({.row = rows.int64(0),
                     .request = std::string(rows.text(1)),
                     .cursor = std::string(rows.text(2)),
                     .due = {},
                     .created_at = rows.int64(3),
                     .paid_at = rows.int64(4),
                     .redriven = rows.int64(5),
                     .skipped = rows.int64(6),
                     .failed = rows.int64(7)});
    }
  }
  for (auto& run : due) {
    if (limit <= 0) break;
    limit -= advance(run, limit);
    store(run);
  }
  step_.state.next_redrive = first_redrive(step_.db);
}

// How many jobs it looked at.
std::int64_t Redrives::advance(Run& run, std::int64_t limit) {
  const auto rate = run.rate();
  auto most = std::min(limit, kRedriveRows);
  if (rate > 0) {
    run.paid_at = std::max(run.paid_at, step_.now - kSecond);
    most = std::min(most, (step_.now - run.paid_at) * rate / kSecond);
  }
  run.due = step_.now;
  std::int64_t used = 0;
  if (most > 0) {
    const auto ids = next_ids(run, most);
    for (const auto& id : ids) redrive(run, id);
    used = static_cast<std::int64_t>(ids.size());
  }
  if (rate > 0) {
    run.paid_at += ceil_div(used * kSecond, rate);
    const auto next = std::max(run.paid_at + ceil_div(kSecond, rate), step_.now + kRedriveStepMs);
    if (used == most && run.state == RedriveState::running) run.due = next;
  }
  if (run.state != RedriveState::running) run.due.reset();
  return std::max<std::int64_t>(used, 1);
}

// The next ones; at the end the run is over.
std::vector<std::string> Redrives::next_ids(Run& run, std::int64_t most) {
  std::vector<std::string> out;
  const json::View request(run.request);
  const auto filter = request.find("filter");
  if (!filter.is_missing()) {
    auto select = parse_redrive_filter(filter, run.created_at);
    select.limit = most;
    select.cursor = run.cursor;
    auto found = select_jobs(step_.db, select);
    if (!found || found->cursor.empty()) run.state = RedriveState::completed;
    if (!found) return out;
    run.cursor = std::move(found->cursor);
    return std::move(found->ids);
  }
  std::int64_t seq = run.cursor.empty() ? 0 : std::stoll(run.cursor);
  auto rows = step_.db.prepare(
      "SELECT seq,id FROM job_redrive_ids WHERE redrive=?1 AND seq>?2 ORDER BY seq LIMIT ?3");
  rows.bind_all(run.row, seq, most + 1);
  bool more = false;
  while (rows.step()) {
    more = static_cast<std::int64_t>(out.size()) == most;
    if (more) break;
    seq = rows.int64(0);
    out.emplace_back(rows.text(1));
  }
  run.cursor = std::to_string(seq);
  if (!more) run.state = RedriveState::completed;
  return out;
}

void Redrives::redrive(Run& run, const std::string& id) {
  const json::View request(run.request);
  const auto most = static_cast<std::size_t>(request.find("max_bytes").as_int().value_or(0));
  switch (Manager(step_).redrive_job(id, request.find("patch"), most)) {
    case Redriven::done:
      ++run.redriven;
      return;
    case Redriven::not_dead:
      ++run.skipped;
      return;
    case Redriven::not_patchable:
      ++run.failed;
      return;
  }
}

void Redrives::store(const Run& run) {
  std::optional<std::int64_t> ended;
  if (!run.due) ended = step_.now;
  step_.db
      .prepare(
          "UPDATE job_redrives SET state=?2,ended_at=?3,due=?4,paid_at=?5,cursor=?6,redriven=?7,"
          "skipped=?8,failed=?9 WHERE row=?1")
      .bind_all(run.row, static_cast<std::int64_t>(run.state), ended, run.due, run.paid_at,
                run.cursor, run.redriven, run.skipped, run.failed)
      .run();
  if (run.due) return;
  step_.db.prepare("DELETE FROM job_redrive_ids WHERE redrive=?1").bind_all(run.row).run();
}

// Those that have ended, but for the newest.
void Redrives::forget_old() {
  std::int64_t kept = 0;
  std::vector<std::int64_t> old;
  {
    auto rows = step_.db.prepare("SELECT row,due FROM job_redrives WHERE row>0 ORDER BY row DESC");
    while (rows.step()) {
      if (!rows.optional_int64(1) && ++kept > kRedrivesKept) old.push_back(rows.int64(0));
    }
  }
  for (const auto row : old) {
    step_.db.prepare("DELETE FROM job_redrives WHERE row=?1").bind_all(row).run();
  }
}

std::int64_t first_redrive(sqlite::Database& db) {
  auto rows = db.prepare(
      "SELECT due FROM job_redrives INDEXED BY job_redrives_due WHERE due IS NOT NULL"
      " ORDER BY due LIMIT 1");
  return rows.step() ? rows.int64(0) : kNever;
}

}  // namespace weir::jobs
