#include "pkg/auth/scope.hpp"

#include <algorithm>

#include "pkg/base/ids.hpp"

namespace weir::auth {

std::optional<Scope> find_scope(std::string_view name) {
  for (const auto& entry : kScopes) {
    if (entry.name == name) return entry.scope;
  }
  return std::nullopt;
}

std::string_view to_string(Scope scope) {
  for (const auto& entry : kScopes) {
    if (entry.scope == scope) return entry.name;
  }
  return "";
}

bool is_valid_queue_pattern(std::string_view pattern) {
  if (pattern == "*") return true;
  if (pattern.ends_with(".*")) pattern.remove_suffix(2);
  return is_valid_name(pattern);
}

bool queue_matches(std::string_view pattern, std::string_view queue) {
  if (pattern == "*") return true;
  if (!pattern.ends_with(".*")) return pattern == queue;
  pattern.remove_suffix(1);  // keeps the dot
  return queue.size() > pattern.size() && queue.starts_with(pattern);
}

bool is_valid_stream_pattern(std::string_view pattern) {
  const bool fits = !pattern.empty() && pattern.size() <= kMaxStreamPattern;
  const auto star = pattern.find('*');
  return fits && (star == std::string_view::npos || star + 1 == pattern.size());
}

bool stream_matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

bool Principal::allows_queue(std::string_view queue) const {
  return queues.empty() || std::any_of(queues.begin(), queues.end(), [&](const auto& pattern) {
           return queue_matches(pattern, queue);
         });
}

bool Principal::allows_stream(std::string_view stream) const {
  return streams.empty() || std::any_of(streams.begin(), streams.end(), [&](const auto& pattern) {
           return stream_matches(pattern, stream);
         });
}

}  // namespace weir::auth
