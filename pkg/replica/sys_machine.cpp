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
    digest BLOB NOT NULL, entry_hash BLOB NOT NULL, identity TEXT NOT NULL,
    test_clock INTEGER NOT NULL, offset_ms INTEGER NOT NULL, stands_at_ms INTEGER);
  INSERT INTO sys_meta VALUES(1,0,0,'','','',0,0,NULL);
  CREATE TABLE sys_proposers(
    proposer TEXT PRIMARY KEY, high INTEGER NOT NULL, window INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE sys_effects(
    revision INTEGER NOT NULL, ordinal INTEGER NOT NULL, subject TEXT NOT NULL,
    headers TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY(revision, ordinal)) WITHOUT ROWID;
)sql"},
                                 sqlite::Migration{2, DigestBook::kSchema}};

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
  auto meta = db.prepare(
      "SELECT applied,time_ms,digest,entry_hash,identity,test_clock,offset_ms,stands_at_ms "
      "FROM sys_meta");
  meta.step();
  TimeShift shift{Millis{meta.int64(6)}, std::nullopt};
  if (const auto stands_at = meta.optional_int64(7)) shift.stands_at = from_unix_ms(*stands_at);
  return {.applied = as_unsigned(meta.int64(0)),
          .time = from_unix_ms(meta.int64(1)),
          .digest = std::string(meta.text(2)),
          .entry_hash = std::string(meta.text(3)),
          .identity = std::string(meta.text(4)),
          .test_clock = meta.int64(5) != 0,
          .shift = shift};
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
  digests_.open(db);
  auto count = db.prepare("SELECT count(*) FROM sys_effects");
  count.step();
  effects_waiting_ = as_unsigned(count.int64(0));
}

Result<std::string> SysMachine::apply(const Operation& operation, json::View body,
                                      ApplyContext& context) {
  if (operation.name == "sys.effects_done") return apply_effects_done(body, context.db);
  if (operation.name == "sys.test_clock") return apply_test_clock(body, context.db);
  if (operation.name == "sys.digest") {
    return digests_.vote(body, context.wants_reply, context.db);
  }
  if (operation.name == "sys.checkpoint") {
    return digests_.checkpoint(body, position_.applied, position_.digest, context.db);
  }
  return Error{Code::internal, "unknown_operation", "This version does not know the operation",
               operation.name};
}

Result<std::string> SysMachine::apply_effects_done(json::View body, sqlite::Database& db) {
  const auto revision = body.find("revision").as_int();
  const auto ordinal = body.find("ordinal").as_int();
  if (!revision || !ordinal) {
    return Error{Code::invalid, "invalid_request", "revision and ordinal are needed", ""};
  }
  auto remove =
      db.prepare("DELETE FROM sys_effects WHERE revision<?1 OR (revision=?1 AND ordinal<=?2)");
  remove.bind_all(*revision, *ordinal);
  remove.run();
  effects_waiting_ -= as_unsigned(remove.changes());
  return std::string("{}");
}

// The rest of the entry still sees the time that it began with.
Result<std::string> SysMachine::apply_test_clock(json::View body, sqlite::Database& db) {
  if (!position_.test_clock) {
    return Error{Code::conflict, "no_test_clock", "The log was not made for a test clock",
                 "start a coordinator with --test-clock on an empty data directory"};
  }
  auto& shift = position_.shift;
  if (const auto to = body.find("to_ms").as_int()) {
    position_.time = std::max(position_.time, from_unix_ms(*to));
  }
  const bool stands = body.find("freeze").as_bool().value_or(shift.stands_at.has_value());
  shift = stands ? TimeShift{Millis{0}, position_.time}
                 : TimeShift{position_.time - log_time_, std::nullopt};
  std::optional<std::int64_t> stands_at;
  if (stands) stands_at = to_unix_ms(position_.time);
  db.prepare("UPDATE sys_meta SET offset_ms=?1,stands_at_ms=?2")
      .bind_all(shift.offset.count(), stands_at)
      .run();
  return "{\"now_ms\":" + std::to_string(to_unix_ms(position_.time)) + "}";
}

void SysMachine::advance(Revision revision, Timestamp time, const std::string& entry_hash) {
  position_.applied = revision;
  log_time_ = time;
  position_.time = std::max(position_.time, position_.shift.at(time));
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
  known.seen = log_time_;
  if (!known.dirty) {
    known.dirty = true;
    dirty_.push_back(found);
  }
  return true;
}

// Runs when a new proposer appears, which is rare: a node started. Must not depend on where the
// transactions of this replica happen to begin: also forgets what is not written yet.
void SysMachine::forget_silent_proposers(sqlite::Database& db) {
  const auto limit = log_time_ - kProposerKept;
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
  digests_.before_commit(db);
  db.prepare("UPDATE sys_meta SET applied=?1,time_ms=?2,digest=?3,entry_hash=?4")
      .bind_all(as_signed(position_.applied), to_unix_ms(position_.time), position_.digest,
                position_.entry_hash)
      .run();
}

void SysMachine::adopt(const Origin& origin, sqlite::Database& db) {
  db.prepare("UPDATE sys_meta SET identity=?1,test_clock=?2")
      .bind_all(origin.identity, std::int64_t{origin.test_clock ? 1 : 0})
      .run();
  position_.identity = origin.identity;
  position_.test_clock = origin.test_clock;
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

Operation SysMachine::test_clock(const ClockChange& change) {
  json::Writer body;
  body.begin_object();
  if (change.to) body.member("to_ms", to_unix_ms(*change.to));
  if (change.freeze) body.member("freeze", *change.freeze);
  body.end_object();
  return {"sys.test_clock", body.take()};
}

}  // namespace weir::replica
