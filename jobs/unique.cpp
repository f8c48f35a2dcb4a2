#include "jobs/unique.hpp"

#include <algorithm>
#include <array>

#include "jobs/schema.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 4> kScopes{"queued", "active", "retained", "ttl"};
constexpr std::array<std::string_view, 4> kActions{"return", "reject", "replace", "debounce"};

template <class Word, std::size_t size>
std::optional<Word> parse_word(const std::array<std::string_view, size>& words,
                               std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<Word>(found - words.begin());
}

bool in_scope(UniqueScope scope, Status status, std::optional<std::int64_t> until,
              std::int64_t now) {
  switch (scope) {
    case UniqueScope::queued:
      return status <= Status::unprocessed;
    case UniqueScope::active:
      return !is_finished(status);
    case UniqueScope::retained:
      return true;
    case UniqueScope::ttl:
      break;
  }
  return until && *until > now;
}

void set_holds(Step& step, std::int64_t row, std::int64_t holds) {
  step.db.prepare("UPDATE job_unique SET holds=?2 WHERE job=?1").bind_all(row, holds).run();
}

struct Held {
  std::int64_t queue = 0;
  std::string key;
  UniqueScope scope = UniqueScope::active;
  std::optional<std::int64_t> until;
  bool holds = false;
};

std::optional<Held> find_held(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare("SELECT queue,key,scope,until,holds FROM job_unique WHERE job=?1");
  rows.bind(1, row);
  if (!rows.step()) return std::nullopt;
  return Held{rows.int64(0), std::string(rows.text(1)), static_cast<UniqueScope>(rows.int64(2)),
              rows.optional_int64(3), rows.int64(4) != 0};
}

}  // namespace

std::string_view to_string(UniqueScope scope) {
  return kScopes[static_cast<std::size_t>(scope)];
}

std::optional<UniqueScope> parse_unique_scope(std::string_view word) {
  return parse_word<UniqueScope>(kScopes, word);
}

std::string_view to_string(OnConflict action) {
  return kActions[static_cast<std::size_t>(action)];
}

std::optional<OnConflict> parse_on_conflict(std::string_view word) {
  return parse_word<OnConflict>(kActions, word);
}

Unique parse_unique(json::View text) {
  Unique out;
  for (const auto& member : text.members()) {
    if (member.raw_key == "key") {
      out.key = member.value.as_string().value_or("");
    } else if (member.raw_key == "ttl_ms") {
      out.ttl_ms = member.value.as_int().value_or(0);
    } else if (member.raw_key == "scope") {
      out.scope =
          parse_unique_scope(member.value.as_string().value_or("")).value_or(UniqueScope::active);
    } else if (member.raw_key == "on_conflict") {
      out.on_conflict =
          parse_on_conflict(member.value.as_string().value_or("")).value_or(OnConflict::answer);
    }
  }
  return out;
}

std::optional<std::int64_t> unique_holder(Step& step, std::int64_t queue, std::string_view key) {
  std::int64_t row = 0;
  std::optional<std::int64_t> until;
  {
    auto rows = step.db.prepare(
        "SELECT job,until FROM job_unique INDEXED BY job_unique_key"
        " WHERE queue=?1 AND key=?2 AND holds=1");
    rows.bind_all(queue, key);
    if (!rows.step()) return std::nullopt;
    row = rows.int64(0);
    until = rows.optional_int64(1);
  }
  if (!until || *until > step.now) return row;
  set_holds(step, row, 0);
  return std::nullopt;
}

void take_unique(Step& step, std::int64_t row, std::int64_t queue, const Unique& unique) {
  std::optional<std::int64_t> until;
  if (unique.scope == UniqueScope::ttl) until = step.now + unique.ttl_ms;
  step.db
      .prepare("INSERT INTO job_unique(job,queue,key,scope,until,holds) VALUES(?1,?2,?3,?4,?5,1)")
      .bind_all(row, queue, unique.key, static_cast<std::int64_t>(unique.scope), until)
      .run();
}

void follow_unique(Step& step, const Change& change) {
  if (!change.to) {
    step.db.prepare("DELETE FROM job_unique WHERE job=?1").bind_all(change.row).run();
    return;
  }
  const auto held = find_held(step.db, change.row);
  if (!held) return;
  const bool inside = in_scope(held->scope, *change.to, held->until, step.now);
  if (held->holds && !inside) {
    set_holds(step, change.row, 0);
  } else if (!held->holds && inside && !unique_holder(step, held->queue, held->key)) {
    set_holds(step, change.row, 1);
  }
}

void write_unique(json::Writer& out, sqlite::Database& db, std::int64_t row) {
  const auto held = find_held(db, row);
  if (!held) {
    out.null();
    return;
  }
  out.begin_object()
      .member("key", held->key)
      .member("scope", to_string(held->scope))
      .member("held", held->holds);
  if (held->until) out.member("until", from_unix_ms(*held->until));
  out.end_object();
}

}  // namespace weir::jobs
