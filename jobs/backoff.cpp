#include "jobs/backoff.hpp"

#include <algorithm>
#include <array>

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"exponential", "linear", "fixed", "list"};

std::int64_t exponential(const Backoff& backoff, std::int64_t failures) {
  double delay = static_cast<double>(backoff.delay_ms);
  for (std::int64_t i = 1; i < failures; ++i) {
    delay *= backoff.factor;
    if (delay >= static_cast<double>(backoff.max_ms)) return backoff.max_ms;
    if (backoff.factor <= 1.0) break;
  }
  return static_cast<std::int64_t>(delay);
}

std::int64_t base_delay(const Backoff& backoff, std::int64_t failures) {
  switch (backoff.kind) {
    case Backoff::Kind::exponential:
      return exponential(backoff, failures);
    case Backoff::Kind::linear:
      return backoff.delay_ms > backoff.max_ms / failures ? backoff.max_ms
                                                          : backoff.delay_ms * failures;
    case Backoff::Kind::fixed:
      return backoff.delay_ms;
    case Backoff::Kind::list:
      break;
  }
  if (backoff.list_ms.empty()) return backoff.delay_ms;
  const auto step = std::min(static_cast<std::size_t>(failures), backoff.list_ms.size());
  return backoff.list_ms[step - 1];
}

}  // namespace

std::string_view to_string(Backoff::Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

Backoff parse_backoff(json::View text) {
  Backoff out;
  for (const auto& member : text.members()) {
    if (member.raw_key == "kind") {
      const auto word = member.value.as_string().value_or("");
      const auto found = std::find(kKinds.begin(), kKinds.end(), word);
      if (found != kKinds.end()) out.kind = static_cast<Backoff::Kind>(found - kKinds.begin());
    } else if (member.raw_key == "delay_ms") {
      out.delay_ms = member.value.as_int().value_or(out.delay_ms);
    } else if (member.raw_key == "max_ms") {
      out.max_ms = member.value.as_int().value_or(out.max_ms);
    } else if (member.raw_key == "factor") {
      out.factor = member.value.as_double().value_or(out.factor);
    } else if (member.raw_key == "jitter") {
      out.jitter = member.value.as_double().value_or(out.jitter);
    } else if (member.raw_key == "list_ms") {
      for (const auto step : member.value.elements()) {
        out.list_ms.push_back(step.as_int().value_or(0));
      }
    }
  }
  return out;
}

void write_backoff(json::Writer& out, const Backoff& backoff) {
  out.begin_object().member("kind", to_string(backoff.kind));
  if (backoff.kind == Backoff::Kind::list) {
    out.key("list_ms").begin_array();
    for (const auto step : backoff.list_ms) out.value(step);
    out.end_array();
  } else {
    out.member("delay_ms", backoff.delay_ms);
  }
  if (backoff.kind == Backoff::Kind::exponential) out.member("factor", backoff.factor);
  out.member("max_ms", backoff.max_ms).member("jitter", backoff.jitter).end_object();
}

std::int64_t retry_delay_ms(const Backoff& backoff, std::int64_t failures, std::uint64_t random) {
  const auto base =
      std::min(base_delay(backoff, std::max<std::int64_t>(failures, 1)), backoff.max_ms);
  // 53 random bits as a number in [-1, 1).
  const double spread = static_cast<double>(random >> 11U) * 0x1.0p-52 - 1.0;
  const double delay = static_cast<double>(base) * (1.0 + backoff.jitter * spread);
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(delay));
}

}  // namespace weir::jobs
