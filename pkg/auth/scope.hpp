// Scopes: what a key may do. The words are the API's; `admin` implies every other one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/ratelimit/fixed_windows.hpp"

namespace weir::auth {

enum class Scope : std::uint16_t {
  none = 0,  // a route that asks for nothing
  health_read = 1U << 0U,
  jobs_read = 1U << 1U,
  jobs_write = 1U << 2U,
  jobs_work = 1U << 3U,
  queues_admin = 1U << 4U,
  streams_read = 1U << 5U,
  streams_write = 1U << 6U,
  kv_read = 1U << 7U,
  kv_write = 1U << 8U,
  pubsub = 1U << 9U,
  admin = 1U << 10U,
};

struct ScopeName {
  Scope scope;
  std::string_view name;
};

inline constexpr std::array<ScopeName, 11> kScopes{{
    {Scope::health_read, "health:read"},
    {Scope::jobs_read, "jobs:read"},
    {Scope::jobs_write, "jobs:write"},
    {Scope::jobs_work, "jobs:work"},
    {Scope::queues_admin, "queues:admin"},
    {Scope::streams_read, "streams:read"},
    {Scope::streams_write, "streams:write"},
    {Scope::kv_read, "kv:read"},
    {Scope::kv_write, "kv:write"},
    {Scope::pubsub, "pubsub"},
    {Scope::admin, "admin"},
}};

std::optional<Scope> find_scope(std::string_view name);
std::string_view to_string(Scope scope);  // "" for none

// A set of scopes.
class Scopes {
 public:
  void add(Scope scope) {
    bits_ = static_cast<std::uint16_t>(bits_ | static_cast<std::uint16_t>(scope));
  }
  // True when the set holds `scope` or admin; always true for Scope::none.
  bool allows(Scope scope) const {
    const auto wanted = static_cast<std::uint16_t>(scope);
    constexpr auto kAdmin = static_cast<std::uint16_t>(Scope::admin);
    return (bits_ & wanted) == wanted || (bits_ & kAdmin) != 0;
  }
  bool empty() const { return bits_ == 0; }

 private:
  std::uint16_t bits_ = 0;
};

// A queue pattern is a queue name ("emails"), or a name and `.*` ("emails.*": every queue with one
// or more further segments, as emails.eu and emails.eu.high, but not emails itself), or `*` (all).
bool is_valid_queue_pattern(std::string_view pattern);
bool queue_matches(std::string_view pattern, std::string_view queue);

// A stream pattern is the name of a stream or room ("orders"), or the beginning of names and `*`
// ("orders-*", "chat:*", "*").
inline constexpr std::size_t kMaxStreamPattern = 256;  // bytes
bool is_valid_stream_pattern(std::string_view pattern);
bool stream_matches(std::string_view pattern, std::string_view name);

// Who asks. Made by authentication, read by every check.
struct Principal {
  std::string key_id;
  std::string name;
  Scopes scopes;
  std::vector<std::string> queues;                // patterns; empty = every queue
  std::optional<std::int64_t> max_waiting = {};   // of the jobs it submitted; empty = any number
  std::optional<ratelimit::Allowance> rate = {};  // of its requests; empty = any number

  std::vector<std::string> streams = {};  // patterns; empty = every stream and room

  bool allows_queue(std::string_view queue) const;
  bool allows_stream(std::string_view name) const;  // or room
};

}  // namespace weir::auth
