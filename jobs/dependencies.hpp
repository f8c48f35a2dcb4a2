// Dependencies: a job that waits for other jobs (depends_on). It is blocked until every parent has
// ended; the first end of a parent decides, and stays decided when the parent runs again.
// A parent that is failed, cancelled, dead, or removed before its end, ended without success.
//
// Each parent of a job is a row of job_parents, with what it counted as (`counted`, null while the
// child waits for it). A parent has kHasChildren in jobs.parts, a child kHasParents; jobs without
// dependents pay the test of those bits.
//
// Bounds: kMaxParents per job; one operation follows at most kFollowRows edges, the rest is owed
// (job_releases) and paid by ticks. Cascades are changes in the queue of Step, never recursion.
//
// Thread rule: the applier thread only, except write_parents(). sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/step.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// What a parent that ended without success means for its child. The numbers are stored.
enum class OnFailure : std::uint8_t {
  fail = 0,    // the child ends as failed, at once, with the error type parent_failed
  ignore = 1,  // it counts as done
  run = 2,     // the same, and the child's lease shows the statuses and errors of its parents
};
std::string_view to_string(OnFailure policy);
std::optional<OnFailure> parse_on_failure(std::string_view word);

// What job_parents.counted and job_releases.status hold: a Status, or this.
inline constexpr std::int64_t kParentRemoved = 8;

Error parent_not_found(std::string_view id);

// "completed", ..., "removed": what job_parents.counted says.
std::string_view counted_word(std::int64_t counted);

struct Parent {
  std::int64_t row = 0;
  std::string id;
  Status status = Status::unprocessed;  // now
};

// The parents of a job that is being submitted.
struct Parents {
  std::vector<Parent> all;
  OnFailure policy = OnFailure::fail;

  bool waiting() const;
  // The first one that fails the child.
  const Parent* failing() const;
};

// By the id that a submit asked for: the id of the job it was answered with instead (unique keys).
using Aliases = std::map<std::string, std::string, std::less<>>;

// Finds the parents that `depends_on` (an array of ids, checked) names.
// Errors: invalid / parent_not_found.
Result<Parents> find_parents(Step& step, json::View depends_on, json::View on_failure,
                             const Aliases& aliases);
// The new job `row`, whose jobs.parts has kHasParents, has them.
void link_parents(Step& step, std::int64_t row, const Parents& parents);
// The blocked job `row` ends as failed because of `parent`.
void fail_child(Step& step, std::int64_t row, const Parent& parent);

// A parent changed its status (kHasChildren): its end, or its removal, counts for its children.
void follow_children(Step& step, const Change& change);
// A child changed its status (kHasParents): when it is forgotten, so are its edges.
void follow_parents(Step& step, const Change& change);
// Pays what is owed to children, at most `limit` edges. How many there were.
std::int64_t pay_children(Step& step, std::int64_t limit);

// An owner runs an ended child again: it waits anew for the parents that have not ended now; the
// others do not hold it back, however they ended. Whether it waits.
bool wait_again(Step& step, std::int64_t row);

// [{"id","status","waiting","counted_as"?}] of a job with kHasParents, for readers.
void write_parents(json::Writer& out, sqlite::Database& db, std::int64_t row);
// How many parents a job still waits for.
std::int64_t count_waiting(sqlite::Database& db, std::int64_t row);
// The policy of a job with kHasParents.
OnFailure policy_of(sqlite::Database& db, std::int64_t row);
// {"<id>":{"status","result","error"?}} for the worker that leases the child. Results are given up
// to kMaxParentBytes in all; a larger one is a reference, {"result_at":"/v1/jobs/<id>"}.
void append_parents(std::string& out, sqlite::Database& db, std::int64_t row);

}  // namespace weir::jobs
