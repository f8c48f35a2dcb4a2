// GuardedLog: a log that takes nothing from this node until somebody looked whether it is still
// whole. After each reconnect it may have lost its end (a server that lost power): an entry stored
// then would take the place of one that was applied.
//
// Thread-safe. Lifecycle: as Log.
#pragma once

#include <atomic>

#include "pkg/replica/log.hpp"

namespace weir::replica {

class GuardedLog final : public Log {
 public:
  explicit GuardedLog(Log& log) : log_(log) {}

  // Entries go through in the session `session`, and in no other.
  void allow(std::uint64_t session) { allowed_ = session; }
  // Somebody has to look: it is connected, and nothing goes through.
  bool waiting() const { return log_.connected() && !allowed(); }
  // Can it be asked, whether or not entries go through.
  bool reachable() const { return log_.connected(); }

  // unavailable / nats_unavailable while nothing goes through.
  void append(std::string_view message_id, std::string_view data, MonoTime deadline,
              AppendDone done) override;
  Result<std::unique_ptr<LogTail>> tail(Revision from, Sink sink) override {
    return log_.tail(from, std::move(sink));
  }
  Result<LogInfo> info() override { return log_.info(); }
  Result<LogEntry> get(Revision revision) override { return log_.get(revision); }
  Result<void> create() override { return log_.create(); }
  Result<void> append_again(const LogEntry& entry) override { return log_.append_again(entry); }
  Result<void> truncate_below(Revision revision) override { return log_.truncate_below(revision); }
  bool connected() const override { return log_.connected() && allowed(); }
  std::uint64_t session() const override { return log_.session(); }
  std::size_t max_entry_bytes() const override { return log_.max_entry_bytes(); }

 private:
  bool allowed() const { return allowed_.load() == log_.session(); }

  Log& log_;
  std::atomic<std::uint64_t> allowed_{0};  // sessions begin with 1
};

}  // namespace weir::replica
