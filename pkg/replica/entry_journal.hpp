// EntryJournal: the newest entries of the log, kept in two files beside the database, so that a log
// that lost its end can get it back (heal.hpp). Written without fsync: it is there for a NATS that
// lost power, not for this machine. What a crash tore is cut off when it is opened.
//
// The entries in it follow each other without a gap. When the newer file has half of max_bytes, the
// older one is dropped and used again.
//
// Lifecycle: open() -> add() ... Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "pkg/base/result.hpp"
#include "pkg/replica/entry.hpp"

namespace weir::replica {

class EntryJournal {
 public:
  struct Options {
    std::string path;         // of the files, without ".a" and ".b"
    std::uint64_t max_bytes;  // of both files together
  };
  struct Extent {
    Revision first = 0;  // both 0: empty
    Revision last = 0;
    std::uint64_t bytes = 0;
  };

  // Errors: those of file_error().
  static Result<std::unique_ptr<EntryJournal>> open(Options options);
  ~EntryJournal();

  // Whose entries it holds. Those of another log are dropped.
  void bind(const std::string& identity);

  // Entries that it has already are passed over; after a gap it begins anew. A disk that cannot
  // take them empties it: serving goes on without.
  void add(std::span<const DecodedEntry> entries);

  Extent extent() const;

  // Calls `visit` with every entry from `from` on, in order, as long as it says true. Errors: those
  // of `visit`; those of file_error(), journal_damaged.
  using Visit = std::function<Result<bool>(const LogEntry&)>;
  Result<void> read(Revision from, const Visit& visit) const;

 private:
  struct File;

  explicit EntryJournal(Options options);
  Result<void> load();
  Result<void> begin_anew();
  Result<void> write(std::span<const DecodedEntry> entries);
  void note(const Result<void>& written);

  const Options options_;
  mutable std::mutex mutex_;
  std::unique_ptr<File> older_;  // guarded by mutex_, as everything below
  std::unique_ptr<File> newer_;
  std::string identity_;
  std::string buffer_;  // keeps its memory
  bool failing_ = false;
};

}  // namespace weir::replica
