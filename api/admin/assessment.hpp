// Assessment: how well this coordinator is, part by part, from what the replica and NATS say. Pure
// functions; every health document is made from one Assessment, so that they never disagree.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/core/system_probe.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

enum class State : std::uint8_t { ok, degraded, down };

struct Component {
  std::string_view name;
  State state = State::ok;
  std::string problem;  // for people; empty when ok
};

struct Assessment {
  std::vector<Component> components;
  State overall = State::ok;  // the worst of them
  std::string problem;        // of the worst
  bool can_write = false;     // submits are accepted: applied, or kept while NATS is away
  bool falls_back = false;    // NATS is away, and submits are kept in the outbox
  bool can_read = false;      // the replica answers, perhaps behind the log

  const Component& component(std::string_view name) const;  // must exist
};

// The same, with the replica of the data structures. Jobs do not need them: that they are down
// degrades the whole, no more.
void add_structures(Assessment& assessment, const replica::Health& data);

// The same, with the keys of payloads: `problem` is empty when all that was read could be opened.
void add_encryption(Assessment& assessment, const std::string& problem);

// `facts` of a refresh just made, where there was one.
Assessment assess(const replica::Health& health, const std::optional<SystemFacts>& facts,
                  Timestamp now);

}  // namespace weir::api
