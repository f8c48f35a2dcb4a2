#include "jobs/job_row.hpp"

#include "jobs/job_log.hpp"
#include "jobs/limits.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {
namespace {

#define WEIR_JOB_COLUMNS                                                                  \
  "row,id,queue,status,priority,at,attempt,max_attempts,lease_ms,created_at,run_at,"      \
  "started_at,finished_at,deadline,cancel_at,fence,nonce,revision,parts,worker,type,key," \
  "options,error,result,payload,target"

Job read_row(const sqlite::Statement& rows) {
  Job job;
  job.row = rows.int64(0);
  job.id = rows.text(1);
  job.queue = rows.int64(2);
  job.status = static_cast<Status>(rows.int64(3));
  job.priority = rows.int64(4);
  job.at = rows.optional_int64(5);
  job.attempt = rows.int64(6);
  job.max_attempts = rows.optional_int64(7);
  job.lease_ms = rows.optional_int64(8);
  job.created_at = rows.int64(9);
  job.run_at = rows.optional_int64(10);
  job.started_at = rows.optional_int64(11);
  job.finished_at = rows.optional_int64(12);
  job.deadline = rows.optional_int64(13);
  job.cancel_at = rows.int64(14);
  job.fence = rows.int64(15);
  job.nonce = rows.int64(16);
  job.revision = rows.int64(17);
  job.parts = rows.int64(18);
  job.worker = rows.text(19);
  job.type = rows.text(20);
  job.key = rows.text(21);
  job.options = rows.text(22);
  job.error = rows.text(23);
  job.result = rows.text(24);
  job.payload = rows.text(25);
  job.target = rows.text(26);
  return job;
}

void bind_text_or_null(sqlite::Statement& statement, int index, std::string_view text) {
  if (text.empty()) {
    statement.bind_null(index);
  } else {
    statement.bind(index, text);
  }
}

std::string value_of(sqlite::Database& db, const Job& job, Blob kind, const std::string& inlined) {
  return (job.parts & blob_bit(kind)) != 0 ? read_blob(db, job.row, kind) : inlined;
}

void drop_blob(sqlite::Database& db, Job& job, Blob kind) {
  if ((job.parts & blob_bit(kind)) == 0) return;
  db.prepare("DELETE FROM job_blobs WHERE key=?1").bind_all(blob_key(job.row, kind)).run();
  job.parts &= ~blob_bit(kind);
}

}  // namespace

std::optional<Job> load_job(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare("SELECT " WEIR_JOB_COLUMNS " FROM jobs WHERE row=?1");
  rows.bind(1, row);
  if (!rows.step()) return std::nullopt;
  return read_row(rows);
}

std::optional<Job> find_job(sqlite::Database& db, std::string_view id) {
  auto rows = db.prepare("SELECT " WEIR_JOB_COLUMNS " FROM jobs WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return std::nullopt;
  return read_row(rows);
}

void store_job(sqlite::Database& db, const Job& job) {
  auto write = db.prepare(
      "UPDATE jobs SET status=?2,at=?3,attempt=?4,run_at=?5,finished_at=?6,cancel_at=?7,"
      "revision=?8,parts=?9,error=?10,result=?11 WHERE row=?1");
  write.bind_all(job.row, static_cast<std::int64_t>(job.status), job.at, job.attempt, job.run_at,
                 job.finished_at, job.cancel_at, job.revision, job.parts);
  bind_text_or_null(write, 10, job.error);
  bind_text_or_null(write, 11, job.result);
  write.run();
}

void erase_job(sqlite::Database& db, std::int64_t row, std::int64_t parts) {
  db.prepare("DELETE FROM jobs WHERE row=?1").bind_all(row).run();
  if ((parts & (kHasAttempts - 1)) != 0) {
    db.prepare("DELETE FROM job_blobs WHERE key BETWEEN ?1 AND ?2")
        .bind_all(row * kBlobKinds, row * kBlobKinds + kBlobKinds - 1)
        .run();
  }
  if ((parts & kHasAttempts) != 0) {
    db.prepare("DELETE FROM job_attempts WHERE job=?1").bind_all(row).run();
  }
  if ((parts & kHasLog) != 0) erase_log(db, row);
}

std::int64_t option_bits(std::string_view options) {
  if (options.empty()) return 0;
  const json::View view(options);
  return (view.find("timeout_ms").is_missing() ? 0 : kTimedBit) |
         (view.find("expires_at").is_missing() ? 0 : kExpiringBit) |
         (view.find("retention_ms").is_missing() ? 0 : kRetentionBit) |
         (view.find("webhook").is_missing() ? 0 : kHookedBit);
}

std::int64_t timeout_of(std::string_view options) {
  return json::View(options).find("timeout_ms").as_int().value_or(0);
}

std::string read_blob(sqlite::Database& db, std::int64_t row, Blob kind) {
  auto rows = db.prepare("SELECT data FROM job_blobs WHERE key=?1");
  rows.bind(1, blob_key(row, kind));
  return rows.step() ? std::string(rows.text(0)) : std::string();
}

void write_blob(sqlite::Database& db, std::int64_t row, Blob kind, std::string_view data) {
  db.prepare("INSERT OR REPLACE INTO job_blobs(key,data) VALUES(?1,?2)")
      .bind_all(blob_key(row, kind), data)
      .run();
}

std::string payload_of(sqlite::Database& db, const Job& job) {
  return value_of(db, job, Blob::payload, job.payload);
}

std::string result_of(sqlite::Database& db, const Job& job) {
  return value_of(db, job, Blob::result, job.result);
}

std::string error_of(sqlite::Database& db, const Job& job) {
  return value_of(db, job, Blob::error, job.error);
}

void set_error(sqlite::Database& db, Job& job, std::string_view error) {
  if (error.size() > kInlineBytes) {
    write_blob(db, job.row, Blob::error, error);
    job.parts |= blob_bit(Blob::error);
    job.error.clear();
    return;
  }
  job.error = error;
  drop_blob(db, job, Blob::error);
}

void clear_result(sqlite::Database& db, Job& job) {
  job.result.clear();
  drop_blob(db, job, Blob::result);
}

}  // namespace weir::jobs
