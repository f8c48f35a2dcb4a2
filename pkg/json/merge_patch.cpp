#include "pkg/json/merge_patch.hpp"

#include <map>
#include <set>
#include <vector>

#include "pkg/json/writer.hpp"

namespace weir::json {
namespace {

// The algorithm of RFC 7386, section 2.
void merge(View target, View patch, Writer& out) {
  if (!patch.is_object()) {
    out.raw(patch.raw());
    return;
  }
  std::map<std::string, View> changes;
  std::vector<std::string> order;
  for (const auto& member : patch.members()) {
    const auto [place, fresh] = changes.insert_or_assign(member.key(), member.value);
    if (fresh) order.push_back(place->first);
  }
  std::set<std::string> seen;
  out.begin_object();
  if (target.is_object()) {
    for (const auto& member : target.members()) {
      const auto name = member.key();
      if (!seen.insert(name).second) continue;
      const auto change = changes.find(name);
      if (change == changes.end()) {
        out.raw_member(name, member.value.raw());
      } else if (!change->second.is_null()) {
        out.key(name);
        merge(member.value, change->second, out);
      }
    }
  }
  for (const auto& name : order) {
    const auto& value = changes.at(name);
    if (seen.contains(name) || value.is_null()) continue;
    out.key(name);
    merge(View(), value, out);
  }
  out.end_object();
}

}  // namespace

std::string merge_patch(View target, View patch) {
  Writer out(target.raw().size() + patch.raw().size());
  merge(target, patch, out);
  return out.take();
}

}  // namespace weir::json
