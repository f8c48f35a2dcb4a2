#include "pkg/replica/proposer_core.hpp"

#include <algorithm>

#include "pkg/base/assert.hpp"

namespace weir::replica {
namespace {

constexpr Millis kRetryAfter{1'000};

bool surely_not_stored(const Error& error) {
  return error.code == Code::unavailable;
}
bool maybe_stored(const Error& error) {
  return error.code == Code::deadline_exceeded;
}

}  // namespace

Error outcome_unknown() {
  return Error{.code = Code::deadline_exceeded,
               .reason = "outcome_unknown",
               .message = "The operation was not confirmed in time; it may still be applied",
               .details = "repeat it only under the same id",
               .retry_after = kRetryAfter};
}

Error nats_unavailable() {
  return Error{.code = Code::unavailable,
               .reason = "nats_unavailable",
               .message = "NATS cannot be reached; nothing was changed",
               .details = "",
               .retry_after = kRetryAfter};
}

Error replica_ending() {
  return Error{.code = Code::unavailable,
               .reason = "replica_stopped",
               .message = "This coordinator is shutting down; nothing was changed",
               .details = "",
               .retry_after = kRetryAfter};
}

Result<void> ProposerCore::submit(Operation& operation, ReplyHandler& done, MonoTime now) {
  const std::size_t cost = EntryBuilder::cost(operation);
  const std::size_t largest =
      options_.hard_entry_bytes - EntryBuilder::overhead(options_.proposer_id);
  if (cost > largest) {
    return Error{Code::too_large, "operation_too_large", "The operation does not fit a log entry",
                 std::to_string(cost) + " bytes, the limit is " + std::to_string(largest)};
  }
  if (unanswered_ >= options_.max_waiting_operations ||
      bytes_ + cost > options_.max_waiting_bytes) {
    return Error{.code = Code::too_many_requests,
                 .reason = "proposer_full",
                 .message = "Too many operations are waiting for the log",
                 .details = std::to_string(unanswered_) + " operations wait",
                 .retry_after = kRetryAfter};
  }
  waiting_.push_back({std::move(operation), std::move(done), now + options_.operation_timeout});
  ++unanswered_;
  bytes_ += cost;
  return {};
}

std::optional<ProposerCore::Attempt> ProposerCore::next(MonoTime now) {
  for (auto& [sequence, entry] : entries_) {
    if (entry.stage == Stage::fresh) return attempt(sequence, entry, now);
    if (entry.stage == Stage::resting && entry.retry_at <= now) {
      ++counters_.retries;
      return attempt(sequence, entry, now);
    }
  }
  if (waiting_.empty() || in_flight_ >= options_.max_in_flight) return std::nullopt;
  pack(now);
  return attempt(last_sequence_, entries_.rbegin()->second, now);
}

ProposerCore::Attempt ProposerCore::attempt(std::uint64_t sequence, Entry& entry, MonoTime now) {
  entry.stage = Stage::asking;
  return {sequence, entry.message_id, entry.data, now + options_.attempt_timeout};
}

void ProposerCore::pack(MonoTime now) {
  const std::uint64_t sequence = ++last_sequence_;
  EntryBuilder builder(options_.proposer_id, sequence);
  Entry entry;
  entry.message_id = options_.proposer_id + "." + std::to_string(sequence);
  while (!waiting_.empty() && builder.operations() < options_.max_entry_operations) {
    auto& first = waiting_.front();
    const std::size_t cost = EntryBuilder::cost(first.operation);
    if (builder.operations() > 0 && builder.bytes() + cost > options_.max_entry_bytes) break;
    builder.add(first.operation);
    entry.asked.push_back({std::move(first.done), first.deadline});
    bytes_ -= cost;
    waiting_.pop_front();
  }
  counters_.entries += 1;
  counters_.operations += builder.operations();
  entry.data = std::make_shared<const std::string>(builder.take());
  entry.retry_at = now;
  bytes_ += entry.data->size();
  entries_.emplace_hint(entries_.end(), sequence, std::move(entry));
  ++in_flight_;
}

void ProposerCore::on_append(std::uint64_t sequence, const Result<Appended>& result, MonoTime now,
                             Completions& out) {
  const auto at = entries_.find(sequence);
  if (at == entries_.end() || at->second.stage == Stage::stored) return;
  auto& entry = at->second;
  if (result) {
    entry.stage = Stage::stored;
    --in_flight_;
    if (entry.answered == entry.asked.size()) forget(at);
    return;
  }
  // After an attempt of unknown outcome a refusal of the next one proves nothing about the first.
  if (!surely_not_stored(result.error()) && !maybe_stored(result.error()) && !entry.maybe_stored) {
    give_up(at, result.error(), out);
    return;
  }
  entry.maybe_stored = entry.maybe_stored || !surely_not_stored(result.error());
  entry.pause = std::clamp(entry.pause * 2, options_.first_retry, options_.max_retry);
  entry.retry_at = now + entry.pause;
  entry.stage = Stage::resting;
}

void ProposerCore::on_applied(OwnEntry applied, Completions& out) {
  const auto at = entries_.find(applied.sequence);
  if (at == entries_.end()) return;
  auto& entry = at->second;
  WEIR_ASSERT(applied.replies.size() == entry.asked.size());
  for (; entry.answered < entry.asked.size(); ++entry.answered) {
    auto& reply = applied.replies[entry.answered];
    Result<Reply> result = reply ? Result<Reply>(Reply{std::move(*reply), applied.revision})
                                 : Result<Reply>(std::move(reply).error());
    out.push_back({std::move(entry.asked[entry.answered].done), std::move(result)});
    --unanswered_;
  }
  forget(at);
}

void ProposerCore::on_timer(MonoTime now, Completions& out) {
  while (!waiting_.empty() && waiting_.front().deadline <= now) {
    bytes_ -= EntryBuilder::cost(waiting_.front().operation);
    --unanswered_;
    out.push_back({std::move(waiting_.front().done), nats_unavailable()});
    waiting_.pop_front();
  }
  expire_entries(now, out);
}

void ProposerCore::expire_entries(MonoTime now, Completions& out) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    auto& entry = at->second;
    const auto late = [&] {
      return entry.answered < entry.asked.size() && entry.asked[entry.answered].deadline <= now;
    };
    // Surely not stored may only be said of an entry that is never tried again: one operation over
    // its deadline ends the whole entry.
    if (late() && entry.stage == Stage::resting && !entry.maybe_stored) {
      at = give_up(at, nats_unavailable(), out);
      continue;
    }
    for (; late(); ++entry.answered) {
      out.push_back({std::move(entry.asked[entry.answered].done), outcome_unknown()});
      --unanswered_;
    }
    // Nobody waits any more: no repeats. A late apply finds nobody to answer.
    at = entry.answered == entry.asked.size() ? forget(at) : std::next(at);
  }
}

