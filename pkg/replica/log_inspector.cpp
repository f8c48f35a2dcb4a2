#include "pkg/replica/log_inspector.hpp"

#include "pkg/log/log.hpp"
#include "pkg/replica/verify.hpp"

namespace weir::replica {
namespace {

// How long a leader on a cluster may take to know what was acknowledged.
constexpr Millis kDoubt{5'000};

Error with_reason(Error error, const std::string& why) {
  error.details += "; not healed: " + why;
  return error;
}

Error diverged(Revision revision) {
  return Error{Code::conflict, "log_diverged",
               "The log holds another entry than this coordinator applied",
               "at revision " + std::to_string(revision) +
                   ", written after the log had lost its end; restore the NATS store, or, to "
                   "follow the log as it is now, move the data directory away and start again"};
}

}  // namespace

Result<LogInfo> LogInspector::look(const Position& position) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t session = log_.session();
  auto info = verify_log(position, log_);
  if (info || info.error().reason != "log_truncated") {
    short_since_.reset();
  } else {
    info = heal(position, std::move(info).error());
  }
  if (info) log_.allow(session);
  return info;
}

Result<LogInfo> LogInspector::look_again(const Position& position) {
  auto info = look(position);
  const std::lock_guard lock(mutex_);
  const bool wrong = !info && info.error().code == Code::conflict;
  if (!wrong) {
    doubtful_since_.reset();
    return info;
  }
  const auto& reason = info.error().reason;
  if (reason == "log_replaced" || reason == "log_purged") return info;
  const MonoTime now = clock_.mono();
  if (!doubtful_since_) doubtful_since_ = now;
  if (now - *doubtful_since_ >= kDoubt) return info;
  return Error{Code::unavailable, "log_doubtful", "The log does not look as it did", reason};
}

Result<LogInfo> LogInspector::heal(const Position& position, Error lost) {
  WEIR_ASSIGN(const LogInfo info, log_.info());
  const MonoTime now = clock_.mono();
  if (!short_since_) short_since_ = now;
  if (info.replicas > 1 && now - *short_since_ < kDoubt) {
    return Error{Code::unavailable, "log_behind", "The log does not show its newest entries yet",
                 lost.details};
  }
  WEIR_TRY(may_heal(position, info, lost));
  log::warn("log_lost_its_end", {{"applied", position.applied}, {"log_last", info.last}});
  const std::uint64_t before = healed_;
  WEIR_TRY(
      journal_->read(info.last + 1, [this](const LogEntry& entry) { return put_back(entry); }));
  log::warn("log_healed", {{"entries", healed_ - before}});
  short_since_.reset();
  return verify_log(position, log_);
}

// The entries that are missing are all there, and what the log ends with was applied here.
Result<void> LogInspector::may_heal(const Position& position, const LogInfo& info,
                                    const Error& lost) const {
  if (journal_ == nullptr) return with_reason(lost, "journal_bytes is 0");
  const auto kept = journal_->extent();
  const bool begins_in_time = kept.first > 0 && kept.first <= std::max<Revision>(info.last, 1);
  if (!begins_in_time || kept.last < position.applied) {
    return with_reason(lost, kept.first == 0
                                 ? "the journal of this coordinator is empty"
                                 : "the journal of this coordinator begins at revision " +
                                       std::to_string(kept.first));
  }
  if (info.first > info.last) return {};  // nothing is left that could differ
  WEIR_ASSIGN(const LogEntry there, log_.get(info.last));
  bool same = false;
  WEIR_TRY(journal_->read(info.last, [&](const LogEntry& entry) -> Result<bool> {
    same = entry.revision == info.last && entry.data == there.data;
    return false;
  }));
  if (!same) return diverged(info.last);
  return {};
}

Result<bool> LogInspector::put_back(const LogEntry& entry) {
  const auto stored = log_.append_again(entry);
  if (stored) {
    ++healed_;
    return true;
  }
  if (stored.error().code != Code::conflict) return stored.error();
  // Another coordinator may put it back just now, or have written something else.
  auto there = log_.get(entry.revision);
  if (!there) {
    if (there.error().code != Code::not_found) return std::move(there).error();
    return Error{Code::unavailable, "log_behind", "The log changes while it is healed", ""};
  }
  if (there->data != entry.data) return diverged(entry.revision);
  return true;
}

}  // namespace weir::replica
