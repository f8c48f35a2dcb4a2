#include "api/core/commands.hpp"
#include "pkg/auth/audit_machine.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::api {
namespace {

Result<void> read_time(const http::Request& request, std::string_view name,
                       std::optional<Timestamp>& into) {
  const auto text = request.query_value(name);
  if (!text) return {};
  const auto time = parse_rfc3339(*text);
  if (!time) return bad_parameter(name, "an RFC 3339 time like 2026-11-21T10:30:00Z");
  into = *time;
  return {};
}

Result<auth::AuditFilter> filter_of(const http::Request& request) {
  auth::AuditFilter filter;
  const auto text = [&](std::string_view name) {
    return std::string(request.query_value(name).value_or(""));
  };
  filter.key = text("key");
  filter.action = text("action");
  filter.target = text("target");
  filter.cursor = text("cursor");
  WEIR_TRY(read_time(request, "after", filter.after));
  WEIR_TRY(read_time(request, "before", filter.before));
  WEIR_ASSIGN(filter.limit, query_int(request, "limit", 50, 1, 1000));
  return filter;
}

void list(Services& services, const Call& call) {
  const auto filter = filter_of(call.request());
  if (!filter) return call.fail(filter.error());
  answer_read(services, call, [&](sqlite::Database& db) { return auth::list_audit(db, *filter); });
}

// Reading changes nothing, and submitting is what a queue is for; what workers do has its own
// scope.
bool is_audited(const Command& command) {
  if (command.method == "GET" || command.name.starts_with("jobs.submit")) return false;
  if (command.name == "batches.create") return false;
  return command.scope == auth::Scope::jobs_write || command.scope == auth::Scope::queues_admin ||
         command.scope == auth::Scope::admin;
}

}  // namespace

void mark_audited(CommandTable& table) {
  for (auto& command : table) command.audited = is_audited(command);
}

void add_audit_commands(CommandTable& table, Services& services) {
  constexpr std::string_view kTime = R"({"type":"string","format":"date-time"})";
  table.push_back(
      {.name = "audit.list",
       .method = "GET",
       .path = "/v1/audit",
       .tag = "Audit",
       .scope = auth::Scope::admin,
       .reads_state = true,
       .summary = "Who changed what, newest first",
       .description =
           "A record for each change of keys, queues, dead letters and jobs that somebody asked "
           "for, committed with the change. Submitting, and what workers do with their jobs, are "
           "no such changes.",
       .query = {{"key", "id of the key"},
                 {"action", "such as queues.pause, or queues for all of them"},
                 {"target", "the queue, job or key"},
                 {"after", "inclusive", kTime},
                 {"before", "exclusive", kTime},
                 {"limit", "records on a page",
                  R"({"type":"integer","minimum":1,"maximum":1000,"default":50})"},
                 {"cursor", "next_cursor of the page before"}},
       .answers = {{200, "A page.", R"({"$ref":"#/components/schemas/AuditPage"})"}},
       .errors = {{Code::bad_request, "bad_parameter"}, {Code::invalid, "invalid_request"}},
       .handler = [&services](const Call& call) { list(services, call); }});
}

}  // namespace weir::api
