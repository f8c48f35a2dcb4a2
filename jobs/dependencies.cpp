#include "jobs/dependencies.hpp"

#include <algorithm>
#include <array>

#include "jobs/fan_out.hpp"
#include "jobs/job_row.hpp"
#include "jobs/limits.hpp"
#include "jobs/schema.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 3> kPolicies{"fail", "ignore", "run"};

constexpr bool succeeded(std::int64_t counted) {
  return counted == static_cast<std::int64_t>(Status::completed);
}

bool still_waits(sqlite::Database& db, std::int64_t child) {
  auto rows = db.prepare(
      "SELECT 1 FROM job_parents INDEXED BY job_parents_waiting"
      " WHERE child=?1 AND counted IS NULL LIMIT 1");
  rows.bind(1, child);
  return rows.step();
}

// Nothing holds the job back any more but its time.
void unblock(Step& step, Job& job) {
  const bool later = job.run_at && *job.run_at > step.now;
  job.status = later ? Status::scheduled : Status::unprocessed;
  job.at = later ? job.run_at : std::nullopt;
  job.revision = step.revision;
  store_job(step.db, job);
  step.change({.row = job.row,
               .queue = step.state.queues.get(job.queue),
               .from = Status::blocked,
               .to = job.status,
               .cause = Cause::parents,
               .priority = job.priority,
               .at = job.at.value_or(0),
               .parts = job.parts});
}

void fail_blocked(Step& step, Job& job, std::string_view parent, std::int64_t counted) {
  json::Writer error(192);
  error.begin_object()
      .member("type", "parent_failed")
      .member("message", "a job it depends on ended without success")
      .key("details")
      .begin_object()
      .member("parent", parent)
      .member("status", counted_word(counted))
      .end_object()
      .end_object();
  set_error(step.db, job, error.str());
  job.status = Status::failed;
  job.at = job.finished_at = step.now;
  job.revision = step.revision;
  store_job(step.db, job);
  step.count(Total::failed);
  step.change({.row = job.row,
               .queue = step.state.queues.get(job.queue),
               .from = Status::blocked,
               .to = Status::failed,
               .cause = Cause::parents,
               .priority = job.priority,
               .at = step.now,
               .parts = job.parts});
  step.touch(job.id);
}

struct Edge {
  std::int64_t child;
  std::string parent;  // its id
  OnFailure policy;
};

std::vector<Edge> waiting_children(sqlite::Database& db, std::int64_t parent, std::int64_t limit) {
  std::vector<Edge> out;
  auto rows = db.prepare(
      "SELECT child,id,policy FROM job_parents INDEXED BY job_parents_children"
      " WHERE parent=?1 AND counted IS NULL ORDER BY child LIMIT ?2");
  rows.bind_all(parent, limit);
  while (rows.step()) {
    out.push_back(
        {rows.int64(0), std::string(rows.text(1)), static_cast<OnFailure>(rows.int64(2))});
  }
  return out;
}

void count_parent(Step& step, const Edge& edge, std::int64_t parent, std::int64_t counted) {
  step.db.prepare("UPDATE job_parents SET counted=?3 WHERE child=?1 AND parent=?2")
      .bind_all(edge.child, parent, counted)
      .run();
  auto job = load_job(step.db, edge.child);
  if (!job || job->status != Status::blocked) return;  // failed or cancelled meanwhile
  if (!succeeded(counted) && edge.policy == OnFailure::fail) {
    fail_blocked(step, *job, edge.parent, counted);
  } else if (!still_waits(step.db, edge.child)) {
    if ((job->parts & kFanOut) != 0) return end_fan_out(step, *job);
    unblock(step, *job);
  }
}

// At most `limit` edges. How many there were.
std::int64_t count_for_children(Step& step, std::int64_t parent, std::int64_t counted,
                                std::int64_t limit) {
  const auto edges = waiting_children(step.db, parent, limit);
  for (const auto& edge : edges) count_parent(step, edge, parent, counted);
  return static_cast<std::int64_t>(edges.size());
}

// The first end decides: what is owed already is not changed.
void owe(Step& step, std::int64_t parent, std::int64_t counted) {
  auto write = step.db.prepare("INSERT OR IGNORE INTO job_releases(parent,status) VALUES(?1,?2)");
  write.bind_all(parent, counted).run();
  step.state.releases_owed += write.changes();
}

// A parent that runs again: who was not reached yet waits for its next end.
void withdraw(Step& step, std::int64_t parent) {
  if (step.state.releases_owed == 0) return;
  auto write = step.db.prepare("DELETE FROM job_releases WHERE parent=?1");
  write.bind(1, parent).run();
  step.state.releases_owed -= write.changes();
}

}  // namespace

std::string_view counted_word(std::int64_t counted) {
  return counted == kParentRemoved ? "removed" : to_string(static_cast<Status>(counted));
}

Error parent_not_found(std::string_view id) {
  Error error{Code::invalid, "parent_not_found", "A job of depends_on does not exist",
              std::string(id) + " is not there, or not kept any more"};
  error.fields.push_back({"depends_on", "names " + std::string(id) + ", which does not exist"});
  return error;
}

std::string_view to_string(OnFailure policy) {
  return kPolicies[static_cast<std::size_t>(policy)];
}

