#include "api/core/key_attempts.hpp"

#include <algorithm>

#include "pkg/ratelimit/address.hpp"

namespace weir::api {

KeyAttempts::Entry* KeyAttempts::find(std::string_view address) {
  const auto found = by_address_.find(ratelimit::neighbourhood(address));
  return found == by_address_.end() ? nullptr : &*found->second;
}

KeyAttempts::Entry& KeyAttempts::find_or_make(std::string_view address, MonoTime now) {
  const auto name = ratelimit::neighbourhood(address);
  if (const auto found = by_address_.find(name); found != by_address_.end()) {
    entries_.splice(entries_.end(), entries_, found->second);
    return entries_.back();
  }
  // In the order of their last wrong key: those to be forgotten are about the first.
  while (!entries_.empty() && (entries_.front().full_at <= now || entries_.size() >= kAddresses)) {
    by_address_.erase(entries_.front().address);
    entries_.pop_front();
  }
  entries_.push_back({.address = name, .full_at = now});
  by_address_.emplace(name, std::prev(entries_.end()));
  return entries_.back();
}

std::optional<Millis> KeyAttempts::wait(std::string_view address, std::string_view key_id,
                                        MonoTime now) {
  if (count_ == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const Entry* entry = find(address);
  if (entry == nullptr) return std::nullopt;
  const auto allowed_at = entry->full_at - (kBurst - 1) * kRefill;
  if (allowed_at <= now) return std::nullopt;
  const bool trusted = !key_id.empty() && std::ranges::count(entry->good_ids, key_id) > 0;
  if (trusted) return std::nullopt;
  return std::chrono::ceil<Millis>(allowed_at - now);
}

bool KeyAttempts::was_wrong(std::string_view address, std::string_view key_id, MonoTime now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = find_or_make(address, now);
  entry.full_at = std::max(entry.full_at, now) + kRefill;
  std::ranges::replace(entry.good_ids, std::string(key_id), std::string());
  count_ = entries_.size();
  const auto used_up_at = now + (kBurst - 1) * kRefill;
  return entry.full_at > used_up_at && entry.full_at - kRefill <= used_up_at;
}

void KeyAttempts::was_right(std::string_view address, std::string_view key_id) {
  if (count_ == 0) return;
  const std::lock_guard lock(mutex_);
  Entry* entry = find(address);
  if (entry == nullptr || std::ranges::count(entry->good_ids, key_id) > 0) return;
  entry->good_ids[entry->next_good++ % kGoodIds] = key_id;
}

}  // namespace weir::api
