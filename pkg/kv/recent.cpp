#include "pkg/kv/recent.hpp"

namespace weir::kv {

std::optional<Recent::Written> Recent::find(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.end(), entries_, found->second);
  return *found->second;
}

void Recent::remember(std::string_view key, std::string_view value, std::uint64_t revision) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    if (found->second->revision > revision) return;
    drop(found->second);
  }
  if (value.size() > kLongestValue) return;
  if (entries_.size() >= kMostEntries) drop(entries_.begin());
  entries_.push_back({.key = std::string(key), .value = std::string(value), .revision = revision});
  by_key_.emplace(entries_.back().key, std::prev(entries_.end()));
}

void Recent::forget(std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
}

void Recent::drop(Entries::iterator entry) {
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace weir::kv
