// Log: the ordered, durable sequence of entries that replicas apply. JetStreamLog is the real one
// (pkg/replica/jetstream_log.hpp); tests and the simulation bring one in memory.
//
// Thread-safe. Lifecycle: use -> destroy, after every tail is gone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "pkg/replica/state_machine.hpp"

namespace weir::replica {

struct LogEntry {
  Revision revision = 0;  // position in the log
  Timestamp time{};       // when the log stored it first, by the log's clock
  std::string data;
};

struct LogInfo {
  Revision first = 0;       // oldest entry that is still there; last + 1 when there is none
  Revision last = 0;        // newest entry, 0 when there never was one
  std::string identity;     // of this very log: differs after it was deleted and made again
  std::uint64_t bytes = 0;  // of all entries that are there
  int replicas = 1;         // copies on different servers
  bool test_clock = false;  // made for tests that set the time
};

struct Appended {
  Revision revision = 0;
  bool duplicate = false;  // the log had this message id already
};

// A running delivery. Destroying it ends the delivery and waits for a call of the sink that runs.
class LogTail {
 public:
  virtual ~LogTail() = default;
};

class Log {
 public:
  // Called exactly once, from any thread, possibly before append() returns. What an error says:
  //   unavailable        nothing was stored; repeat (no connection, no leader)
  //   deadline_exceeded  unknown: it may be stored; repeat with the same id
  //   anything else      refused: nothing was stored and repeating does not help
  using AppendDone = std::function<void(Result<Appended>)>;
  using Sink = std::function<void(LogEntry)>;

  virtual ~Log() = default;

  // Stores `data` under `message_id`; within the duplicate window (2 minutes) an id is stored once.
  // Returns at once; `data` is copied or sent before it returns. No answer by `deadline`:
  // deadline_exceeded / append_timeout.
  virtual void append(std::string_view message_id, std::string_view data, MonoTime deadline,
                      AppendDone done) = 0;

  // Delivers every entry from revision `from` on, in order, once, without end; goes on by itself
  // after a lost connection. `sink` runs on a thread of the tail and may block: that is the
  // backpressure.
  virtual Result<std::unique_ptr<LogTail>> tail(Revision from, Sink sink) = 0;

  // Blocks for at most a few seconds. Errors: not_found / log_not_found (it does not exist),
  // unavailable / nats_unavailable (could not ask).
  virtual Result<LogInfo> info() = 0;
  // Blocks likewise. Errors: not_found / entry_not_found; unavailable / nats_unavailable.
  virtual Result<LogEntry> get(Revision revision) = 0;
  // Makes the log when it does not exist; blocks likewise. Idempotent.
  virtual Result<void> create() = 0;

  // Stores an entry again that the log has lost: at exactly its revision, with its time; blocks
  // likewise. Errors: conflict / wrong_last_sequence (the log does not end right before it);
  // unavailable or deadline_exceeded (it may be stored).
  virtual Result<void> append_again(const LogEntry& entry) = 0;

  // Drops every entry below `revision`; blocks likewise. Idempotent.
  virtual Result<void> truncate_below(Revision revision) = 0;

  virtual bool connected() const = 0;  // never blocks
  // Which connection this is: grows with each. After a new one the log may be shorter than before.
  // Never blocks.
  virtual std::uint64_t session() const = 0;
  virtual std::size_t max_entry_bytes() const = 0;  // of append()'s data; never blocks
};

}  // namespace weir::replica
