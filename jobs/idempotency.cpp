#include "jobs/idempotency.hpp"

#include <algorithm>

#include "jobs/schema.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kDuplicate = ",\"duplicate\":true}";

std::string marked(std::string_view answer) {
  std::string out(answer);
  if (!answer.ends_with(kDuplicate)) {
    out.pop_back();
    out += kDuplicate;
  }
  return out;
}

bool is_digest_of(const Idempotency& once, std::string_view digest) {
  return digest == once.digest || std::ranges::find(once.others, digest) != once.others.end();
}

Error reused(std::string_view key) {
  return Error{Code::conflict, "idempotency_key_reused",
               "The Idempotency-Key was used for another request",
               "key: " + std::string(key) + "; send another key, or the first request unchanged"};
}

}  // namespace

void write_idempotency(json::Writer& out, const Idempotency& once) {
  out.begin_object()
      .member("key", once.key)
      .member("by", once.by)
      .member("digest", once.digest)
      .member("part", once.part);
  if (!once.others.empty()) {
    out.key("others").begin_array();
    for (const auto& digest : once.others) out.value(digest);
    out.end_array();
  }
  out.end_object();
}

Idempotency parse_idempotency(json::View text) {
  Idempotency out{.key = text.find("key").as_string().value_or(""),
                  .by = text.find("by").as_string().value_or(""),
                  .digest = text.find("digest").as_string().value_or(""),
                  .others = {},
                  .part = text.find("part").as_int().value_or(0)};
  for (const auto other : text.find("others").elements()) {
    out.others.push_back(other.as_string().value_or(""));
  }
  return out;
}

Result<std::optional<std::string>> find_answer(Step& step, const Idempotency& once) {
  std::optional<std::string> found;
  auto rows = step.db.prepare(
      "SELECT part,digest,answer FROM job_idempotency INDEXED BY job_idempotency_key"
      " WHERE owner=?1 AND key=?2 AND (until IS NULL OR until>?3)");
  rows.bind_all(once.by, once.key, step.now);
  // All parts of one request have its digest.
  while (rows.step()) {
    if (!is_digest_of(once, rows.text(1))) return reused(once.key);
    if (rows.int64(0) == once.part) found = marked(rows.text(2));
  }
  return found;
}

void keep_answer(Step& step, const Idempotency& once, std::optional<std::int64_t> row,
                 std::string_view answer) {
  std::optional<std::int64_t> until;
  if (row) {
    step.follow(*row, kIdempotentBit);
  } else {
    until = step.now + kIdempotencyKept.count();
  }
  step.db
      .prepare(
          "INSERT OR REPLACE INTO job_idempotency(owner,key,part,digest,job,until,answer)"
          " VALUES(?1,?2,?3,?4,?5,?6,?7)")
      .bind_all(once.by, once.key, once.part, once.digest, row, until, answer)
      .run();
}

void follow_idempotency(Step& step, const Change& change) {
  if (change.to) return;
  step.db.prepare("DELETE FROM job_idempotency WHERE job=?1 AND job IS NOT NULL")
      .bind_all(change.row)
      .run();
}

void drop_old_answers(Step& step, std::int64_t limit) {
  step.db
      .prepare(
          "DELETE FROM job_idempotency WHERE row IN (SELECT row FROM job_idempotency"
          " INDEXED BY job_idempotency_until WHERE until IS NOT NULL AND until<=?1"
          " ORDER BY until,row LIMIT ?2)")
      .bind_all(step.now, limit)
      .run();
}

}  // namespace weir::jobs
