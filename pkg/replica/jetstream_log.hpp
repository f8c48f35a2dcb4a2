// JetStreamLog: the log as a JetStream stream (file storage, limits retention, discard new,
// duplicate window 2 minutes). One message an entry, all under one subject.
//
// Two connections: entries go out and come in over the first, everything else (info, get, create)
// over the second, so that a large catch-up does not delay an answer. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "pkg/nats/jetstream.hpp"
#include "pkg/nats/publisher.hpp"
#include "pkg/replica/log.hpp"

namespace weir::replica {

struct JetStreamLogOptions {
  std::string stream = "JOBS";
  std::string subject = "weir.log.jobs.0";
  int replicas = 1;         // 1, 3 or 5; used when the stream is made
  bool test_clock = false;  // likewise: the stream says so in its description
};

class JetStreamLog final : public Log {
 public:
  // Errors: as nats::Publisher::make.
  static Result<std::unique_ptr<JetStreamLog>> make(JetStreamLogOptions options,
                                                    std::shared_ptr<nats::Connection> entries,
                                                    const std::shared_ptr<nats::Connection>& rest);

  void append(std::string_view message_id, std::string_view data, MonoTime deadline,
              AppendDone done) override;
  Result<std::unique_ptr<LogTail>> tail(Revision from, Sink sink) override;
  Result<LogInfo> info() override;
  Result<LogEntry> get(Revision revision) override;
  Result<void> create() override;
  Result<void> append_again(const LogEntry& entry) override;
  Result<void> truncate_below(Revision revision) override;
  bool connected() const override { return entries_->connected(); }
  std::uint64_t session() const override { return entries_->reconnects() + 1; }
  std::size_t max_entry_bytes() const override;

 private:
  JetStreamLog(JetStreamLogOptions options, std::shared_ptr<nats::Connection> entries,
               const std::shared_ptr<nats::Connection>& rest,
               std::unique_ptr<nats::Publisher> publisher);

  const JetStreamLogOptions options_;
  const std::shared_ptr<nats::Connection> entries_;
  const nats::JetStream jetstream_;
  const std::unique_ptr<nats::Publisher> publisher_;
};

}  // namespace weir::replica
