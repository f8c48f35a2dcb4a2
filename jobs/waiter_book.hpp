// WaiterBook: parked lease requests, first come first served per queue. Mirrors job_waiters.
//
// Thread rule: the applier thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/json/view.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// What a worker asks for.
struct LeaseCall {
  std::string worker;
  std::vector<std::string> queues;  // in order of preference
  std::vector<std::string> types;   // sorted; empty: any, also jobs without a type
  std::string labels;               // canonical, see jobs/target.hpp; empty: none
  std::int64_t max = 1;
  std::int64_t lease_ms = 0;  // 0: as the job or its queue says
  std::uint64_t salt = 0;     // nonces of the leases derive from it
};
// The operation's form:
// {"worker","queues":[...],"types"?:[...],"labels"?:{...},"max","lease_ms"?,"salt"}.
LeaseCall parse_lease_call(json::View text);
std::string format_lease_call(const LeaseCall& call);

struct Waiter {
  std::int64_t seq = 0;  // order of arrival
  std::string node;
  std::string id;
  std::int64_t until = 0;  // unix ms; expired when <= now
  LeaseCall call;
};

class WaiterBook {
 public:
  void load(sqlite::Database& db);
  // A waiter of the same node and id is replaced.
  void add(sqlite::Database& db, Waiter waiter);
  // Idempotent.
  void close(sqlite::Database& db, std::string_view node, std::string_view id);
  void close_node(sqlite::Database& db, std::string_view node);
  // What decides, beside its name, which jobs a worker may run.
  struct Wish {
    std::vector<std::string> types;
    std::string labels;
    auto operator<=>(const Wish&) const = default;
  };
  static Wish wish_of(const LeaseCall& call) { return {call.types, call.labels}; }
  // The waiter that has waited longest for `queue`, of those whose wish is not in `without`;
  // expired ones on the way are dropped. O(different wishes).
  const Waiter* first(sqlite::Database& db, std::string_view queue, std::int64_t now,
                      const std::set<Wish>& without);
  // Targets and how many jobs each has.
  using Targets = std::map<std::string, std::int64_t, std::less<>>;
  // The waiters of `queue` whose worker one of `targets` names, by arrival.
  // O(the fewer: targets, or workers that wait).
  std::set<std::int64_t> named(std::string_view queue, const Targets& targets) const;
  // All waiters of a worker, by arrival. O(waiters).
  std::vector<std::int64_t> of_worker(std::string_view worker) const;
  // Null when there is none (any more).
  const Waiter* find(std::int64_t seq) const;
  void remove(sqlite::Database& db, std::int64_t seq);
  bool has(std::string_view queue) const { return by_queue_.contains(queue); }
  // The names of all queues that somebody waits for, in their order.
  std::vector<std::string> queues() const;
  // Drops at most `limit` expired waiters; returns how many.
  std::int64_t drop_expired(sqlite::Database& db, std::int64_t now, std::int64_t limit);
  std::optional<std::int64_t> next_expiry() const;
  std::size_t size() const { return by_seq_.size(); }

 private:
  void index(Waiter waiter);

  struct Line {
    std::map<Wish, std::set<std::int64_t>> by_wish;
    std::map<std::string, std::set<std::int64_t>, std::less<>> by_worker;
  };

  std::map<std::int64_t, Waiter> by_seq_;
  std::map<std::string, Line, std::less<>> by_queue_;
  std::map<std::pair<std::string, std::string>, std::int64_t> by_name_;
  std::set<std::pair<std::int64_t, std::int64_t>> by_until_;
};

}  // namespace weir::jobs
