// Random commands against the model; replicas that apply the same log stay equal however its
// entries are grouped into transactions, whenever these fail and whenever a replica restarts.
#include "tests/unit/structures/harness.hpp"
#include "tests/unit/structures/model.hpp"

#include "pkg/base/ids.hpp"

namespace weir::structures {
namespace {

struct Call {
  std::string command;
  std::string payload;
  std::string expected;
};

class Script {
 public:
  Script(std::uint64_t seed, Model& model) : random_(seed), model_(model) {}

  std::uint64_t below(std::uint64_t bound) { return random_.next() % bound; }

  Call next() {
    switch (below(5)) {
      case 0:
        return on_hash();
      case 1:
        return on_list();
      case 2:
        return on_set();
      case 3:
        return on_sorted_set();
      default:
        return on_any();
    }
  }

 private:
  std::string key() { return "k" + std::to_string(below(6)); }
  std::string name() { return "m" + std::to_string(below(30)); }
  std::int64_t small() { return static_cast<std::int64_t>(below(9)) - 4; }
  std::vector<std::string> names() {
    std::vector<std::string> out(1 + below(5));
    for (auto& one : out) one = name();
    return out;
  }
  std::vector<std::pair<std::string, std::int64_t>> pairs() {
    std::vector<std::pair<std::string, std::int64_t>> out;
    const auto count = 1 + below(4);
    for (std::uint64_t i = 0; i < count; ++i) out.emplace_back(name(), small());
    return out;
  }

  json::Writer begin(const std::string& key) {
    json::Writer out;
    out.begin_object().member("key", key);
    return out;
  }
  static void texts(json::Writer& out, const char* member, const std::vector<std::string>& all) {
    out.key(member).begin_array();
    for (const auto& one : all) out.value(one);
    out.end_array();
  }

  Call on_hash() {
    const auto k = key();
    auto in = begin(k);
    switch (below(4)) {
      case 0: {
        const auto fields = pairs();
        in.key("fields").begin_array();
        for (const auto& [field, value] : fields) {
          in.begin_object().member("field", field).member("value", value).end_object();
        }
        return {"hash.hset", in.end_array().end_object().take(), model_.hset(k, fields)};
      }
      case 1: {
        const auto fields = names();
        texts(in, "fields", fields);
        return {"hash.hdel", in.end_object().take(), model_.hdel(k, fields)};
      }
      case 2: {
        const auto field = name();
        const auto by = small();
        in.member("field", field).member("increment", by).end_object();
        return {"hash.hincrby", in.take(), model_.hincrby(k, field, by)};
      }
      default:
        return {"hash.hgetall", in.end_object().take(), model_.hgetall(k)};
    }
  }

  Call on_list() {
    const auto k = key();
    auto in = begin(k);
    const bool head = below(2) == 0;
    switch (below(5)) {
      case 0:
      case 1: {
        std::vector<std::int64_t> values(1 + below(12));
        in.key("values").begin_array();
        for (auto& value : values) in.value(value = small());
        in.end_array().end_object();
        return {head ? "list.lpush" : "list.rpush", in.take(), model_.push(k, values, head)};
      }
      case 2: {
        const auto count = below(5);
        in.member("count", count).end_object();
        return {head ? "list.lpop" : "list.rpop", in.take(), model_.pop(k, count, head)};
      }
      case 3: {
        const auto count = small();
        const auto value = small();
        in.member("count", count).member("value", value).end_object();
        return {"list.lrem", in.take(), model_.lrem(k, count, value)};
      }
      default: {
        const auto start = 3 * small();
        const auto stop = 3 * small();
        in.member("start", start).member("stop", stop).end_object();
        return {"list.lrange", in.take(), model_.lrange(k, start, stop)};
      }
    }
  }

  Call on_set() {
    const auto k = key();
    auto in = begin(k);
    switch (below(5)) {
      case 0:
      case 1: {
        const auto members = names();
        texts(in, "members", members);
        return {"set.sadd", in.end_object().take(), model_.sadd(k, members)};
      }
      case 2: {
        const auto members = names();
        texts(in, "members", members);
        return {"set.srem", in.end_object().take(), model_.srem(k, members)};
      }
      default: {
        const std::string command =
            std::array{"set.sinter", "set.sunion", "set.sdiff"}.at(below(3));
        std::vector<std::string> keys(1 + below(3));
        for (auto& one : keys) one = key();
        json::Writer of;
        of.begin_object();
        texts(of, "keys", keys);
        return {command, of.end_object().take(), model_.salgebra(command, keys)};
      }
    }
  }

