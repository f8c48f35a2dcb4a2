#include "pkg/replica/effects_core.hpp"

#include <algorithm>

namespace weir::replica {
namespace {
constexpr Millis kFirstPause{50};
constexpr Millis kLongestPause{5'000};
constexpr Millis kIdlePause{200};
}  // namespace

std::optional<Operation> EffectsCore::step(std::size_t owed, MonoTime now) {
  if (owed == 0 || proposing_ || now < not_before_) return std::nullopt;
  const auto effects = reader_(published_, kBatch);
  if (!effects.empty()) {
    const std::size_t stored = publish(effects);
    if (stored > 0) published_ = effects[stored - 1].id;
    done_ += stored;
    if (stored < effects.size()) {
      pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
      not_before_ = now + pause_;
    } else {
      pause_ = Millis{0};
    }
  }
  if (published_ == confirmed_) {
    if (effects.empty()) not_before_ = now + kIdlePause;
    return std::nullopt;
  }
  proposing_ = true;
  proposed_ = published_;
  return SysMachine::effects_done(published_);
}

std::size_t EffectsCore::publish(const std::vector<OwedEffect>& effects) {
  std::vector<EffectMessage> messages;
  messages.reserve(effects.size());
  for (const auto& owed : effects) {
    messages.push_back(
        {id_prefix_ + std::to_string(owed.id.revision) + "." + std::to_string(owed.id.ordinal),
         owed.effect.subject, owed.effect.headers_json, owed.effect.body});
  }
  return std::min(sink_.publish(messages), effects.size());
}

void EffectsCore::on_watermark(const Result<void>& result, MonoTime now) {
  proposing_ = false;
  if (result) {
    confirmed_ = proposed_;
  } else {
    not_before_ = std::max(not_before_, now + kFirstPause);
  }
}

std::optional<MonoTime> EffectsCore::next_step(std::size_t owed) const {
  if (owed == 0 || proposing_) return std::nullopt;
  return not_before_;
}

}  // namespace weir::replica
