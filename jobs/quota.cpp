#include "jobs/quota.hpp"

#include "jobs/edit.hpp"
#include "jobs/schema.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::chrono::seconds kRetryAfter{5};

std::int64_t waiting_of(sqlite::Database& db, std::string_view key) {
  auto rows = db.prepare("SELECT waiting FROM job_quotas WHERE key=?1");
  rows.bind(1, key);
  return rows.step() ? rows.int64(0) : 0;
}

void add_waiting(sqlite::Database& db, std::string_view key, std::int64_t more) {
  db.prepare(
        "INSERT INTO job_quotas(key,waiting) VALUES(?1,?2)"
        " ON CONFLICT(key) DO UPDATE SET waiting=waiting+?2")
      .bind_all(key, more)
      .run();
  if (more < 0) {
    db.prepare("DELETE FROM job_quotas WHERE key=?1 AND waiting=0").bind_all(key).run();
  }
}

}  // namespace

replica::Operation of_key(replica::Operation submit, std::string_view key_id,
                          std::int64_t max_waiting) {
  WEIR_ASSERT(submit.body.starts_with('{'));
  json::Writer owner(96);
  owner.begin_object().member("key", key_id).member("max_waiting", max_waiting).end_object();
  submit.body = std::string(kOwnerHead) + owner.take() + "," + submit.body.substr(1);
  return submit;
}

OwnedBody parse_owned(json::View body) {
  const auto owner = body.find("owner");
  OwnedBody out{.owner = {.key = owner.find("key").as_string().value_or(""),
                          .max_waiting = owner.find("max_waiting").as_int().value_or(0)},
                .rest = "{"};
  // What follows the owner and its comma.
  out.rest += body.raw().substr(kOwnerHead.size() + owner.raw().size() + 1);
  return out;
}

Result<void> check_quota(Step& step, std::int64_t more) {
  if (!step.owner) return {};
  const auto& [key, limit] = *step.owner;
  if (waiting_of(step.db, key) + more < limit) return {};
  Error error{Code::too_many_requests, "quota_exceeded", "The API key has too many waiting jobs",
              "its max_waiting is " + std::to_string(limit) + ": submit again later"};
  error.retry_after = kRetryAfter;
  return error;
}

void count_owned(Step& step, std::int64_t row) {
  step.db.prepare("INSERT INTO job_owners(job,key) VALUES(?1,?2)")
      .bind_all(row, step.owner->key)
      .run();
  add_waiting(step.db, step.owner->key, 1);
}

void follow_quota(Step& step, const Change& change) {
  if (!change.from) return;  // count_owned()
  const bool before = is_waiting(*change.from);
  const bool after = change.to && is_waiting(*change.to);
  if (before != after) {
    std::string key;
    {
      auto rows = step.db.prepare("SELECT key FROM job_owners WHERE job=?1");
      rows.bind_all(change.row);
      WEIR_ASSERT(rows.step());
      key = rows.text(0);
    }
    add_waiting(step.db, key, after ? 1 : -1);
  }
  if (change.to) return;
  step.db.prepare("DELETE FROM job_owners WHERE job=?1").bind_all(change.row).run();
}

std::map<std::string, std::int64_t> waiting_by_key(sqlite::Database& db) {
  std::map<std::string, std::int64_t> out;
  auto rows = db.prepare("SELECT key,waiting FROM job_quotas");
  while (rows.step()) out.emplace(rows.text(0), rows.int64(1));
  return out;
}

}  // namespace weir::jobs
