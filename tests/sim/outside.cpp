#include "tests/sim/outside.hpp"

namespace weir::sim {
namespace {
Error unavailable() {
  return Error{Code::unavailable, "nats_unavailable", "cut off", ""};
}
}  // namespace

Result<std::optional<replica::LeaseRecord>> SimLeases::read() {
  if (cut_ || world_.fault(50)) return unavailable();
  return lease_.record;
}

Result<std::uint64_t> SimLeases::write(const std::string& holder, std::uint64_t expected) {
  if (cut_ || world_.fault(50)) return unavailable();
  if ((lease_.record ? lease_.record->revision : 0) != expected) {
    return Error{Code::conflict, "lease_changed", "changed", ""};
  }
  lease_.record = replica::LeaseRecord{holder, ++lease_.revision};
  if (world_.fault(50)) return Error{Code::deadline_exceeded, "nats_timeout", "no answer", ""};
  return lease_.revision;
}

std::size_t SimEffects::publish(std::span<const replica::EffectMessage> messages) {
  if (cut_) return 0;
  std::size_t confirmed = 0;
  bool lost = false;
  for (const auto& message : messages) {
    if (world_.fault(100)) break;
    if (++stream_.copies[message.id] == 1) {
      stream_.stored.push_back({message.id, std::string(message.body)});
      world_.trace("effect " + message.id);
    }
    lost = lost || world_.fault(50);  // stored, but nobody is told
    if (!lost) ++confirmed;
  }
  return confirmed;
}

}  // namespace weir::sim
