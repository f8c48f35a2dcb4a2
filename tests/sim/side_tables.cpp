#include "tests/sim/side_tables.hpp"

#include "jobs/limits.hpp"
#include "jobs/schema.hpp"
#include "pkg/base/assert.hpp"

namespace weir::sim {
namespace {

template <class Body>
void read(sqlite::Database& db, const Body& body) {
  const auto done = db.read([&]() -> Result<void> {
    body(db);
    return {};
  });
  WEIR_ASSERT(done.has_value());
}

// Jobs have the lines that their sums say, within the bounds; nobody else has any.
void check_logs(SimNode& node, std::vector<std::string>& out) {
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare(
        "SELECT s.job FROM job_log_sums s LEFT JOIN jobs j ON j.row=s.job LEFT JOIN (SELECT job,"
        "min(line) AS first,max(line)+1 AS next,count(*) AS lines,sum(length(message)) AS bytes"
        " FROM job_logs GROUP BY job) l ON l.job=s.job WHERE (s.first,s.next,s.bytes)<>"
        "(l.first,l.next,l.bytes) OR l.job IS NULL OR l.lines<>s.next-s.first OR l.lines>?1"
        " OR l.bytes>?2 OR j.row IS NULL OR j.parts&?3=0");
    rows.bind_all(jobs::kLogLinesKept, jobs::kLogBytesKept, jobs::kHasLog);
    while (rows.step()) {
      out.push_back("the log of row " + std::to_string(rows.int64(0)) + " is wrong on " +
                    node.id());
    }
    auto stray = db.prepare(
        "SELECT (SELECT count(*) FROM job_logs WHERE job NOT IN (SELECT job FROM job_log_sums))+"
        "(SELECT count(*) FROM jobs WHERE parts&?1<>0 AND row NOT IN"
        " (SELECT job FROM job_log_sums))");
    stray.bind_all(jobs::kHasLog);
    if (stray.step() && stray.int64(0) > 0) out.push_back(node.id() + " has stray log lines");
  });
}

// What keys with a quota have waiting is what is counted.
void check_quotas(SimNode& node, std::vector<std::string>& out) {
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare(
        "SELECT (SELECT count(*) FROM (SELECT key,waiting FROM job_quotas EXCEPT SELECT o.key,"
        "count(*) FROM job_owners o JOIN jobs j ON j.row=o.job WHERE j.status<3 GROUP BY o.key))+"
        "(SELECT count(*) FROM jobs j LEFT JOIN job_owners o ON o.job=j.row"
        " WHERE (j.parts&?1<>0)<>(o.job IS NOT NULL))+"
        "(SELECT count(*) FROM job_owners WHERE job NOT IN (SELECT row FROM jobs))");
    rows.bind_all(jobs::kQuotaBit);
    if (rows.step() && rows.int64(0) > 0) out.push_back(node.id() + " counts quotas wrongly");
  });
}

// Exactly the jobs that are to be forgotten have a time for it.
void check_retentions(SimNode& node, std::vector<std::string>& out) {
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare(
        "SELECT count(*) FROM (SELECT job FROM job_retentions EXCEPT SELECT row FROM jobs"
        " WHERE parts&?1<>0 AND status IN (4,5,6)) UNION ALL SELECT count(*) FROM (SELECT row"
        " FROM jobs WHERE parts&?1<>0 AND status IN (4,5,6) EXCEPT SELECT job FROM "
        "job_retentions)");
    rows.bind_all(jobs::kRetentionBit);
    while (rows.step()) {
      if (rows.int64(0) > 0) out.push_back(node.id() + " has wrong times to forget jobs");
    }
  });
}

// On a calm cluster no redrive goes on; those that ended leave no ids; what one redrove carries its
// patch.
void check_redrives(SimNode& node, std::vector<std::string>& out) {
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare(
        "SELECT (SELECT count(*) FROM job_redrives WHERE (state=0)<>(due IS NOT NULL)"
        " OR (state=0)<>(ended_at IS NULL))+(SELECT count(*) FROM job_redrive_ids WHERE redrive"
        " NOT IN (SELECT row FROM job_redrives WHERE state=0)),"
        "(SELECT count(*) FROM job_redrives WHERE state=0)");
    if (!rows.step()) return;
    if (rows.int64(0) > 0) out.push_back(node.id() + " keeps redrives wrongly");
    if (rows.int64(1) > 0) out.push_back(node.id() + " has redrives that do not end");
  });
}

// The chunks of every large payload are known to be in use, those of forgotten ones as unused.
void check_large(SimNode& node, std::vector<std::string>& out) {
  read(node.db(), [&](sqlite::Database& db) {
    auto rows = db.prepare(
        "SELECT (SELECT count(*) FROM jobs j LEFT JOIN job_large l ON l.job=j.row AND l.kind=0"
        " WHERE substr(j.payload,1,14)='{\"$weir\":{\"b\":' AND"
        " (l.job IS NULL OR j.parts&?1=0 OR instr(j.payload,l.chunks)=0))+"
        "(SELECT count(*) FROM job_large l LEFT JOIN jobs j ON j.row=l.job WHERE j.row IS NULL)+"
        "(SELECT count(*) FROM job_large l JOIN job_large_unused u ON u.first=l.first)");
    rows.bind_all(jobs::kLargeBit);
    if (rows.step() && rows.int64(0) > 0) {
      out.push_back(node.id() + " has large values whose chunks are not kept, or are kept twice");
    }
  });
}

}  // namespace

void check_side_tables(SimNode& node, std::vector<std::string>& out) {
  check_logs(node, out);
  check_retentions(node, out);
  check_quotas(node, out);
  check_redrives(node, out);
  check_large(node, out);
}

}  // namespace weir::sim
