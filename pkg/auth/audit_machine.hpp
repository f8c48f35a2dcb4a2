// AuditMachine: who changed what, when and from where, as replicated state (prefix `audit`). A
// record commits with the change it tells of. Bounded: the newest kMaxAuditRecords are kept.
//
// Operations: audit.record, made by the replica of an operation with an actor
//   {"actor":{"key","name","from","request","action","target","details"?},"operation","outcome"}
//
// Threads: StateMachine's members as declared there; list_audit() on a read snapshot, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pkg/replica/state_machine.hpp"

namespace weir::auth {

inline constexpr std::int64_t kMaxAuditRecords = 100'000;

// The actor of an operation: from whom a command came, and what it is about.
struct Actor {
  std::string_view key_id = {};  // empty: authentication is off
  std::string_view key_name = {};
  std::string_view address = {};
  std::string_view request_id = {};
  std::string_view action = {};   // of the command: "queues.pause"
  std::string_view target = {};   // the queue, job or key
  std::string_view details = {};  // JSON: what was asked for; empty: nothing more
};
std::string to_json(const Actor& actor);

class AuditMachine final : public replica::StateMachine {
 public:
  std::string_view prefix() const override { return "audit"; }
  std::span<const sqlite::Migration> migrations() const override;
  void open(sqlite::Database& db) override;
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override;

 private:
  std::int64_t count_ = 0;
  // Records of the entry that is being applied: their numbers within it.
  replica::Revision revision_ = 0;
  std::int64_t ordinal_ = 0;
};

struct AuditFilter {
  std::string key = {};     // id of the key
  std::string action = {};  // "queues.pause", or "queues" for all of them
  std::string target = {};
  std::optional<Timestamp> after = {};   // inclusive
  std::optional<Timestamp> before = {};  // exclusive
  std::int64_t limit = 50;
  std::string cursor = {};
};
// {"items":[...],"next_cursor"}: newest first. A page may be short: it looks at up to 10,000
// records. Errors: invalid / invalid_request (the cursor).
Result<std::string> list_audit(sqlite::Database& db, const AuditFilter& filter);

}  // namespace weir::auth
