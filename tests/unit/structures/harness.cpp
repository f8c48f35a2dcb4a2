#include "tests/unit/structures/harness.hpp"

#include "tests/support/table_dump.hpp"

namespace weir::structures {
namespace {

constexpr std::array kTables{"structures_keys",   "structures_hash", "structures_list",
                             "structures_set",    "structures_zset", "structures_removed",
                             "structures_totals", "structures_meta"};

}  // namespace

Harness::Harness() {
  db = sqlite::Database::open({.path = ":memory:"}).value();
  restart();
}

void Harness::restart() {
  machine = std::make_unique<Machine>();
  db->migrate("structures", machine->migrations()).value();
  db->read([&]() -> Result<void> {
      machine->open(*db);
      return {};
    }).value();
  machine->after_commit();
}

std::vector<Result<std::string>> Harness::apply_all(
    const std::vector<replica::Operation>& operations, bool then_fail) {
  std::vector<Result<std::string>> replies;
  const std::function<void(replica::Effect)> no_effects = [](replica::Effect) {};
  const auto done = db->transaction([&]() -> Result<void> {
    for (const auto& operation : operations) {
      EXPECT_TRUE(json::check(operation.body)) << operation.body;
      replica::ApplyContext context{*db, ++revision, clock.wall(), true, *this, no_effects};
      replies.push_back(machine->apply(operation, json::View(operation.body), context));
      if (replies.back()) {
        EXPECT_TRUE(json::check(*replies.back())) << *replies.back();
      }
    }
    machine->before_commit(*db);
    if (then_fail) return Error{Code::internal, "test", "rolled back", ""};
    return {};
  });
  EXPECT_EQ(done.has_value(), !then_fail);
  if (then_fail) {
    db->read([&]() -> Result<void> {
        machine->open(*db);
        return {};
      }).value();
  }
  machine->after_commit();
  return replies;
}

Result<std::string> Harness::apply(const replica::Operation& operation) {
  return std::move(apply_all({operation})[0]);
}

Result<std::string> Harness::call(std::string_view name, std::string_view payload) {
  const Command* command = find_command(name);
  if (command == nullptr) return Error{Code::bad_request, "invalid_command", std::string(name), ""};
  EXPECT_TRUE(json::check(payload)) << payload;
  WEIR_ASSIGN(std::string body, make_body(*command, json::View(payload)));
  if (command->write != nullptr) return apply(operation_of(*command, std::move(body)));
  Result<std::string> out = std::string();
  db->read([&]() -> Result<void> {
      out = read(*command, body, {*db, to_unix_ms(clock.wall())});
      return {};
    }).value();
  if (out) {
    EXPECT_TRUE(json::check(*out)) << *out;
  }
  return out;
}

std::string Harness::answer(std::string_view command, std::string_view payload) {
  auto out = call(command, payload);
  return out ? *out : "!" + out.error().reason;
}

void Harness::settle() {
  for (int i = 0; i < 1000; ++i) {
    const auto due = machine->next_due();
    if (!due || *due > clock.wall()) return;
    tick();
  }
  ADD_FAILURE() << "ticks never end";
}

std::int64_t Harness::number(std::string_view sql) {
  return test::number(*db, sql);
}

std::string Harness::dump() {
  std::string out;
  db->read([&]() -> Result<void> {
      for (const std::string table : kTables) out += table + "\n" + test::dump_table(*db, table);
      return {};
    }).value();
  return out;
}

void Harness::expect_counts_true() {
  struct Check {
    std::string table;
    std::string bytes;  // of an element
  };
  const std::string overhead = std::to_string(kElementOverheadBytes);
  const std::array<Check, 4> checks{
      {{"structures_hash", overhead + "+length(CAST(field AS BLOB))+length(CAST(value AS BLOB))"},
       {"structures_list", overhead + "+length(CAST(value AS BLOB))"},
       {"structures_set", overhead + "+length(CAST(member AS BLOB))"},
       {"structures_zset", "2*(" + overhead + "+length(CAST(member AS BLOB)))"}}};
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const std::string kind = std::to_string(i + 1);
    EXPECT_EQ(number("SELECT count(*) FROM structures_keys k WHERE kind=" + kind +
                     " AND (count<=0 OR count<>(SELECT count(*) FROM " + checks[i].table +
                     " e WHERE e.key=k.id) OR bytes<>(SELECT " + std::to_string(kKeyOverheadBytes) +
                     "+length(CAST(k.name AS BLOB))+sum(" + checks[i].bytes + ") FROM " +
                     checks[i].table + " e WHERE e.key=k.id))"),
              0)
        << kind;
    EXPECT_EQ(number("SELECT keys FROM structures_totals WHERE kind=" + kind),
              number("SELECT count(*) FROM structures_keys WHERE kind=" + kind));
    EXPECT_EQ(number("SELECT elements FROM structures_totals WHERE kind=" + kind),
              number("SELECT coalesce(sum(count),0) FROM structures_keys WHERE kind=" + kind));
    // No row belongs to nobody.
    EXPECT_EQ(
        number("SELECT count(*) FROM " + checks[i].table +
               " WHERE key NOT IN (SELECT id FROM structures_keys WHERE kind=" + kind +
               ") AND key NOT IN (SELECT key FROM structures_removed WHERE kind=" + kind + ")"),
        0);
  }
  EXPECT_EQ(number("SELECT bytes FROM structures_meta"),
            number("SELECT coalesce(sum(bytes),0) FROM structures_keys"));
}

}  // namespace weir::structures
