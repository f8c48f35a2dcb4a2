#include "api/core/commands.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

Error no_snapshots() {
  return {Code::not_found, "no_snapshots", "This coordinator stores no snapshots.", ""};
}

void write_snapshot(json::Writer& out, const replica::SnapshotInfo& info) {
  out.begin_object()
      .member("id", info.id)
      .member("revision", std::uint64_t{info.revision})
      .member("time", info.time)
      .member("created_at", info.created)
      .member("node", info.node)
      .member("bytes", info.bytes)
      .member("database_bytes", info.raw_bytes)
      .member("sha256", info.sha256)
      .member("log_digest", info.digest)
      .end_object();
}

void reply_snapshot(const Call& call, int status, const Result<replica::SnapshotInfo>& info) {
  if (!info) return call.fail(info.error());
  json::Writer out(512);
  write_snapshot(out, *info);
  call.reply(status, out.take());
}

// Those of the log that the request names: jobs, or data. Errors: bad_request / bad_parameter;
// not_found / no_snapshots.
Result<replica::Snapshots*> snapshots_of(Services& services, const Call& call) {
  const auto log = call.request().query_value("log").value_or("jobs");
  if (log != "jobs" && log != "data") return bad_parameter("log", "must be jobs or data");
  replica::Instance* instance = log == "jobs" ? &services.instance : services.data;
  auto* snapshots = instance == nullptr ? nullptr : instance->snapshots();
  if (snapshots == nullptr) return no_snapshots();
  return snapshots;
}

void list(Services& services, const Call& call) {
  const auto snapshots = snapshots_of(services, call);
  if (!snapshots) return call.fail(snapshots.error());
  const auto known = (*snapshots)->list();
  if (!known) return call.fail(known.error());
  json::Writer out(1'024);
  out.begin_object().key("items").begin_array();
  for (const auto& info : *known) write_snapshot(out, info);
  out.end_array().key("next_cursor").null().end_object();
  call.reply(200, out.take());
}

Command snapshot_command(std::string_view name, std::string_view method, std::string_view path) {
  return {.name = name,
          .method = method,
          .path = path,
          .tag = "Snapshots",
          .scope = auth::Scope::admin,
          .query = {{"log", "of which log: jobs or data (the data structures); jobs",
                     R"({"type":"string","enum":["jobs","data"],"default":"jobs"})"}},
          .errors = {{Code::not_found, "no_snapshots"}, {Code::unavailable, "nats_unavailable"}}};
}

}  // namespace

void add_snapshot_commands(CommandTable& table, Services& services) {
  Command all = snapshot_command("snapshots.list", "GET", "/v1/snapshots");
  all.summary = "List the stored snapshots of the state, newest first";
  all.answers = {{200, "All snapshots.", R"({"$ref":"#/components/schemas/SnapshotPage"})"}};
  all.handler = [&services](const Call& call) { list(services, call); };
  table.push_back(std::move(all));

  Command take = snapshot_command("snapshots.save", "POST", "/v1/snapshots");
  take.summary = "Take a snapshot now, read it back, and truncate the log below the one before";
  take.description = "Answers when it is stored: seconds for a large state.";
  take.answers = {{201, "The snapshot.", R"({"$ref":"#/components/schemas/Snapshot"})"}};
  take.errors.push_back({Code::conflict, "snapshot_running"});
  take.errors.push_back({Code::out_of_space, "disk_full"});
  take.handler = [&services](const Call& call) {
    const auto snapshots = snapshots_of(services, call);
    if (!snapshots) return call.fail(snapshots.error());
    reply_snapshot(call, 201, (*snapshots)->take());
  };
  table.push_back(std::move(take));

  Command verify = snapshot_command("snapshots.verify", "POST", "/v1/snapshots/{id}/verify");
  verify.summary = "Read a snapshot as a restore would, and compare it with its description";
  verify.answers = {{200, "It is good.", R"({"$ref":"#/components/schemas/Snapshot"})"}};
  verify.errors.push_back({Code::not_found, "snapshot_not_found"});
  verify.errors.push_back({Code::internal, "snapshot_damaged"});
  verify.handler = [&services](const Call& call) {
    const auto snapshots = snapshots_of(services, call);
    if (!snapshots) return call.fail(snapshots.error());
    reply_snapshot(call, 200, (*snapshots)->verify(std::string(call.param("id"))));
  };
  table.push_back(std::move(verify));
}

}  // namespace weir::api
