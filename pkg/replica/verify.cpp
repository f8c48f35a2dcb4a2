#include "pkg/replica/verify.hpp"

#include "pkg/crypto/crypto.hpp"

namespace weir::replica {
namespace {

Error divergence(const char* reason, const char* message, std::string details) {
  return Error{Code::conflict, reason, message,
               std::move(details) +
                   "; restore the NATS store, or, to follow the log as it is now, move the data "
                   "directory away and start again"};
}

Result<LogInfo> existing_log(const Position& position, Log& log) {
  auto info = log.info();
  if (info || info.error().code != Code::not_found) return info;
  if (position.applied > 0) {
    return divergence("log_missing", "The log that this coordinator has applied does not exist",
                      "applied revision " + std::to_string(position.applied));
  }
  WEIR_TRY(log.create());
  return log.info();
}

}  // namespace

Result<void> compare_log(const Position& position, const LogInfo& info) {
  if (!position.identity.empty() && position.identity != info.identity) {
    return divergence(
        "log_replaced", "The log is not the one that this coordinator has applied",
        "applied from \"" + position.identity + "\", found \"" + info.identity + "\"");
  }
  if (info.last < position.applied) {
    return divergence("log_truncated", "The log has lost entries that were acknowledged",
                      "applied revision " + std::to_string(position.applied) +
                          ", the log ends at " + std::to_string(info.last));
  }
  if (info.first > position.applied + 1) {
    return divergence("log_purged", "The log begins after what this coordinator has applied",
                      "applied revision " + std::to_string(position.applied) +
                          ", the log begins at " + std::to_string(info.first));
  }
  return {};
}

Result<void> check_clock(bool log_has_test_clock, bool runs_with_test_clock) {
  if (log_has_test_clock == runs_with_test_clock) return {};
  if (log_has_test_clock) {
    return Error{Code::conflict, "test_clock_log",
                 "The log was written with a test clock: its times are not real",
                 "start with --test-clock, or use another data directory and another NATS"};
  }
  return Error{Code::conflict, "real_time_log",
               "The log was written with real time: --test-clock would change what it means",
               "start without --test-clock, or use another data directory and another NATS"};
}

Result<LogInfo> verify_log(const Position& position, Log& log) {
  WEIR_ASSIGN(auto info, existing_log(position, log));
  WEIR_TRY(compare_log(position, info));
  if (position.applied == 0 || info.first > position.applied) return info;
  WEIR_ASSIGN(const auto entry, log.get(position.applied));
  if (crypto::sha256(entry.data) != position.entry_hash) {
    return divergence("log_diverged", "The log holds another entry than this coordinator applied",
                      "at revision " + std::to_string(position.applied));
  }
  return info;
}

}  // namespace weir::replica
