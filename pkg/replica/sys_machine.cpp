#include "pkg/replica/sys_machine.hpp"

#include <algorithm>
#include <array>

#include "pkg/crypto/crypto.hpp"
#include "pkg/json/writer.hpp"

namespace weir::replica {
namespace {

constexpr std::array kMigrations{sqlite::Migration{1, R"sql(
  CREATE TABLE sys_meta(
    id INTEGER PRIMARY KEY CHECK(id=1), applied INTEGER NOT NULL, time_ms INTEGER NOT NULL,
    digest BLOB NOT NULL, entry_hash BLOB NOT NULL, identity TEXT NOT NULL);
  INSERT INTO sys_meta VALUES(1,0,0,'','','');
  CREATE TABLE sys_proposers(
    proposer TEXT PRIMARY KEY, high INTEGER NOT NULL, window INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE sys_effects(
    revision INTEGER NOT NULL, ordinal INTEGER NOT NULL, subject TEXT NOT NULL,
    headers TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(revision, ordinal)) WITHOUT ROWID;
)sql"}};

std::int64_t as_signed(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::uint64_t as_unsigned(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

std::span<const sqlite::Migration> SysMachine::migrations() const {
  return kMigrations;
}

Position SysMachine::read_position(sqlite::Database& db) {
  auto meta = db.prepare("SELECT applied,time_ms,digest,entry_hash,identity FROM sys_meta");
  meta.step();
  return {.applied = as_unsigned(meta.int64(0)),
          .time = from_unix_ms(meta.int64(1)),
          .digest = std::string(meta.text(2)),
          .entry_hash = std::string(meta.text(3)),
          .identity = std::string(meta.text(4))};
}

void SysMachine::open(sqlite::Database& db) {
  proposers_.clear();
  dirty_.clear();
  next_ordinal_ = 0;
  position_ = read_position(db);
  {
    auto rows = db.prepare("SELECT proposer,high,window,seen_ms FROM sys_proposers");
    while (rows.step()) {
      proposers_[std::string(rows.text(0))] = {
          SequenceWindow(as_unsigned(rows.int64(1)), as_unsigned(rows.int64(2))),
          from_unix_ms(rows.int64(3)), false};
    }
  }
  auto count = db.prepare("SELECT count(*) FROM sys_effects");
  count.step();
  effects_waiting_ = as_unsigned(count.int64(0));
}

Result<std::string> SysMachine::apply(const Operation& operation, json::View body,
                                      ApplyContext& context) {
  if (operation.name != "sys.effects_done") {
    return Error{Code::internal, "unknown_operation", "This version does not know the operation",
                 operation.name};
  }
  const auto revision = body.find("revision").as_int();
  const auto ordinal = body.find("ordinal").as_int();
  if (!revision || !ordinal) {
    return Error{Code::invalid, "invalid_request", "revision and ordinal are needed", ""};
  }
  auto remove = context.db.prepare(
      "DELETE FROM sys_effects WHERE revision<?1 OR (revision=?1 AND ordinal<=?2)");
  remove.bind_all(*revision, *ordinal);
  remove.run();
  effects_waiting_ -= as_unsigned(remove.changes());
  return std::string("{}");
}

void SysMachine::advance(Revision revision, Timestamp time, const std::string& entry_hash) {
  position_.applied = revision;
  position_.time = std::max(position_.time, time);
  position_.digest = crypto::sha256(position_.digest + entry_hash);
  position_.entry_hash = entry_hash;
  next_ordinal_ = 0;
}

bool SysMachine::admit(std::string_view proposer, std::uint64_t sequence, sqlite::Database& db) {
  auto found = proposers_.find(proposer);
  if (found == proposers_.end()) {
    forget_silent_proposers(db);
    found = proposers_.emplace(std::string(proposer), Proposer{}).first;
  }
  auto& known = found->second;
  if (!known.window.admit(sequence)) return false;
  known.seen = position_.time;
  if (!known.dirty) {
    known.dirty = true;
    dirty_.push_back(found);
  }
  return true;
}

// Runs when a new proposer appears, which is rare: a node started. Must not depend on where the
// transactions of this replica happen to begin: also forgets what is not written yet.
void SysMachine::forget_silent_proposers(sqlite::Database& db) {
  const auto limit = position_.time - kProposerKept;
  for (auto at = proposers_.begin(); at != proposers_.end();) {
    if (at->second.seen >= limit) {
      ++at;
      continue;
    }
    std::erase(dirty_, at);
    db.prepare("DELETE FROM sys_proposers WHERE proposer=?1").bind_all(at->first).run();
    at = proposers_.erase(at);
  }
}

void SysMachine::add_effect(const Effect& effect, sqlite::Database& db) {
  db.prepare("INSERT INTO sys_effects VALUES(?1,?2,?3,?4,?5)")
      .bind_all(as_signed(position_.applied), as_signed(next_ordinal_++), effect.subject,
                effect.headers_json, effect.body)
      .run();
  ++effects_waiting_;
}

void SysMachine::before_commit(sqlite::Database& db) {
  for (const auto& proposer : dirty_) {
    auto& known = proposer->second;
    db.prepare(
          "INSERT INTO sys_proposers VALUES(?1,?2,?3,?4) ON CONFLICT(proposer) DO UPDATE SET "
          "high=?2,window=?3,seen_ms=?4")
        .bind_all(proposer->first, as_signed(known.window.high()), as_signed(known.window.bits()),
                  to_unix_ms(known.seen))
        .run();
    known.dirty = false;
  }
  dirty_.clear();
  db.prepare("UPDATE sys_meta SET applied=?1,time_ms=?2,digest=?3,entry_hash=?4")
      .bind_all(as_signed(position_.applied), to_unix_ms(position_.time), position_.digest,
                position_.entry_hash)
      .run();
}

void SysMachine::adopt_identity(const std::string& identity, sqlite::Database& db) {
  db.prepare("UPDATE sys_meta SET identity=?1").bind_all(identity).run();
  position_.identity = identity;
}

std::vector<OwedEffect> SysMachine::effects_after(EffectId after, std::size_t limit,
                                                  sqlite::Database& db) {
  std::vector<OwedEffect> out;
  auto rows = db.prepare(
      "SELECT revision,ordinal,subject,headers,body FROM sys_effects "
      "WHERE (revision,ordinal)>(?1,?2) ORDER BY revision,ordinal LIMIT ?3");
  rows.bind_all(as_signed(after.revision), as_signed(after.ordinal), as_signed(limit));
  while (rows.step()) {
    out.push_back(
        {{as_unsigned(rows.int64(0)), as_unsigned(rows.int64(1))},
         {std::string(rows.text(2)), std::string(rows.text(3)), std::string(rows.text(4))}});
  }
  return out;
}

Operation SysMachine::effects_done(EffectId through) {
  json::Writer body;
  body.begin_object()
      .member("revision", std::uint64_t{through.revision})
      .member("ordinal", through.ordinal)
      .end_object();
  return {"sys.effects_done", body.take()};
}

}  // namespace weir::replica
