#include "api/admin/large_value_sweeper.hpp"

#include "jobs/large_values.hpp"
#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

constexpr std::int64_t kValuesAtOnce = 50;
constexpr std::size_t kChunksAtOnce = 500;

}  // namespace

LargeValueSweeper::LargeValueSweeper(const Parts& parts, const SweepOptions& options)
    : parts_(parts), options_(options), next_orphans_(parts.clock.mono() + options.orphan_period) {}

void LargeValueSweeper::start() {
  arm(options_.period);
}

// One at a time: the next is set when one is done.
void LargeValueSweeper::arm(Millis wait) {
  parts_.timers.set(parts_.clock.mono() + wait, [this] {
    if (!parts_.workers.run([this] { sweep(); })) arm(options_.period);
  });
}

void LargeValueSweeper::sweep() {
  const auto health = parts_.instance.health();
  bool more = false;
  if (health.role == replica::Role::leader && health.applying && health.log_connected) {
    more = remove_unused();
    if (parts_.clock.mono() >= next_orphans_) remove_orphans();
  }
  arm(more ? Millis{0} : options_.period);
}

bool LargeValueSweeper::remove_unused() {
  std::vector<jobs::UnusedValue> values;
  const auto read = parts_.instance.read([&](sqlite::Database& db) -> Result<void> {
    values = jobs::list_unused_values(db, kValuesAtOnce);
    return {};
  });
  if (!read || values.empty()) return false;
  for (const auto& value : values) {
    if (const auto removed = parts_.blobs.remove(value.stream, value.chunks); !removed) {
      log::warn("large_values_not_removed", {{"error", describe(removed.error())}});
      return false;
    }
  }
  parts_.instance.propose(
      jobs::large_values_removed(values), [](const Result<replica::Reply>& reply) {
        if (reply) return;
        log::debug("large_values_removed_unsaid", {{"error", describe(reply.error())}});
      });
  return values.size() == static_cast<std::size_t>(kValuesAtOnce);
}

void LargeValueSweeper::remove_orphans() {
  std::set<std::uint64_t> known;
  const auto read = parts_.instance.read([&](sqlite::Database& db) -> Result<void> {
    known = jobs::known_chunks(db);
    return {};
  });
  if (!read) return;
  const auto before = parts_.clock.wall() - options_.orphan_age;
  const auto found = parts_.blobs.find_unknown(orphans_from_, known, before, kChunksAtOnce);
  if (!found) {
    log::warn("orphans_not_found", {{"error", describe(found.error())}});
    return;
  }
  orphans_from_ = found->next;
  if (found->next == 0) next_orphans_ = parts_.clock.mono() + options_.orphan_period;
  if (found->older.empty()) return;
  log::info("orphaned_chunks_removed", {{"chunks", std::to_string(found->older.size())}});
  if (const auto removed = parts_.blobs.remove(found->stream, found->older); !removed) {
    log::warn("orphans_not_removed", {{"error", describe(removed.error())}});
  }
}

}  // namespace weir::api
