#include "pkg/sqlite/database.hpp"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <vector>

#include "pkg/base/assert.hpp"

namespace weir::sqlite {
namespace {

Error to_error(int code, const std::string& what) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Error{Code::out_of_space, "disk_full", "The disk of the data directory is full", what};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{Code::unavailable, "database_busy", "The database is in use by another process",
                   what};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error{Code::internal, "database_corrupt", "The database file is damaged", what};
    default:
      return Error{Code::internal, "database_error", "The database failed", what};
  }
}

[[noreturn]] void fail(sqlite3* handle, int code) {
  throw Failure{to_error(code, handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code))};
}

// SQLiteCpp throws; this is the one place that catches.
template <class Body>
Result<void> guarded(const Body& body) {
  try {
    return body();
  } catch (Failure& failure) {
    return std::move(failure.error);
  } catch (const SQLite::Exception& exception) {
    return to_error(exception.getErrorCode(), exception.what());
  } catch (const std::filesystem::filesystem_error& exception) {
    return Error{Code::internal, "database_error", "The database failed", exception.what()};
  }
}

sqlite3_stmt* as_statement(void* handle) {
  return static_cast<sqlite3_stmt*>(handle);
}

}  // namespace

// --- Statement -----------------------------------------------------------------------------------
// Straight on sqlite3_stmt: SQLiteCpp's Statement copies every bound text into a std::string, which
// shows in the applier (docs/performance.md).

Statement::Statement(Statement&& other) noexcept : handle_(other.handle_), in_use_(other.in_use_) {
  other.handle_ = nullptr;
}

Statement::~Statement() {
  if (handle_ == nullptr) return;
  sqlite3_reset(as_statement(handle_));
  sqlite3_clear_bindings(as_statement(handle_));
  *in_use_ = false;
}

Statement& Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(as_statement(handle_), index, value);
  if (code != SQLITE_OK) fail(sqlite3_db_handle(as_statement(handle_)), code);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  const int code = sqlite3_bind_text64(as_statement(handle_), index, data, text.size(),
                                       SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) fail(sqlite3_db_handle(as_statement(handle_)), code);
  return *this;
}

Statement& Statement::bind(int index, std::optional<std::int64_t> value) {
  return value ? bind(index, *value) : bind_null(index);
}

Statement& Statement::bind_null(int index) {
  const int code = sqlite3_bind_null(as_statement(handle_), index);
  if (code != SQLITE_OK) fail(sqlite3_db_handle(as_statement(handle_)), code);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(as_statement(handle_));
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  fail(sqlite3_db_handle(as_statement(handle_)), code);
}

void Statement::run() {
  while (step()) {
  }
  sqlite3_reset(as_statement(handle_));
}

std::int64_t Statement::changes() const {
  return sqlite3_changes64(sqlite3_db_handle(as_statement(handle_)));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(as_statement(handle_), column) == SQLITE_NULL;
}

std::int64_t Statement::int64(int column) const {
  return sqlite3_column_int64(as_statement(handle_), column);
}

std::string_view Statement::text(int column) const {
  const void* data = sqlite3_column_blob(as_statement(handle_), column);
  const int bytes = sqlite3_column_bytes(as_statement(handle_), column);
  return data == nullptr
             ? std::string_view()
             : std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(bytes));
}

std::optional<std::int64_t> Statement::optional_int64(int column) const {
  if (is_null(column)) return std::nullopt;
  return int64(column);
}

// --- Database ------------------------------------------------------------------------------------

struct Database::Impl {
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  struct Cached {
    std::unique_ptr<sqlite3_stmt, Finalize> statement;
    bool in_use = false;
  };
  // By length first: statements begin alike, and few are of one length.
  struct ByLength {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
  };

  explicit Impl(const OpenOptions& options)
      : path(options.path),
        database(options.path,
                 // One thread at a time: without SQLite's own lock around every call.
                 SQLITE_OPEN_NOMUTEX |
                     (options.read_only ? SQLite::OPEN_READONLY
                                        : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE),
                 /*busy timeout ms*/ 5000) {}

  std::string path;
  SQLite::Database database;
  std::map<std::string, Cached, ByLength> statements;  // destroyed before the database
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const OpenOptions& options) {
  // Nobody reads SQLite's memory statistics, and they cost a global lock for every allocation
  // ("Dynamic Memory Allocation In SQLite"). Too late once SQLite is in use, which is only slower.
  static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(configured);
  std::unique_ptr<Database> opened;
  WEIR_TRY(guarded([&]() -> Result<void> {
    opened.reset(new Database(std::make_unique<Impl>(options)));
    auto& database = opened->impl_->database;
    if (!options.read_only) {
      database.exec("PRAGMA journal_mode=WAL");
      database.exec(options.durability == Durability::full ? "PRAGMA synchronous=FULL"
                                                           : "PRAGMA synchronous=NORMAL");
    }
    database.exec("PRAGMA cache_size=-" + std::to_string(options.cache_bytes / 1024));
    database.exec("PRAGMA temp_store=MEMORY");
    return {};
  }));
  return opened;
}