std::optional<OnFailure> parse_on_failure(std::string_view word) {
  const auto found = std::find(kPolicies.begin(), kPolicies.end(), word);
  if (found == kPolicies.end()) return std::nullopt;
  return static_cast<OnFailure>(found - kPolicies.begin());
}

bool Parents::waiting() const {
  return std::any_of(all.begin(), all.end(),
                     [](const Parent& parent) { return !is_finished(parent.status); });
}

const Parent* Parents::failing() const {
  if (policy != OnFailure::fail) return nullptr;
  const auto found = std::find_if(all.begin(), all.end(), [](const Parent& parent) {
    return is_finished(parent.status) && parent.status != Status::completed;
  });
  return found == all.end() ? nullptr : &*found;
}

Result<Parents> find_parents(Step& step, json::View depends_on, json::View on_failure,
                             const Aliases& aliases) {
  Parents out;
  out.policy = parse_on_failure(on_failure.as_string().value_or("")).value_or(OnFailure::fail);
  auto rows = step.db.prepare("SELECT row,status FROM jobs WHERE id=?1");
  for (const auto element : depends_on.elements()) {
    auto id = element.as_string().value_or("");
    if (const auto alias = aliases.find(id); alias != aliases.end()) id = alias->second;
    rows.bind(1, id);
    if (!rows.step()) return parent_not_found(id);
    const Parent parent{rows.int64(0), id, static_cast<Status>(rows.int64(1))};
    rows.run();
    const bool known = std::any_of(out.all.begin(), out.all.end(),
                                   [&](const Parent& other) { return other.row == parent.row; });
    if (!known) out.all.push_back(parent);
  }
  return out;
}

void link_parents(Step& step, std::int64_t row, const Parents& parents) {
  for (const auto& parent : parents.all) {
    std::optional<std::int64_t> counted;
    if (is_finished(parent.status)) counted = static_cast<std::int64_t>(parent.status);
    step.db
        .prepare("INSERT INTO job_parents(child,parent,id,policy,counted) VALUES(?1,?2,?3,?4,?5)")
        .bind_all(row, parent.row, parent.id, static_cast<std::int64_t>(parents.policy), counted)
        .run();
    if (!counted) step.follow(parent.row, kHasChildren);
  }
}

void fail_child(Step& step, std::int64_t row, const Parent& parent) {
  Job job = *load_job(step.db, row);
  fail_blocked(step, job, parent.id, static_cast<std::int64_t>(parent.status));
}

void follow_children(Step& step, const Change& change) {
  if (change.to && !is_finished(*change.to)) {
    if (change.from && is_finished(*change.from)) withdraw(step, change.row);
    return;
  }
  const auto counted = change.to ? static_cast<std::int64_t>(*change.to) : kParentRemoved;
  const auto done = count_for_children(step, change.row, counted, step.follow_budget);
  step.follow_budget -= done;
  // A full step leaves the rest, if there is one, to the ticks.
  if (step.follow_budget == 0) owe(step, change.row, counted);
}

void follow_parents(Step& step, const Change& change) {
  const bool cancelled = change.to == Status::cancelled && (change.parts & kFanOut) != 0;
  if (cancelled) cancel_fan_out(step, change.row);
  if (change.to) return;
  step.db.prepare("DELETE FROM job_parents WHERE child=?1").bind_all(change.row).run();
}

std::int64_t pay_children(Step& step, std::int64_t limit) {
  std::int64_t paid = 0;
  while (step.state.releases_owed > 0 && paid < limit) {
    std::int64_t parent = 0;
    std::int64_t counted = 0;
    {
      auto rows = step.db.prepare(
          "SELECT parent,status FROM job_releases WHERE parent>0 ORDER BY parent LIMIT 1");
      if (!rows.step()) break;
      parent = rows.int64(0);
      counted = rows.int64(1);
    }
    paid += count_for_children(step, parent, counted, limit - paid);
    if (paid >= limit) break;  // more may wait
    step.db.prepare("DELETE FROM job_releases WHERE parent=?1").bind_all(parent).run();
    --step.state.releases_owed;
  }
  return paid;
}

bool wait_again(Step& step, std::int64_t row) {
  // What a parent counted as is what it is now; a removed one keeps what it counted as.
  step.db
      .prepare(
          "UPDATE job_parents SET counted=CASE"
          " (SELECT status>=4 FROM jobs WHERE jobs.row=job_parents.parent)"
          " WHEN 0 THEN NULL"
          " WHEN 1 THEN (SELECT status FROM jobs WHERE jobs.row=job_parents.parent)"
          " ELSE coalesce(counted,?2) END WHERE child=?1")
      .bind_all(row, kParentRemoved)
      .run();
  std::vector<std::int64_t> parents;
  {
    auto rows = step.db.prepare(
        "SELECT parent FROM job_parents INDEXED BY job_parents_waiting"
        " WHERE child=?1 AND counted IS NULL ORDER BY parent");
    rows.bind(1, row);
    while (rows.step()) parents.push_back(rows.int64(0));
  }
  for (const auto parent : parents) step.follow(parent, kHasChildren);
  return !parents.empty();
}

}  // namespace weir::jobs
