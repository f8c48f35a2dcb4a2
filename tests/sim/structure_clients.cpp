#include "tests/sim/structure_clients.hpp"

#include "pkg/base/assert.hpp"
#include "pkg/structures/command.hpp"

namespace weir::sim {

void StructureClients::act() {
  if (calm_) return;
  world_.after(Micros{world_.between(30'000, 400'000)}, [this] { act(); });
  const auto dice = world_.below(100);
  if (dice < 25) return push();
  if (dice < 40) return pop();
  if (dice < 60) return count();
  meet();
}

// Requests of this program are valid.
void StructureClients::call(std::string_view command, const std::string& payload, Done done) {
  const auto* found = structures::find_command(command);
  WEIR_ASSERT(found != nullptr);
  auto body = structures::make_body(*found, json::View(payload));
  WEIR_ASSERT(body.has_value());
  auto operation = structures::operation_of(*found, std::move(*body));
  propose_(operation,
           [this, operation, done = std::move(done)](const Result<replica::Reply>& reply) {
             if (reply)
               ledger_.answered({reply->revision, operation.name, operation.body, reply->json});
             if (done) done(reply);
           });
}

void StructureClients::push() {
  std::vector<std::int64_t> values;
  std::string list;
  for (std::uint64_t i = 0; i < 1 + world_.below(5); ++i) {
    values.push_back(++next_value_);
    list += (i == 0 ? "" : ",") + std::to_string(next_value_);
  }
  call(world_.chance(500) ? "list.lpush" : "list.rpush",
       R"({"key":")" + std::string(StructureLedger::kList) + R"(","values":[)" + list + "]}",
       [this, values](const Result<replica::Reply>& reply) {
         ledger_.pushed(values, told_by(reply));
       });
}

void StructureClients::pop() {
  const auto most = world_.between(1, 4);
  ledger_.popping(most);
  call(world_.chance(500) ? "list.lpop" : "list.rpop",
       R"({"key":")" + std::string(StructureLedger::kList) + R"(","count":)" +
           std::to_string(most) + "}",
       [this, most](const Result<replica::Reply>& reply) {
         std::vector<std::int64_t> values;
         if (reply) {
           for (const auto value : json::View(reply->json).find("values").elements()) {
             values.push_back(value.as_int().value_or(0));
           }
         }
         ledger_.popped(most, values, told_by(reply));
       });
}

void StructureClients::count() {
  ledger_.counting();
  call("hash.hincrby",
       R"({"key":")" + std::string(StructureLedger::kCounters) + R"(","field":"n","increment":1})",
       [this](const Result<replica::Reply>& reply) { ledger_.counted(told_by(reply)); });
}

// Of all kinds, on the same few keys: mostly the key is of another type.
void StructureClients::meet() {
  const std::string key = R"({"key":"k)" + std::to_string(world_.below(8)) + "\"";
  const auto name = "\"m" + std::to_string(world_.below(20)) + "\"";
  const auto number = std::to_string(world_.between(-50, 50));
  switch (world_.below(9)) {
    case 0:
      return call("hash.hset",
                  key + R"(,"fields":[{"field":)" + name + R"(,"value":)" + number + "}]}", {});
    case 1:
      return call("hash.hdel", key + R"(,"fields":[)" + name + "]}", {});
    case 2:
      return call("set.sadd", key + R"(,"members":[)" + name + ",\"m0\"]}", {});
    case 3:
      return call("set.srem", key + R"(,"members":[)" + name + "]}", {});
    case 4:
      return call("sortedset.zadd",
                  key + R"(,"members":[{"member":)" + name + R"(,"score":)" + number + "}]}", {});
    case 5:
      return call("sortedset.zpopmin", key + R"(,"count":2})", {});
    case 6:
      return call("list.rpush", key + R"(,"values":[)" + number + "," + number + "]}", {});
    case 7:
      return call("structure.expire",
                  key + R"(,"ttl":)" + std::to_string(1 + world_.below(4)) + "}", {});
    default:
      return call("structure.del", key + "}", {});
  }
}

}  // namespace weir::sim
