#include <algorithm>

#include "api/structures/structures.hpp"

namespace weir::api {
namespace {

// The members of a payload: those that the command asks for.
std::vector<rpc::Field> fields_of(const structures::Command& command) {
  structures::Payload payload(json::View("{}"));
  json::Writer body;
  body.begin_object();
  command.parse(payload, body);
  std::vector<rpc::Field> out;
  for (const auto name : payload.asked_for()) {
    if (std::any_of(out.begin(), out.end(),
                    [&](const auto& field) { return field.name == name; })) {
      continue;
    }
    out.push_back({name, ""});
  }
  return out;
}

}  // namespace

void run_structure(Services& services, const structures::Command& command, json::View payload,
                   std::function<void(Result<std::string>)> done) {
  if (services.data == nullptr) {
    return done(Error{Code::unavailable, "structures_off",
                      "Data structures are turned off on this coordinator.",
                      "The setting is named structures."});
  }
  auto body = structures::make_body(command, payload);
  if (!body) return done(std::move(body).error());
  if (command.write != nullptr) {
    return services.data->propose(structures::operation_of(command, std::move(*body)),
                                  [done = std::move(done)](Result<replica::Reply> reply) {
                                    if (!reply) return done(std::move(reply).error());
                                    done(std::move(reply->json));
                                  });
  }
  services.reads.fetch_add(1, std::memory_order_relaxed);
  // Time as this node knows it: what has expired is not shown, although its tick is still to come.
  const auto now = std::max(services.clock.wall(), services.data->health().applied_time);
  std::string json;
  const auto revision = services.data->read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(json, structures::read(command, *body, {db, to_unix_ms(now)}));
    return {};
  });
  if (!revision) return done(revision.error());
  done(std::move(json));
}

void add_structure_rpc(rpc::CommandTable& table, Services& services) {
  for (const auto commands : structures::all_commands()) {
    for (const structures::Command& command : commands) {
      rpc::Command entry{.name = command.name};
      entry.scope = command.write != nullptr ? auth::Scope::kv_write : auth::Scope::kv_read;
      entry.summary = command.summary;
      entry.payload = fields_of(command);
      entry.answer = command.answer;
      entry.pipelined = command.write != nullptr;
      entry.handler = [&services, &command](const rpc::Call& call, rpc::Reply reply) {
        run_structure(services, command, call.payload(), std::move(reply));
      };
      table.push_back(entry);
      if (command.alias.empty()) continue;
      entry.name = command.alias;
      table.push_back(entry);
    }
  }
}

}  // namespace weir::api
