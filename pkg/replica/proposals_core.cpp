#include "pkg/replica/proposals_core.hpp"

namespace weir::replica {

ProposalsCore::ProposalsCore(std::size_t machines, Ask ask)
    : times_(std::vector<std::string>(machines)), open_(machines), ask_(std::move(ask)) {}

std::optional<ProposalsCore::Round> ProposalsCore::next(const Now& now) {
  while (const auto machine = times_.take(now)) {
    auto operations = ask_(*machine, times_.known_log_time(now.mono));
    if (operations.empty()) {
      times_.on_reply(*machine, Error{Code::unavailable, {}, {}, {}}, now.mono);
      continue;
    }
    open_[*machine] = {operations.size(), {}};
    return Round{*machine, std::move(operations)};
  }
  return std::nullopt;
}

void ProposalsCore::on_reply(std::size_t machine, const Result<void>& result, MonoTime now) {
  auto& open = open_[machine];
  if (!result) open.result = result;
  if (--open.replies == 0) times_.on_reply(machine, open.result, now);
}

}  // namespace weir::replica