  Call on_sorted_set() {
    const auto k = key();
    auto in = begin(k);
    switch (below(8)) {
      case 0:
      case 1: {
        const auto members = pairs();
        const std::string flag = std::array{"", "nx", "xx", "gt", "lt"}.at(below(5));
        in.key("members").begin_array();
        for (const auto& [member, score] : members) {
          in.begin_object().member("member", member).member("score", score).end_object();
        }
        in.end_array();
        if (!flag.empty()) in.member(flag, true);
        return {"sortedset.zadd", in.end_object().take(), model_.zadd(k, members, flag)};
      }
      case 2: {
        const auto member = name();
        const auto by = small();
        in.member("member", member).member("increment", by).end_object();
        return {"sortedset.zincrby", in.take(), model_.zincrby(k, member, by)};
      }
      case 3: {
        const auto members = names();
        texts(in, "members", members);
        return {"sortedset.zrem", in.end_object().take(), model_.zrem(k, members)};
      }
      case 4: {
        const auto count = below(4);
        const bool lowest = below(2) == 0;
        in.member("count", count).end_object();
        return {lowest ? "sortedset.zpopmin" : "sortedset.zpopmax", in.take(),
                model_.zpop(k, count, lowest)};
      }
      case 5: {
        const auto start = 2 * small();
        const auto stop = 2 * small();
        const bool rev = below(2) == 0;
        in.member("start", start).member("stop", stop).member("rev", rev).end_object();
        return {"sortedset.zrange", in.take(), model_.zrange(k, start, stop, rev)};
      }
      case 6: {
        const auto above = small();
        const auto max = small();
        in.member("min", "(" + std::to_string(above)).member("max", max).end_object();
        return {"sortedset.zrangebyscore", in.take(), model_.zrangebyscore(k, above, max)};
      }
      default: {
        const auto member = name();
        in.member("member", member).end_object();
        return {"sortedset.zrank", in.take(), model_.zrank(k, member)};
      }
    }
  }

  Call on_any() {
    const auto k = key();
    auto in = begin(k);
    switch (below(4)) {
      case 0:
        return {"structure.del", in.end_object().take(), model_.del(k)};
      case 1: {
        const auto ttl = static_cast<std::int64_t>(1 + below(20));
        in.member("ttl", ttl).end_object();
        return {"structure.expire", in.take(), model_.expire(k, model_.now_ms + ttl * 1000)};
      }
      case 2:
        return {"structure.persist", in.end_object().take(), model_.persist(k)};
      default:
        return {"structure.type", in.end_object().take(), model_.type(k)};
    }
  }

  SeededRandom random_;
  Model& model_;
};

class Property : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Property, AnswersAsTheModel) {
  Harness h;
  Model model;
  Script script(GetParam(), model);
  for (int i = 0; i < 4'000; ++i) {
    model.now_ms = to_unix_ms(h.clock.wall());
    const Call call = script.next();
    ASSERT_EQ(h.answer(call.command, call.payload), call.expected)
        << "step " << i << ": " << call.command << " " << call.payload;
    if (script.below(10) == 0) h.clock.advance(Millis(script.below(3'000)));
    if (script.below(20) == 0) h.tick();
    if (script.below(100) == 0) h.restart();
    if (script.below(50) == 0) h.expect_counts_true();
  }
  h.clock.advance(std::chrono::hours(1));
  h.settle();
  h.expect_counts_true();
}

TEST_P(Property, ReplicasStayEqual) {
  Harness steady;  // an entry a transaction, never restarted
  Harness other;   // groups, failed transactions, restarts
  Model unused;
  Script script(GetParam(), unused);
  std::vector<replica::Operation> group;
  for (int i = 0; i < 3'000; ++i) {
    const Call call = script.next();
    const Command* command = find_command(call.command);
    if (command->write == nullptr) continue;
    const auto operation =
        script.below(25) == 0
            ? replica::Operation{"structures.tick", "{}"}
            : operation_of(*command, make_body(*command, json::View(call.payload)).value());
    static_cast<void>(steady.apply(operation));
    group.push_back(operation);
    if (script.below(8) != 0) continue;
    if (script.below(5) == 0) other.apply_all(group, true);
    other.apply_all(group);
    group.clear();
    ASSERT_EQ(steady.dump(), other.dump()) << "step " << i;
    const auto step = Millis(script.below(2'000));
    steady.clock.advance(step);
    other.clock.advance(step);
    if (script.below(10) == 0) other.restart();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Property, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace weir::structures
