// Model: what the structures should do, told with the containers of the standard library. Keys,
// fields and members are plain texts, values are integers.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace weir::structures {

class Model {
 public:
  using Hash = std::map<std::string, std::int64_t>;
  using List = std::deque<std::int64_t>;
  using Set = std::set<std::string>;
  struct SortedSet : std::map<std::string, std::int64_t> {};  // a type of its own
  using Texts = std::vector<std::string>;

  // Each answers as the command of that name, "!wrong_structure_type" included.
  std::string hset(const std::string& key,
                   const std::vector<std::pair<std::string, std::int64_t>>& fields);
  std::string hdel(const std::string& key, const Texts& fields);
  std::string hincrby(const std::string& key, const std::string& field, std::int64_t by);
  std::string hgetall(const std::string& key);
  std::string push(const std::string& key, const std::vector<std::int64_t>& values, bool head);
  std::string pop(const std::string& key, std::size_t count, bool head);
  std::string lrem(const std::string& key, std::int64_t count, std::int64_t value);
  std::string lrange(const std::string& key, std::int64_t start, std::int64_t stop);
  std::string sadd(const std::string& key, const Texts& members);
  std::string srem(const std::string& key, const Texts& members);
  std::string salgebra(const std::string& command, const Texts& keys);
  std::string zadd(const std::string& key,
                   const std::vector<std::pair<std::string, std::int64_t>>& members,
                   const std::string& flag);
  std::string zincrby(const std::string& key, const std::string& member, std::int64_t by);
  std::string zrem(const std::string& key, const Texts& members);
  std::string zpop(const std::string& key, std::size_t count, bool lowest);
  std::string zrange(const std::string& key, std::int64_t start, std::int64_t stop, bool rev);
  std::string zrangebyscore(const std::string& key, std::int64_t above, std::int64_t max);
  std::string zrank(const std::string& key, const std::string& member);
  std::string del(const std::string& key);
  std::string type(const std::string& key);
  std::string expire(const std::string& key, std::int64_t at_ms);
  std::string persist(const std::string& key);

  std::int64_t now_ms = 0;

 private:
  struct Value {
    std::variant<Hash, List, Set, SortedSet> content;
    std::optional<std::int64_t> expires_at_ms;
  };

  bool exists(const std::string& key);
  // Null: another type. One that does not exist is made.
  template <class T>
  T* open(const std::string& key);
  void drop_if_empty(const std::string& key);

  std::map<std::string, Value> values_;
};

}  // namespace weir::structures
