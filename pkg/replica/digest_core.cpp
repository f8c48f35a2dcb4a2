#include "pkg/replica/digest_core.hpp"

#include <algorithm>

#include "pkg/json/writer.hpp"

namespace weir::replica {
namespace {

constexpr Millis kAgain{1'000};  // after a proposal that failed
// Who differs is decided at the next checkpoint: until then the others have this time to say
// theirs.
constexpr Millis kDispute{3'000};

}  // namespace

void DigestCore::set(const DigestNews& news, MonoTime at) {
  if (!began_ || news.checkpoint != news_.checkpoint) checkpoint_at_ = at;
  began_ = true;
  news_ = news;
}

MonoTime DigestCore::due() const {
  if (options_.entries == 0 || !began_) return MonoTime::max();
  if (news_.work >= options_.entries) return MonoTime::min();
  if (news_.disputed) return checkpoint_at_ + std::min(kDispute, options_.every);
  return news_.work > 0 ? checkpoint_at_ + options_.every : MonoTime::max();
}

std::optional<Operation> DigestCore::digest(MonoTime now) {
  auto& proposal = of(Duty::digest);
  if (!news_.own || proposal.under_way || now < proposal.not_before) return std::nullopt;
  proposal.under_way = true;
  return news_.own;
}

std::optional<Operation> DigestCore::checkpoint(MonoTime now) {
  auto& proposal = of(Duty::checkpoint);
  if (proposal.under_way || now < std::max(due(), proposal.not_before)) return std::nullopt;
  proposal.under_way = true;
  json::Writer body;
  body.begin_object().member("by", node_).member("rows", options_.rows).end_object();
  return Operation{"sys.checkpoint", body.take()};
}

void DigestCore::on_reply(Duty duty, const Result<void>& result, MonoTime now) {
  of(duty).under_way = false;
  of(duty).not_before = result ? now : now + kAgain;
}

std::optional<MonoTime> DigestCore::next_step(bool leads) const {
  std::optional<MonoTime> first;
  const auto& digest = of(Duty::digest);
  if (news_.own && !digest.under_way) first = digest.not_before;
  const auto& checkpoint = of(Duty::checkpoint);
  if (!leads || checkpoint.under_way || due() == MonoTime::max()) return first;
  return std::min(first.value_or(MonoTime::max()), std::max(due(), checkpoint.not_before));
}

}  // namespace weir::replica
