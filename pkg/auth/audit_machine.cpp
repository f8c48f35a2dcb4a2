#include "pkg/auth/audit_machine.hpp"

#include <array>
#include <charconv>
#include <limits>

#include "pkg/json/writer.hpp"

namespace weir::auth {
namespace {

constexpr std::array<sqlite::Migration, 1> kMigrations{{{1,
                                                         "CREATE TABLE audit_records("
                                                         " revision INTEGER NOT NULL,"
                                                         " ordinal INTEGER NOT NULL,"
                                                         " at INTEGER NOT NULL,"
                                                         " key TEXT NOT NULL,"
                                                         " name TEXT NOT NULL,"
                                                         " address TEXT NOT NULL,"
                                                         " request TEXT NOT NULL,"
                                                         " action TEXT NOT NULL,"
                                                         " target TEXT NOT NULL,"
                                                         " details TEXT,"
                                                         " outcome TEXT NOT NULL,"
                                                         " PRIMARY KEY(revision, ordinal)"
                                                         ") WITHOUT ROWID"}}};

constexpr std::int64_t kDropBatch = 256;
constexpr std::int64_t kScanRows = 10'000;
constexpr std::size_t kLongestDetails = 4'096;

constexpr std::string_view kInsert =
    "INSERT INTO audit_records(revision,ordinal,at,key,name,address,request,action,target,outcome,"
    "details) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)";
constexpr std::string_view kDrop =
    "DELETE FROM audit_records WHERE (revision,ordinal) IN (SELECT revision,ordinal"
    " FROM audit_records WHERE revision>0 ORDER BY revision,ordinal LIMIT ?1)";
constexpr std::string_view kSelect =
    "SELECT revision,ordinal,at,key,name,address,request,action,target,outcome,details"
    " FROM audit_records WHERE (revision,ordinal)<(?1,?2)"
    " ORDER BY revision DESC,ordinal DESC LIMIT ?3";

std::string text_of(json::View object, std::string_view name) {
  return object.find(name).as_string().value_or("");
}

bool starts_action(std::string_view action, std::string_view asked) {
  return action == asked || (action.starts_with(asked) && action[asked.size()] == '.');
}

bool matches(const AuditFilter& filter, const sqlite::Statement& row) {
  if (!filter.key.empty() && row.text(3) != filter.key) return false;
  if (!filter.action.empty() && !starts_action(row.text(7), filter.action)) return false;
  if (!filter.target.empty() && row.text(8) != filter.target) return false;
  return !filter.before || row.int64(2) < to_unix_ms(*filter.before);
}

void write_record(json::Writer& out, const sqlite::Statement& row) {
  out.begin_object()
      .member("revision", row.int64(0))
      .member("at", from_unix_ms(row.int64(2)))
      .member("key_id", row.text(3))
      .member("key_name", row.text(4))
      .member("from", row.text(5))
      .member("request_id", row.text(6))
      .member("action", row.text(7))
      .member("target", row.text(8))
      .member("outcome", row.text(9));
  if (!row.text(10).empty()) out.raw_member("details", row.text(10));
  out.end_object();
}

struct Position {
  std::int64_t revision = std::numeric_limits<std::int64_t>::max();
  std::int64_t ordinal = 0;
};

Result<Position> parse_cursor(std::string_view text) {
  Position out;
  if (text.empty()) return out;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, out.revision);
  if (first.ec == std::errc{} && first.ptr != end && *first.ptr == '-') {
    const auto second = std::from_chars(first.ptr + 1, end, out.ordinal);
    if (second.ec == std::errc{} && second.ptr == end) return out;
  }
  return Error{Code::invalid, "invalid_request", "The request is not valid",
               "cursor must be a next_cursor of this list"};
}

}  // namespace

std::string to_json(const Actor& actor) {
  json::Writer out(256 + actor.details.size());
  out.begin_object()
      .member("key", actor.key_id)
      .member("name", actor.key_name)
      .member("from", actor.address)
      .member("request", actor.request_id)
      .member("action", actor.action)
      .member("target", actor.target);
  if (!actor.details.empty() && actor.details.size() <= kLongestDetails) {
    out.raw_member("details", actor.details);
  }
  out.end_object();
  return out.take();
}

std::span<const sqlite::Migration> AuditMachine::migrations() const {
  return kMigrations;
}

void AuditMachine::open(sqlite::Database& db) {
  revision_ = 0;
  ordinal_ = 0;
  auto rows = db.prepare("SELECT count(*) FROM audit_records WHERE revision>0");
  rows.step();
  count_ = rows.int64(0);
}

Result<std::string> AuditMachine::apply(const replica::Operation& operation, json::View body,
                                        replica::ApplyContext& context) {
  if (operation.name != "audit.record") {
    return Error{Code::internal, "unknown_operation", "This version does not know the operation",
                 operation.name};
  }
  if (context.revision != revision_) ordinal_ = 0;
  revision_ = context.revision;
  const auto actor = body.find("actor");
  {
    auto write = context.db.prepare(kInsert);
    std::array<std::string, 6> texts;  // bound texts must live until run()
    constexpr std::array<std::string_view, 6> kMembers{"key",     "name",   "from",
                                                       "request", "action", "target"};
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = text_of(actor, kMembers[i]);
    const std::string outcome = text_of(body, "outcome");
    write.bind_all(static_cast<std::int64_t>(revision_), ++ordinal_, to_unix_ms(context.now),
                   texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], outcome);
    if (const auto details = actor.find("details"); details.is_missing()) {
      write.bind_null(11);
    } else {
      write.bind(11, details.raw());
    }
    write.run();
  }
  if (++count_ >= kMaxAuditRecords + kDropBatch) {
    context.db.prepare(kDrop).bind_all(kDropBatch).run();
    count_ -= kDropBatch;
  }
  return std::string("{\"ok\":true}");
}

Result<std::string> list_audit(sqlite::Database& db, const AuditFilter& filter) {
  WEIR_ASSIGN(Position at, parse_cursor(filter.cursor));
  json::Writer out(4096);
  out.begin_object().key("items").begin_array();
  std::int64_t found = 0;
  std::int64_t looked_at = 0;
  bool more = false;
  auto rows = db.prepare(kSelect);
  rows.bind_all(at.revision, at.ordinal, kScanRows);
  while (rows.step()) {
    if (filter.after && rows.int64(2) < to_unix_ms(*filter.after)) break;  // older ones follow
    more = found == filter.limit;
    if (more) break;
    at = {rows.int64(0), rows.int64(1)};
    ++looked_at;
    if (!matches(filter, rows)) continue;
    write_record(out, rows);
    ++found;
  }
  out.end_array().key("next_cursor");
  if (more || looked_at == kScanRows) {
    out.value(std::to_string(at.revision) + "-" + std::to_string(at.ordinal));
  } else {
    out.null();
  }
  out.end_object();
  return out.take();
}

}  // namespace weir::auth