std::optional<MonoTime> ProposerCore::next_timer() const {
  std::optional<MonoTime> first;
  const auto consider = [&first](MonoTime time) { first = first ? std::min(*first, time) : time; };
  if (!waiting_.empty()) consider(waiting_.front().deadline);
  for (const auto& [sequence, entry] : entries_) {
    if (entry.stage == Stage::resting) consider(entry.retry_at);
    if (entry.answered < entry.asked.size()) consider(entry.asked[entry.answered].deadline);
  }
  return first;
}

void ProposerCore::fail_all(const Error& error, Completions& out) {
  for (auto& waiting : waiting_) out.push_back({std::move(waiting.done), error});
  unanswered_ -= waiting_.size();
  waiting_.clear();
  while (!entries_.empty()) {
    const auto at = entries_.begin();
    const bool nothing_stored = at->second.stage == Stage::fresh ||
                                (at->second.stage == Stage::resting && !at->second.maybe_stored);
    give_up(at, nothing_stored ? error : outcome_unknown(), out);
  }
  bytes_ = 0;
}

ProposerCore::Entries::iterator ProposerCore::give_up(Entries::iterator at, const Error& error,
                                                      Completions& out) {
  auto& entry = at->second;
  for (; entry.answered < entry.asked.size(); ++entry.answered) {
    out.push_back({std::move(entry.asked[entry.answered].done), error});
    --unanswered_;
  }
  return forget(at);
}

ProposerCore::Entries::iterator ProposerCore::forget(Entries::iterator at) {
  if (at->second.stage != Stage::stored) --in_flight_;
  bytes_ -= at->second.data->size();
  return entries_.erase(at);
}

}  // namespace weir::replica
