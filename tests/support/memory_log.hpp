// MemoryLog: a replica::Log in memory, with a thread for each tail, for tests of what stands on a
// log. Its faults are switched on and off by the test. Thread-safe.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "pkg/replica/log.hpp"

namespace weir::test {

class MemoryLog final : public replica::Log {
 public:
  explicit MemoryLog(const Clock& clock, std::string identity = "log-1")
      : clock_(clock), identity_(std::move(identity)) {}

  // Faults. Lost publishes and acks are answered as unknown.
  void set_connected(bool connected);  // true: a new session
  void set_missing(bool missing);      // as if the log did not exist
  void lose_publishes(int count);      // the next ones are not stored
  void lose_acks(int count);           // the next ones are stored
  void hold_acks(bool hold);           // answers wait until false
  void set_full(bool full);            // refuses to store more
  void forget_ids();                   // as if the duplicate window were over
  void truncate(replica::Revision last);
  void replace(std::string identity);  // deleted and made again, empty
  void set_replicas(int replicas) { replicas_ = replicas; }
  void set_test_clock(bool on) { test_clock_ = on; }
  void set_max_entry_bytes(std::size_t bytes) { max_entry_bytes_ = bytes; }
  void append_raw(std::string data);  // an entry that no proposer wrote

  std::vector<std::string> entries() const;
  std::vector<std::string> message_ids() const;  // of every append, in order

  void append(std::string_view message_id, std::string_view data, MonoTime deadline,
              AppendDone done) override;
  Result<std::unique_ptr<replica::LogTail>> tail(replica::Revision from, Sink sink) override;
  Result<replica::LogInfo> info() override;
  Result<replica::LogEntry> get(replica::Revision revision) override;
  Result<void> create() override;
  Result<void> append_again(const replica::LogEntry& entry) override;
  Result<void> truncate_below(replica::Revision revision) override;
  bool connected() const override;
  std::uint64_t session() const override;
  std::size_t max_entry_bytes() const override { return max_entry_bytes_; }

 private:
  class Tail;
  replica::Revision store(std::string data);

  const Clock& clock_;
  std::atomic<std::size_t> max_entry_bytes_{1U << 20U};
  std::atomic<int> replicas_{1};
  std::atomic<bool> test_clock_{false};
  mutable std::mutex mutex_;
  std::condition_variable grown_;
  std::string identity_;
  bool connected_ = true;
  std::uint64_t session_ = 1;
  bool missing_ = false;
  bool hold_acks_ = false;
  bool full_ = false;
  int lose_publishes_ = 0;
  int lose_acks_ = 0;
  std::vector<replica::LogEntry> entries_;  // all there ever were
  replica::Revision first_ = 1;             // those below are truncated
  std::map<std::string, replica::Revision, std::less<>> ids_;
  std::vector<std::string> asked_;
  std::vector<std::pair<AppendDone, replica::Appended>> held_;
};

}  // namespace weir::test
