#include "pkg/replica/snapshotter.hpp"

#include <algorithm>
#include <filesystem>

#include "pkg/crypto/crypto.hpp"
#include "pkg/log/log.hpp"
#include "pkg/replica/snapshot_file.hpp"

namespace weir::replica {
namespace {

Result<Position> position_of(const std::string& path) {
  WEIR_ASSIGN(const auto db, sqlite::Database::open({.path = path, .read_only = true}));
  Position position;
  WEIR_TRY(db->read([&]() -> Result<void> {
    position = SysMachine::read_position(*db);
    return {};
  }));
  return position;
}

Error damaged(const SnapshotInfo& info, const std::string& why) {
  return Error{Code::internal, "snapshot_damaged", "The snapshot is damaged",
               "revision " + std::to_string(info.revision) + ": " + why};
}

// The newest snapshot, when it is of the same revision of the same log.
const SnapshotInfo* newest_of(const std::vector<SnapshotInfo>& known, const SnapshotInfo& info) {
  if (known.empty()) return nullptr;
  const auto& newest = known.front();
  const bool same = newest.revision == info.revision && newest.identity == info.identity;
  return same ? &newest : nullptr;
}

// One that cannot be read keeps its name.
void name_anew(const std::vector<SnapshotInfo>& known, SnapshotInfo& info) {
  const auto base = info.id;
  for (int copy = 2; std::ranges::count(known, info.id, &SnapshotInfo::id) > 0; ++copy) {
    info.id = base + "-" + std::to_string(copy);
  }
}

}  // namespace

struct Snapshotter::Files {
  Files(const std::string& directory, const std::string& name, const char* purpose)
      : raw(directory + "/" + name + "." + purpose + ".db"), packed(raw + ".zst") {
    remove();
  }
  ~Files() { remove(); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  void remove() const {
    std::error_code ignored;
    for (const auto* suffix : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(raw + suffix, ignored);
    }
    std::filesystem::remove(packed, ignored);
  }

  const std::string raw;
  const std::string packed;
};

Snapshotter::Snapshotter(SnapshotOptions options, std::string directory, std::string name,
                         std::string node, SnapshotStore& store, Log& log, const Clock& clock,
                         std::function<bool()> leads)
    : options_(options),
      directory_(std::move(directory)),
      name_(std::move(name)),
      node_(std::move(node)),
      store_(store),
      log_(log),
      clock_(clock),
      leads_(std::move(leads)) {}

void Snapshotter::start() {
  if (options_.log_bytes > 0 && !thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Snapshotter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wakes_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Snapshotter::run() {
  std::unique_lock lock(mutex_);
  while (!wakes_.wait_for(lock, options_.look_every, [this] { return stopping_; })) {
    lock.unlock();
    take_if_due();
    lock.lock();
  }
}

void Snapshotter::take_if_due() {
  if (!leads_() || !log_.connected() || !is_due()) return;
  if (const auto taken = take(); !taken && taken.error().reason != "snapshot_running") {
    log::error("snapshot_failed", {{"error", describe(taken.error())}});
  }
}

bool Snapshotter::is_due() const {
  const auto info = log_.info();
  if (!info || info->bytes < options_.log_bytes) return false;
  const auto known = store_.list();
  if (!known) return false;
  const Revision since = known->empty() ? info->first - 1 : known->front().revision;
  if (since >= info->last) return false;
  // Entries are about as large as their average.
  const double share = static_cast<double>(info->last - std::max(since, info->first - 1)) /
                       static_cast<double>(info->last - info->first + 1);
  std::error_code error;
  const auto database_bytes = std::filesystem::file_size(database(), error);
  const auto wanted = std::max<std::uint64_t>(options_.log_bytes, error ? 0 : database_bytes / 2);
  return share * static_cast<double>(info->bytes) >= static_cast<double>(wanted);
}

Result<SnapshotInfo> Snapshotter::take() {
  const std::unique_lock running(one_at_a_time_, std::try_to_lock);
  if (!running) {
    return Error{Code::conflict, "snapshot_running", "A snapshot is being taken already", ""};
  }
  const MonoTime from = clock_.mono();
  const Files files(directory_, name_, "snapshot");
  WEIR_ASSIGN(SnapshotInfo info, copy(files));
  WEIR_ASSIGN(const auto known, store_.list());
  if (const auto* same = newest_of(known, info); same != nullptr) {
    const Files again(directory_, name_, "again");
    if (store_.fetch(*same, again.packed)) return *same;  // nothing was applied since
  }
  name_anew(known, info);
  WEIR_TRY(store_.put(info, files.packed));
  // Only what was read back counts: the log is truncated on the strength of it.
  WEIR_TRY(store_.fetch(info, files.packed));
  ++taken_;
  WEIR_TRY(truncate());
  log::info("snapshot_taken",
            {{"revision", info.revision},
             {"bytes", info.bytes},
             {"raw_bytes", info.raw_bytes},
             {"ms", std::chrono::duration_cast<Millis>(clock_.mono() - from).count()}});
  return info;
}

Result<SnapshotInfo> Snapshotter::copy(const Files& files) const {
  {
    WEIR_ASSIGN(const auto db, sqlite::Database::open({.path = database(), .read_only = true}));
    WEIR_TRY(db->copy_to(files.raw));
  }
  WEIR_ASSIGN(const Position position, position_of(files.raw));
  std::error_code error;
  SnapshotInfo info;
  info.raw_bytes = std::filesystem::file_size(files.raw, error);
  WEIR_TRY(compress_file(files.raw, files.packed));
  WEIR_ASSIGN(const FileSum sum, sum_file(files.packed));
  info.revision = position.applied;
  info.time = position.time;
  info.identity = position.identity;
  info.digest = crypto::to_hex(position.digest);
  info.created = clock_.wall();
  info.node = node_;
  info.bytes = sum.bytes;
  info.sha256 = sum.sha256;
  info.id = std::to_string(info.revision) + "-" + info.sha256.substr(0, 12);
  return info;
}

// Below the snapshot before the newest, which was read back too when it was taken.
Result<void> Snapshotter::truncate() {
  WEIR_ASSIGN(const auto known, store_.list());
  if (known.size() < options_.kept) return {};
  const auto& oldest = known[options_.kept - 1];
  WEIR_ASSIGN(const auto info, log_.info());
  if (oldest.identity == info.identity && oldest.revision >= info.first &&
      oldest.revision < info.last) {
    WEIR_TRY(log_.truncate_below(oldest.revision + 1));
    log::info("log_truncated", {{"below", oldest.revision + 1}});
  }
  return store_.keep(options_.kept);
}

Result<SnapshotInfo> Snapshotter::verify(const std::string& id) {
  WEIR_ASSIGN(const auto known, store_.list());
  for (const auto& info : known) {
    if (info.id != id) continue;
    const Files files(directory_, name_, "verify");
    WEIR_TRY(store_.fetch(info, files.packed));
    WEIR_TRY(decompress_file(files.packed, files.raw));
    WEIR_ASSIGN(const Position position, position_of(files.raw));
    if (position.applied != info.revision) return damaged(info, "it holds another revision");
    return info;
  }
  return Error{Code::not_found, "snapshot_not_found", "There is no such snapshot", id};
}

Result<bool> Snapshotter::restore(const Position& position, const LogInfo& info,
                                  sqlite::Database& db) {
  WEIR_ASSIGN(const auto known, store_.list());
  for (const auto& snapshot : known) {
    const bool fits = snapshot.identity == info.identity && snapshot.revision > position.applied &&
                      snapshot.revision <= info.last && snapshot.revision + 1 >= info.first;
    if (!fits) continue;
    const auto loaded = load(snapshot, db);
    if (loaded) return true;
    if (loaded.error().reason != "snapshot_damaged") return loaded.error();
    log::error("snapshot_not_restored", {{"error", describe(loaded.error())}});
  }
  return false;
}

Result<void> Snapshotter::load(const SnapshotInfo& info, sqlite::Database& db) const {
  const MonoTime from = clock_.mono();
  const Files files(directory_, name_, "restore");
  WEIR_TRY(store_.fetch(info, files.packed));
  WEIR_TRY(decompress_file(files.packed, files.raw));
  auto position = position_of(files.raw);
  if (!position) return damaged(info, describe(position.error()));
  if (position->applied != info.revision || crypto::to_hex(position->digest) != info.digest) {
    return damaged(info, "it holds another revision");
  }
  WEIR_TRY(db.replace_with(files.raw));
  log::info("snapshot_restored",
            {{"revision", info.revision},
             {"raw_bytes", info.raw_bytes},
             {"ms", std::chrono::duration_cast<Millis>(clock_.mono() - from).count()}});
  return {};
}

}  // namespace weir::replica
