#include "tests/unit/structures/model.hpp"

#include <algorithm>

#include "pkg/json/writer.hpp"

namespace weir::structures {
namespace {

constexpr const char* kWrongType = "!wrong_structure_type";

template <class T>
std::string one(const char* name, const T& value) {
  return json::Writer().begin_object().member(name, value).end_object().take();
}

template <class T>
std::string list(const char* name, const T& values) {
  json::Writer out;
  out.begin_object().key(name).begin_array();
  for (const auto& value : values) out.value(value);
  return out.end_array().end_object().take();
}

using Scored = std::vector<std::pair<std::int64_t, std::string>>;

Scored in_order(const Model::SortedSet& set) {
  Scored out;
  for (const auto& [member, score] : set) out.emplace_back(score, member);
  std::sort(out.begin(), out.end());
  return out;
}

// The indexes that start and stop mean.
std::pair<std::size_t, std::size_t> slice(std::int64_t start, std::int64_t stop, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (start < 0) start = std::max<std::int64_t>(0, count + start);
  if (stop < 0) stop = count + stop;
  stop = std::min(stop, count - 1);
  if (start > stop) return {0, 0};
  return {static_cast<std::size_t>(start), static_cast<std::size_t>(stop) + 1};
}

}  // namespace

bool Model::exists(const std::string& key) {
  const auto found = values_.find(key);
  if (found == values_.end()) return false;
  if (!found->second.expires_at_ms || *found->second.expires_at_ms > now_ms) return true;
  values_.erase(found);
  return false;
}

template <class T>
T* Model::open(const std::string& key) {
  if (!exists(key)) values_[key].content = T{};
  return std::get_if<T>(&values_[key].content);
}

void Model::drop_if_empty(const std::string& key) {
  const auto found = values_.find(key);
  const bool empty =
      std::visit([](const auto& value) { return value.empty(); }, found->second.content);
  if (empty) values_.erase(found);
}

std::string Model::hset(const std::string& key,
                        const std::vector<std::pair<std::string, std::int64_t>>& fields) {
  Hash* hash = open<Hash>(key);
  if (hash == nullptr) return kWrongType;
  int added = 0;
  for (const auto& [field, value] : fields) {
    added += hash->contains(field) ? 0 : 1;
    (*hash)[field] = value;
  }
  return json::Writer()
      .begin_object()
      .member("success", true)
      .member("added", added)
      .end_object()
      .take();
}

std::string Model::hdel(const std::string& key, const Texts& fields) {
  Hash* hash = open<Hash>(key);
  if (hash == nullptr) return kWrongType;
  std::uint64_t deleted = 0;
  for (const auto& field : fields) deleted += hash->erase(field);
  drop_if_empty(key);
  return one("deleted", deleted);
}

std::string Model::hincrby(const std::string& key, const std::string& field, std::int64_t by) {
  Hash* hash = open<Hash>(key);
  if (hash == nullptr) return kWrongType;
  return one("value", (*hash)[field] += by);
}

std::string Model::hgetall(const std::string& key) {
  Hash* hash = open<Hash>(key);
  if (hash == nullptr) return kWrongType;
  json::Writer out;
  out.begin_object().key("fields").begin_object();
  for (const auto& [field, value] : *hash) out.member(field, value);
  drop_if_empty(key);
  return out.end_object().end_object().take();
}

std::string Model::push(const std::string& key, const std::vector<std::int64_t>& values,
                        bool head) {
  List* all = open<List>(key);
  if (all == nullptr) return kWrongType;
  for (const auto value : values) {
    if (head) {
      all->push_front(value);
    } else {
      all->push_back(value);
    }
  }
  return one("length", static_cast<std::uint64_t>(all->size()));
}

std::string Model::pop(const std::string& key, std::size_t count, bool head) {
  List* all = open<List>(key);
  if (all == nullptr) return kWrongType;
  std::vector<std::int64_t> out;
  for (; count > 0 && !all->empty(); --count) {
    out.push_back(head ? all->front() : all->back());
    if (head) {
      all->pop_front();
    } else {
      all->pop_back();
    }
  }
  drop_if_empty(key);
  return list("values", out);
}

std::string Model::lrem(const std::string& key, std::int64_t count, std::int64_t value) {
  List* all = open<List>(key);
  if (all == nullptr) return kWrongType;
  if (count < 0) std::reverse(all->begin(), all->end());
  std::int64_t left = count == 0 ? static_cast<std::int64_t>(all->size()) : std::abs(count);
  std::uint64_t removed = 0;
  List kept;
  for (const auto one : *all) {
    if (one == value && left > 0) {
      --left;
      ++removed;
    } else {
      kept.push_back(one);
    }
  }
  if (count < 0) std::reverse(kept.begin(), kept.end());
  *all = kept;
  drop_if_empty(key);
  return one("removed", removed);
}

std::string Model::lrange(const std::string& key, std::int64_t start, std::int64_t stop) {
  List* all = open<List>(key);
  if (all == nullptr) return kWrongType;
  const auto [from, to] = slice(start, stop, all->size());
  std::vector<std::int64_t> out;
  for (std::size_t i = from; i < to; ++i) out.push_back((*all)[i]);
  drop_if_empty(key);
  return list("values", out);
}

std::string Model::sadd(const std::string& key, const Texts& members) {
  Set* set = open<Set>(key);
  if (set == nullptr) return kWrongType;
  int added = 0;
  for (const auto& member : members) added += set->insert(member).second ? 1 : 0;
  return one("added", added);
}

std::string Model::srem(const std::string& key, const Texts& members) {
  Set* set = open<Set>(key);
  if (set == nullptr) return kWrongType;
  std::uint64_t removed = 0;
  for (const auto& member : members) removed += set->erase(member);
  drop_if_empty(key);
  return one("removed", removed);
}

std::string Model::salgebra(const std::string& command, const Texts& keys) {
  Set out;
  bool first = true;
  for (const auto& key : keys) {
    Set* set = open<Set>(key);
    if (set == nullptr) return kWrongType;
    if (first || command == "set.sunion") {
      out.insert(set->begin(), set->end());
    } else {
      std::erase_if(out, [&](const auto& member) {
        return set->contains(member) == (command == "set.sdiff");
      });
    }
    first = false;
    drop_if_empty(key);
  }
  return list("members", out);
}

std::string Model::zadd(const std::string& key,
                        const std::vector<std::pair<std::string, std::int64_t>>& members,
                        const std::string& flag) {
  SortedSet* set = open<SortedSet>(key);
  if (set == nullptr) return kWrongType;
  int added = 0;
  int updated = 0;
  for (const auto& [member, score] : members) {
    const auto found = set->find(member);
    if (found == set->end()) {
      if (flag == "xx") continue;
      set->emplace(member, score);
      ++added;
    } else if (flag != "nx" && found->second != score && (flag != "gt" || score > found->second) &&
               (flag != "lt" || score < found->second)) {
      found->second = score;
      ++updated;
    }
  }
  drop_if_empty(key);
  return json::Writer()
      .begin_object()
      .member("added", added)
      .member("updated", updated)
      .end_object()
      .take();
}

std::string Model::zincrby(const std::string& key, const std::string& member, std::int64_t by) {
  SortedSet* set = open<SortedSet>(key);
  if (set == nullptr) return kWrongType;
  return one("score", (*set)[member] += by);
}

std::string Model::zrem(const std::string& key, const Texts& members) {
  SortedSet* set = open<SortedSet>(key);
  if (set == nullptr) return kWrongType;
  std::uint64_t removed = 0;
  for (const auto& member : members) removed += set->erase(member);
  drop_if_empty(key);
  return one("removed", removed);
}

std::string Model::zpop(const std::string& key, std::size_t count, bool lowest) {
  SortedSet* set = open<SortedSet>(key);
  if (set == nullptr) return kWrongType;
  Scored all = in_order(*set);
  if (!lowest) std::reverse(all.begin(), all.end());
  json::Writer out;
  out.begin_object().key("members").begin_array();
  for (std::size_t i = 0; i < std::min(count, all.size()); ++i) {
    out.begin_object().member("member", all[i].second).member("score", all[i].first).end_object();
    set->erase(all[i].second);
  }
  drop_if_empty(key);
  return out.end_array().end_object().take();
}

std::string Model::zrange(const std::string& key, std::int64_t start, std::int64_t stop, bool rev) {
  SortedSet* set = open<SortedSet>(key);
  if (set == nullptr) return kWrongType;
  Scored all = in_order(*set);
  if (rev) std::reverse(all.begin(), all.end());
  const auto [from, to] = slice(start, stop, all.size());
  Texts out;
  for (std::size_t i = from; i < to; ++i) out.push_back(all[i].second);
  drop_if_empty(key);
  return list("members", out);
}

std::string Model::zrangebyscore(const std::string& key, std::int64_t above, std::int64_t max) {
  SortedSet* set = open<SortedSet>(key);
  if (set == nullptr) return kWrongType;
  Texts out;
  for (const auto& [score, member] : in_order(*set)) {
    if (score > above && score <= max) out.push_back(member);
  }
  drop_if_empty(key);
  return list("members", out);
}

std::string Model::zrank(const std::string& key, const std::string& member) {
  SortedSet* set = open<SortedSet>(key);
  if (set == nullptr) return kWrongType;
  const Scored all = in_order(*set);
  drop_if_empty(key);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].second == member) return one("rank", static_cast<std::uint64_t>(i));
  }
  return R"({"rank":null})";
}

std::string Model::del(const std::string& key) {
  const bool there = exists(key);
  values_.erase(key);
  return one("deleted", there ? 1 : 0);
}

std::string Model::type(const std::string& key) {
  constexpr const char* kNames[] = {"hash", "list", "set", "zset"};
  return one("type", exists(key) ? kNames[values_[key].content.index()] : "none");
}

std::string Model::expire(const std::string& key, std::int64_t at_ms) {
  const bool there = exists(key);
  if (there) values_[key].expires_at_ms = at_ms;
  return one("result", there);
}

std::string Model::persist(const std::string& key) {
  const bool had = exists(key) && values_[key].expires_at_ms;
  if (had) values_[key].expires_at_ms.reset();
  return one("result", had);
}

}  // namespace weir::structures
