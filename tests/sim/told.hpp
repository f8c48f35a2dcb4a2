// Told: how an operation ended for who asked.
#pragma once

#include <cstdint>

#include "pkg/replica/instance.hpp"

namespace weir::sim {

// other: it was answered with another job.
enum class Told : std::uint8_t { nothing, accepted, refused, unknown, other };

// unavailable and the like: nothing happened, or so we were told.
inline Told told_by(const Result<replica::Reply>& reply) {
  if (reply) return Told::accepted;
  return reply.error().code == Code::deadline_exceeded ? Told::unknown : Told::refused;
}

}  // namespace weir::sim
