#include "tests/support/registers_machine.hpp"

#include <array>

namespace weir::test {
namespace {

constexpr std::array kMigrations{sqlite::Migration{1, R"sql(
  CREATE TABLE toy_values(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE toy_alarm(id INTEGER PRIMARY KEY, at_ms INTEGER);
  INSERT INTO toy_alarm VALUES(1,NULL);
)sql"}};

sqlite::Failure injected() {
  return {Error{Code::out_of_space, "disk_full", "The disk is full", "injected"}};
}

bool take_one(std::atomic<int>& count) {
  if (count.load() <= 0) return false;
  --count;
  return true;
}

}  // namespace

std::span<const sqlite::Migration> RegistersMachine::migrations() const {
  return kMigrations;
}

void RegistersMachine::open(sqlite::Database& db) {
  values_.clear();
  dirty_.clear();
  alarm_.reset();
  alarm_dirty_ = false;
  auto rows = db.prepare("SELECT key,value FROM toy_values");
  while (rows.step()) values_[std::string(rows.text(0))] = rows.int64(1);
  auto alarm = db.prepare("SELECT at_ms FROM toy_alarm");
  alarm.step();
  if (const auto at = alarm.optional_int64(0)) alarm_ = from_unix_ms(*at);
  ++opened_;
}

Result<std::string> RegistersMachine::apply(const replica::Operation& operation, json::View body,
                                            replica::ApplyContext& context) {
  if (operation.name == "toy.add") return add(body, context);
  if (operation.name == "toy.refuse") {
    return Error{Code::conflict, "refused", "The machine refuses", ""};
  }
  if (operation.name == "toy.alarm") {
    alarm_ = from_unix_ms(body.find("at_ms").as_int().value_or(0));
    alarm_dirty_ = true;
    return std::string("{}");
  }
  if (operation.name == "toy.tick") {
    ++ticks_;
    if (alarm_ && *alarm_ <= context.now) {
      alarm_.reset();
      alarm_dirty_ = true;
    }
    return std::string("{}");
  }
  if (operation.name == "toy.break") {
    if (take_one(fail_)) throw injected();
    return std::string("{}");
  }
  return Error{Code::internal, "unknown_operation", "No such operation", operation.name};
}

Result<std::string> RegistersMachine::add(json::View body, replica::ApplyContext& context) {
  const auto key = body.find("key").as_string().value_or("");
  auto& value = values_[key];
  value += body.find("by").as_int().value_or(0);
  dirty_[key] = value;
  const std::string json = std::to_string(value);
  if (body.find("effect").as_bool() == true) {
    context.add_effect({.subject = "toy.effects", .headers_json = {}, .body = json});
  }
  if (body.find("watch").as_bool() == true && context.outbound.anyone_watches()) {
    context.outbound.touch("toy:" + key);
  }
  if (const auto to = body.find("deliver"); to.is_object()) {
    context.outbound.deliver(to.find("node").as_string().value_or(""),
                             to.find("waiter").as_string().value_or(""), json);
  }
  return context.wants_reply ? json : std::string();
}

void RegistersMachine::before_commit(sqlite::Database& db) {
  if (take_one(fail_commits_)) throw injected();
  for (const auto& [key, value] : dirty_) {
    db.prepare("INSERT INTO toy_values VALUES(?1,?2) ON CONFLICT(key) DO UPDATE SET value=?2")
        .bind_all(key, value)
        .run();
  }
  dirty_.clear();
  if (!alarm_dirty_) return;
  std::optional<std::int64_t> at;
  if (alarm_) at = to_unix_ms(*alarm_);
  db.prepare("UPDATE toy_alarm SET at_ms=?1").bind_all(at).run();
  alarm_dirty_ = false;
}

std::int64_t RegistersMachine::value(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? 0 : found->second;
}

replica::Operation add_operation(const std::string& key, int by, const std::string& more) {
  return {"toy.add", R"({"key":")" + key + R"(","by":)" + std::to_string(by) + more + "}"};
}

}  // namespace weir::test
