// auth::KeyMachine: API keys as replicated state (prefix `keys`). Every coordinator knows every key
// as soon as its entry is applied, and forgets it the same way.
//
// Operations (bodies are complete: ids and hashes are chosen before proposing; secrets never
// enter):
//   keys.create {"id","hash","name","scopes":[..],"queues"?:[..],"streams"?:[..],"expires_at_ms"?,
//                  "max_waiting"?,"rate"?:{"limit","per_ms"}}
//   keys.revoke    {"id"}
//   keys.rotate    {"id","hash"}         the old secret stops at once
//   keys.bootstrap {"id","hash","given"} given=false: makes the key unless a live admin key exists.
//                  given=true (WEIR_API_KEY): makes it an admin key whatever exists, and revokes
//                  the key an earlier value of the variable made. Idempotent.
// Answers: the key's JSON (never its hash or secret); bootstrap adds "created".
// Errors: not_found / key_not_found; conflict / key_exists, key_revoked, last_admin_key,
//         too_many_keys.
//
// Threads: StateMachine's members as declared there; authenticate(), list_json(), find_json() from
// any thread, at any time: they read a snapshot published after each commit.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "pkg/auth/scope.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::auth {

inline constexpr std::size_t kMaxKeys = 10'000;

struct KeyRecord {
  std::string id;
  std::string hash;  // SHA-256 of the key text, hex
  std::string name;
  Scopes scopes;
  std::vector<std::string> scope_names;
  std::vector<std::string> queues;
  std::vector<std::string> streams;
  std::string source;  // "api", "bootstrap" or "given"
  std::int64_t created_at_ms = 0;
  std::optional<std::int64_t> expires_at_ms;
  std::optional<std::int64_t> revoked_at_ms;
  std::optional<std::int64_t> rotated_at_ms;
  std::optional<std::int64_t> max_waiting;   // of the jobs it submitted
  std::optional<ratelimit::Allowance> rate;  // of its requests

  bool live(std::int64_t now_ms) const {
    return !revoked_at_ms && (!expires_at_ms || *expires_at_ms > now_ms);
  }
  std::string to_json() const;  // without the hash
};

class KeyMachine final : public replica::StateMachine {
 public:
  KeyMachine();

  std::string_view prefix() const override { return "keys"; }
  std::span<const sqlite::Migration> migrations() const override;
  void open(sqlite::Database& db) override;
  Result<std::string> apply(const replica::Operation& operation, json::View body,
                            replica::ApplyContext& context) override;
  void after_commit() override;

  // Whose key text this is. Takes the same time for an unknown id as for a wrong secret. Errors:
  // unauthenticated / bad_api_key (unknown, wrong, revoked), expired_api_key.
  Result<std::shared_ptr<const Principal>> authenticate(std::string_view key_text,
                                                        Timestamp now) const;

  // The hash of the key's text while the key may be used; empty once it is revoked, expired or
  // unknown. Who stays connected compares it with what it was at first: rotation changes it.
  std::optional<std::string> live_hash(std::string_view id, Timestamp now) const;

  // All keys, oldest first: a JSON array.
  std::string list_json() const;
  std::optional<std::string> find_json(std::string_view id) const;
  std::size_t live_keys(Timestamp now) const;

 private:
  struct Snapshot;
  using Records = std::map<std::string, KeyRecord>;

  Result<std::string> create(json::View body, replica::ApplyContext& context);
  Result<std::string> revoke(json::View body, replica::ApplyContext& context);
  Result<std::string> rotate(json::View body, replica::ApplyContext& context);
  Result<std::string> bootstrap(json::View body, replica::ApplyContext& context);
  Result<std::string> adopt_given(KeyRecord key, replica::ApplyContext& context);
  bool another_admin(std::int64_t now_ms, std::string_view except_id) const;
  void forget_long_revoked(replica::ApplyContext& context);
  void store(const KeyRecord& key, sqlite::Database& db);
  std::shared_ptr<const Snapshot> snapshot() const;

  Records records_;    // applier thread; mirrors table keys_keys
  bool dirty_ = true;  // applier thread
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;  // guarded by mutex_
};

}  // namespace weir::auth
