// ProposerCore: turns operations into log entries and log entries into answers. Group commit: while
// an entry is in flight everything that arrives goes into the next one; an idle proposer adds no
// wait. It has no thread, clock or log of its own: somebody drives it.
//
//   submit() ... -> next() gives an entry to append -> on_append() what the log said
//                -> on_applied() when this replica committed it: the answers
//   on_timer() at next_timer(): repeats and deadlines
//
// An entry is repeated under the SAME message id until the log has it or its operations are over
// their deadline. A lost answer means unknown, never failed. Operations are applied in the order of
// submit() while max_in_flight is 1; with more, a lost publish may let a later entry overtake.
//
// Not thread-safe; handlers are handed out, not called, so that nobody is called under a lock.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/replica/applier_core.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/replica/log.hpp"

namespace weir::replica {

struct ProposerOptions {
  std::string proposer_id;  // different for each life of a node
  // An entry is closed at these sizes; a single larger operation travels alone, up to hard_bytes.
  std::size_t max_entry_operations = 2'000;
  std::size_t max_entry_bytes = 384U << 10U;
  std::size_t hard_entry_bytes = (1U << 20U) - 1024;  // of the log, less headroom for headers
  std::size_t max_in_flight = 1;                      // entries; 1 to 8
  std::size_t max_waiting_operations = 100'000;       // not answered yet
  std::size_t max_waiting_bytes = 64U << 20U;         // not answered yet
  Millis operation_timeout{5'000};                    // from submit() to the answer
  Millis attempt_timeout{2'000};                      // of one append
  Millis first_retry{20};                             // doubles up to max_retry
  Millis max_retry{500};
};

// A handler and what to call it with.
struct Completion {
  ReplyHandler done;
  Result<Reply> reply;
};
using Completions = std::vector<Completion>;

class ProposerCore {
 public:
  struct Attempt {
    std::uint64_t sequence = 0;
    std::string message_id;
    std::shared_ptr<const std::string> data;
    MonoTime deadline{};
  };
  struct Counters {
    std::uint64_t entries = 0;
    std::uint64_t operations = 0;
    std::uint64_t retries = 0;
  };

  explicit ProposerCore(ProposerOptions options) : options_(std::move(options)) {}

  // Takes the operation and the handler, or says why not (both are then untouched):
  // too_many_requests / proposer_full; too_large / operation_too_large.
  Result<void> submit(Operation& operation, ReplyHandler& done, MonoTime now);

  // What to append now, if anything: a repeat that is due, or the next entry. Call until empty,
  // after submit(), on_append(), on_applied() and on_timer().
  std::optional<Attempt> next(MonoTime now);

  void on_append(std::uint64_t sequence, const Result<Appended>& result, MonoTime now,
                 Completions& out);
  void on_applied(OwnEntry entry, Completions& out);
  void on_timer(MonoTime now, Completions& out);
  std::optional<MonoTime> next_timer() const;

  // Answers everything that waits with `error` when it was surely not stored, else with
  // outcome_unknown. For the end of an Instance.
  void fail_all(const Error& error, Completions& out);

  std::size_t waiting() const { return unanswered_; }  // operations not answered yet
  const Counters& counters() const { return counters_; }

 private:
  struct Waiting {
    Operation operation;
    ReplyHandler done;
    MonoTime deadline;
  };
  struct Asked {
    ReplyHandler done;
    MonoTime deadline;
  };
  enum class Stage : std::uint8_t { fresh, asking, resting, stored };
  struct Entry {
    std::string message_id;
    std::shared_ptr<const std::string> data;
    std::vector<Asked> asked;
    std::size_t answered = 0;  // of `asked`, from the front
    Stage stage = Stage::fresh;
    bool maybe_stored = false;
    MonoTime retry_at{};
    Millis pause{0};
  };
  using Entries = std::map<std::uint64_t, Entry>;

  Attempt attempt(std::uint64_t sequence, Entry& entry, MonoTime now);
  void pack(MonoTime now);
  Entries::iterator give_up(Entries::iterator at, const Error& error, Completions& out);
  Entries::iterator forget(Entries::iterator at);
  void expire_entries(MonoTime now, Completions& out);

  const ProposerOptions options_;
  std::deque<Waiting> waiting_;
  Entries entries_;  // by sequence, from packed until answered
  std::uint64_t last_sequence_ = 0;
  std::size_t in_flight_ = 0;  // entries whose stage is not `stored`
  std::size_t unanswered_ = 0;
  std::size_t bytes_ = 0;  // of waiting operations and kept entries
  Counters counters_;
};

// Errors that every proposer answers with.
Error outcome_unknown();
Error nats_unavailable();
Error replica_ending();  // the end of the instance

}  // namespace weir::replica
