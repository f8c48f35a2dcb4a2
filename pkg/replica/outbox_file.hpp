// OutboxFile: the SQLite file of an Outbox: operations that wait for the log, and the entries that
// carry them there. An operation is kept as it came, then in the entry that carries it, which does
// not change any more and has a sequence number that never comes twice, then it is in the log and
// forgotten here. synchronous=FULL: what was written survives a crash and lost power.
//
// Lifecycle: open() -> use. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "pkg/replica/state_machine.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

class OutboxFile {
 public:
  struct Options {
    std::string path;
    std::string proposer;  // id in the entries; the same for ever for a file
    std::size_t max_entry_bytes = 512U << 10U;
  };
  struct Entry {
    std::uint64_t sequence = 0;
    std::string message_id;
    std::string data;
    std::uint64_t operations = 0;
    std::uint64_t bytes = 0;  // as cost() counts them
  };
  struct Content {
    std::uint64_t operations = 0;
    std::uint64_t bytes = 0;
  };

  // Errors, here and below: of SQLite.
  static Result<std::unique_ptr<OutboxFile>> open(Options options);

  // Bytes that an operation counts as.
  static std::uint64_t cost(const Operation& operation);
  Result<Content> content();

  // When it returns they are on the disk, all or none, with what Operation::when_kept says.
  Result<void> write(std::span<const Operation* const> operations);
  // The entry that is to be appended next, made of what waits when there is none yet; the same
  // until it is forgotten. Empty: nothing waits.
  Result<std::optional<Entry>> next_entry();
  // It is in the log.
  Result<void> forget(const Entry& entry);

 private:
  OutboxFile(Options options, std::unique_ptr<sqlite::Database> db);
  std::optional<Entry> packed_entry();
  std::optional<Entry> pack();

  const Options options_;
  const std::unique_ptr<sqlite::Database> db_;
};

}  // namespace weir::replica
