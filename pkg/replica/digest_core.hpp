// DigestCore: decides when the leader asks all replicas for a digest of their state
// (sys.checkpoint), and when this node says what it has (sys.digest).
//
// Not thread-safe, no thread and no clock of its own.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "pkg/replica/digest_book.hpp"

namespace weir::replica {

class DigestCore {
 public:
  struct Options {
    std::uint64_t entries = 1'000;  // of the log from one checkpoint to the next; 0: none are made
    Millis every{60'000};           // or this time, when there was any entry
    std::uint64_t rows = 512;       // of the tables that are looked at each time
  };
  enum class Duty : std::uint8_t { checkpoint, digest };

  DigestCore(Options options, std::string node) : options_(options), node_(std::move(node)) {}

  // After a commit.
  void set(const DigestNews& news, MonoTime at);

  // What to propose, if anything; its outcome goes to on_reply().
  std::optional<Operation> digest(MonoTime now);
  std::optional<Operation> checkpoint(MonoTime now);  // the leader's
  void on_reply(Duty duty, const Result<void>& result, MonoTime now);

  // When one of them will have something.
  std::optional<MonoTime> next_step(bool leads) const;

 private:
  struct Proposal {
    bool under_way = false;
    MonoTime not_before{};
  };
  Proposal& of(Duty duty) { return proposals_[static_cast<std::size_t>(duty)]; }
  const Proposal& of(Duty duty) const { return proposals_[static_cast<std::size_t>(duty)]; }
  MonoTime due() const;

  const Options options_;
  const std::string node_;
  DigestNews news_;
  MonoTime checkpoint_at_{};  // when the newest was seen here first
  bool began_ = false;
  std::array<Proposal, 2> proposals_{};
};

}  // namespace weir::replica