Statement Database::prepare(std::string_view sql) {
  auto found = impl_->statements.find(sql);
  if (found == impl_->statements.end()) {
    sqlite3_stmt* raw = nullptr;
    sqlite3* handle = impl_->database.getHandle();
    const int code = sqlite3_prepare_v3(handle, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (code != SQLITE_OK) fail(handle, code);
    Impl::Cached cached;
    cached.statement.reset(raw);
    found = impl_->statements.emplace(std::string(sql), std::move(cached)).first;
  }
  WEIR_ASSERT(!found->second.in_use);
  found->second.in_use = true;
  return Statement(found->second.statement.get(), &found->second.in_use);
}

void Database::execute(std::string_view sql) {
  const int code = sqlite3_exec(impl_->database.getHandle(), std::string(sql).c_str(), nullptr,
                                nullptr, nullptr);
  if (code != SQLITE_OK) fail(impl_->database.getHandle(), code);
}

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(impl_->database.getHandle());
}

Result<void> Database::transaction(const std::function<Result<void>()>& body) {
  auto result = guarded([&]() -> Result<void> {
    prepare("BEGIN IMMEDIATE").run();
    WEIR_TRY(body());
    prepare("COMMIT").run();
    return {};
  });
  // A failed COMMIT or statement may or may not have ended the transaction already.
  if (!result && sqlite3_get_autocommit(impl_->database.getHandle()) == 0) {
    sqlite3_exec(impl_->database.getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  return result;
}

Result<void> Database::read(const std::function<Result<void>()>& body) {
  auto result = guarded([&]() -> Result<void> {
    prepare("BEGIN").run();
    return body();
  });
  if (sqlite3_get_autocommit(impl_->database.getHandle()) == 0) {
    sqlite3_exec(impl_->database.getHandle(), "COMMIT", nullptr, nullptr, nullptr);
  }
  return result;
}

Result<void> Database::migrate(std::string_view component, std::span<const Migration> steps) {
  return transaction([&]() -> Result<void> {
    execute(
        "CREATE TABLE IF NOT EXISTS schema_versions"
        "(component TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID");
    std::int64_t have = 0;
    {
      auto query = prepare("SELECT version FROM schema_versions WHERE component=?1");
      query.bind_all(component);
      if (query.step()) have = query.int64(0);
    }
    const int newest = steps.empty() ? 0 : steps.back().version;
    if (have > newest) {
      return Error{Code::internal, "schema_too_new",
                   "The data directory was written by a newer version",
                   std::string(component) + " has schema " + std::to_string(have) +
                       ", this binary knows " + std::to_string(newest) + ": run the newer version"};
    }
    for (const auto& step : steps) {
      if (step.version <= have) continue;
      execute(step.sql);
    }
    prepare(
        "INSERT INTO schema_versions VALUES(?1,?2) ON CONFLICT(component) DO UPDATE SET version=?2")
        .bind_all(component, std::int64_t{newest})
        .run();
    return {};
  });
}

std::int64_t Database::file_bytes() const {
  std::int64_t total = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(impl_->path + suffix, error);
    if (!error) total += static_cast<std::int64_t>(bytes);
  }
  return total;
}

// All pages in one step: a concurrent writer then cannot make it begin again.
Result<void> Database::copy_to(const std::string& path) const {
  return guarded([&]() -> Result<void> {
    SQLite::Database target(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    SQLite::Backup(target, impl_->database).executeStep();
    return {};
  });
}

Result<void> Database::replace_with(const std::string& path) {
  return guarded([&]() -> Result<void> {
    SQLite::Database source(path, SQLite::OPEN_READONLY);
    SQLite::Backup(impl_->database, source).executeStep();
    impl_->database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return {};
  });
}

Result<void> Database::wipe(const std::string& path) {
  const auto remove = [&] {
    std::error_code ignored;
    for (const auto* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(path + suffix, ignored);
    }
  };
  remove();
  auto empty = open({.path = path});
  if (!empty) return std::move(empty).error();
  empty->reset();
  auto wiped = replace_with(path);
  remove();
  return wiped;
}

// --- ReadPool ------------------------------------------------------------------------------------

struct ReadPool::Impl {
  std::mutex mutex;
  std::condition_variable returned;
  std::vector<std::unique_ptr<Database>> idle;
};

ReadPool::ReadPool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReadPool::~ReadPool() = default;

Result<std::unique_ptr<ReadPool>> ReadPool::open(const std::string& path, std::size_t connections) {
  auto impl = std::make_unique<Impl>();
  for (std::size_t i = 0; i < connections; ++i) {
    WEIR_ASSIGN(auto database,
                Database::open({.path = path, .read_only = true, .cache_bytes = 4 << 20}));
    impl->idle.push_back(std::move(database));
  }
  return std::unique_ptr<ReadPool>(new ReadPool(std::move(impl)));
}

Result<void> ReadPool::read(const std::function<Result<void>(Database&)>& body) {
  std::unique_ptr<Database> database;
  {
    std::unique_lock lock(impl_->mutex);
    impl_->returned.wait(lock, [this] { return !impl_->idle.empty(); });
    database = std::move(impl_->idle.back());
    impl_->idle.pop_back();
  }
  auto result = database->read([&] { return body(*database); });
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->idle.push_back(std::move(database));
  }
  impl_->returned.notify_one();
  return result;
}

}  // namespace weir::sqlite
