// One SQLite database file: WAL, foreign keys off, prepared statements cached by their text.
//
// Errors of SQLite (disk full, corruption, a bad statement) are thrown as sqlite::Failure by
// statements and caught by transaction() and read(), which turn them into an Error. So code between
// the two reads straight through, and nothing else of Weir sees an exception (docs/adr/0004).
//
// A Database is one connection: use it from one thread at a time. Lifecycle: open() -> use ->
// destroy.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "pkg/base/result.hpp"

namespace weir::sqlite {

// Thrown inside transaction() and read() only.
struct Failure {
  Error error;  // out_of_space / disk_full, internal / database_error, database_corrupt,
                // unavailable / database_busy
};

enum class Durability : std::uint8_t {
  replayable,  // synchronous=NORMAL: never corrupt, the newest transactions may go with power loss
  full,        // synchronous=FULL: a committed transaction survives power loss
};

struct OpenOptions {
  std::string path;  // ":memory:" for a private in-memory database
  bool read_only = false;
  Durability durability = Durability::replayable;
  std::int64_t cache_bytes = 16 << 20;  // page cache of this connection
};

// A cached prepared statement, borrowed until the object dies: it is then reset and its bindings
// cleared. Parameters and columns count from 1 and from 0, as in SQLite. Bound text and blobs must
// live until the statement has been stepped.
class Statement {
 public:
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  Statement(Statement&& other) noexcept;
  ~Statement();

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, int value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind(int index, const std::string& text) {
    return bind(index, std::string_view(text));
  }
  Statement& bind(int index, std::optional<std::int64_t> value);
  Statement& bind_null(int index);
  // bind_all(a, b, c) binds parameters 1, 2, 3.
  template <class... T>
  Statement& bind_all(const T&... values) {
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  bool step();                   // true: a row is there; false: done
  void run();                    // steps to the end and resets, so the statement can be bound again
  std::int64_t changes() const;  // rows changed by the last run()

  bool is_null(int column) const;
  std::int64_t int64(int column) const;
  std::string_view text(int column) const;  // valid until the next step; also reads blobs
  std::optional<std::int64_t> optional_int64(int column) const;

 private:
  friend class Database;
  explicit Statement(void* handle, bool* in_use) : handle_(handle), in_use_(in_use) {}
  void* handle_;  // sqlite3_stmt*, owned by the cache of the Database
  bool* in_use_;
};

// Steps of a schema, in order. `version` grows from 1 within one `component`; each runs once, in a
// transaction. A file with a newer version than the binary knows is refused.
struct Migration {
  int version;
  std::string_view sql;  // one or more statements
};

class Database {
 public:
  // Errors: out_of_space, internal / database_error, database_corrupt.
  static Result<std::unique_ptr<Database>> open(const OpenOptions& options);
  ~Database();

  // Only inside transaction() or read(). The same text gives the same cached statement; asking for
  // one that is still borrowed is a programmer error.
  Statement prepare(std::string_view sql);
  void execute(std::string_view sql);  // one or more statements without parameters
  std::int64_t last_insert_rowid() const;

  // BEGIN IMMEDIATE, body, COMMIT. Rolled back when the body returns an Error or SQLite fails.
  Result<void> transaction(const std::function<Result<void>()>& body);
  // A consistent snapshot for the length of the body.
  Result<void> read(const std::function<Result<void>()>& body);

  Result<void> migrate(std::string_view component, std::span<const Migration> steps);

  std::int64_t file_bytes() const;  // database and WAL on disk

  // Writes a consistent copy of the whole database, as of now, to a new file. Others may go on
  // writing. Errors: out_of_space, internal / database_error.
  Result<void> copy_to(const std::string& path) const;
  // Replaces the whole content by that of another database file, in one transaction: readers see
  // the old or the new. No statement may be borrowed. Errors: as open().
  Result<void> replace_with(const std::string& path);
  // Drops the whole content, in the same way; `path` is that of a file for the moment.
  Result<void> wipe(const std::string& path);

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A bounded set of read-only connections to one file. Thread-safe.
class ReadPool {
 public:
  static Result<std::unique_ptr<ReadPool>> open(const std::string& path, std::size_t connections);
  ~ReadPool();
  // Borrows a connection (waits when all are out), runs body in one read snapshot.
  Result<void> read(const std::function<Result<void>(Database&)>& body);

 private:
  struct Impl;
  explicit ReadPool(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::sqlite
