#include "api/core/commands.hpp"
#include "api/jobs/parked_leases.hpp"
#include "jobs/kept.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using http::Lane;

constexpr std::size_t kResultBytes = 2U << 20U;
constexpr std::size_t kWorkBytes = 32U << 20U;

// `names` is a comma list, as in the path of a lease request.
Result<void> check_queue_list(const Call& call, std::string_view names) {
  if (call.principal().queues.empty()) return {};
  while (!names.empty()) {
    const auto end = std::min(names.find(','), names.size());
    WEIR_TRY(call.check_queue(names.substr(0, end)));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return {};
}

Result<void> check_work_queues(const Call& call) {
  if (call.principal().queues.empty()) return {};
  for (const json::View queue : call.body().find("lease").find("queues").elements()) {
    WEIR_TRY(call.check_queue(queue.as_string().value_or("")));
  }
  return {};
}

void lease(Services& services, ParkedLeases& leases, const Call& call) {
  const auto queues = call.param("queue");
  if (const auto allowed = check_queue_list(call, queues); !allowed) {
    return call.fail(allowed.error());
  }
  const auto waiter = leases.new_waiter();
  auto request = services.requests.lease(queues, call.body(), waiter);
  if (!request) return call.fail(request.error());
  leases.run(call, std::move(*request), waiter);
}

void work(Services& services, ParkedLeases& leases, const Call& call) {
  if (const auto allowed = check_work_queues(call); !allowed) return call.fail(allowed.error());
  const auto waiter = leases.new_waiter();
  auto request = services.requests.work(call.body(), waiter);
  if (!request) return call.fail(request.error());
  // Without NATS nothing can be leased, but the reports of this round can be kept.
  leases.run(call, std::move(*request), waiter, [&services, call, waiter] {
    const auto again = services.requests.work(call.body(), waiter);
    auto reports = again ? jobs::reports_of(again->operation) : std::nullopt;
    if (!reports) return false;
    answer_write_or_keep(services, call, std::move(*reports));
    return true;
  });
}

Command work_command(std::string_view name, std::string_view path) {
  return {.name = name,
          .method = "POST",
          .path = path,
          .tag = "Work",
          .scope = Scope::jobs_work,
          .lane = Lane::inline_,
          .body = Body::required_json,
          .max_body_bytes = kResultBytes,
          .errors = {{Code::invalid, "invalid_request"},
                     {Code::unavailable, "nats_unavailable"},
                     {Code::too_many_requests, "proposer_full"},
                     {Code::deadline_exceeded, "outcome_unknown"}}};
}

void add_taking(CommandTable& table, Services& services, ParkedLeases& leases) {
  Command take = work_command("jobs.lease", "/v1/queues/{queue}/lease");
  take.summary = "Lease jobs to run";
  take.description =
      "`queue` is a name or a comma list in order of preference. With `wait_ms` the "
      "answer comes when a job is there, or empty when the time is over.";
  take.request_schema = R"({"$ref":"#/components/schemas/LeaseRequest"})";
  take.answers = {{200, "Leased jobs, perhaps none.", R"({"$ref":"#/components/schemas/Leased"})"}};
  take.errors.push_back({Code::forbidden, "queue_not_allowed"});
  take.errors.push_back({Code::too_many_requests, "too_many_waiters"});
  take.handler = [&services, &leases](const Call& call) { lease(services, leases, call); };
  table.push_back(std::move(take));

  Command round = work_command("jobs.work", "/v1/work");
  round.max_body_bytes = kWorkBytes;
  round.summary = "Report on jobs and lease the next, in one round trip";
  round.description =
      "One result per item, in order: `{\"ok\":true}` or an error. A stale lease "
      "is an item with reason `lease_lost`; the others are not touched by it.";
  round.request_schema = R"({"$ref":"#/components/schemas/WorkRequest"})";
  round.answers = {{200, "Results, then jobs.", R"({"$ref":"#/components/schemas/WorkAnswer"})"}};
  round.errors.push_back({Code::forbidden, "queue_not_allowed"});
  round.errors.push_back({Code::too_large, "payload_too_large"});
  round.errors.push_back({Code::too_many_requests, "too_many_waiters"});
  round.handler = [&services, &leases](const Call& call) { work(services, leases, call); };
  table.push_back(std::move(round));
}

using Make = Result<replica::Operation> (jobs::Requests::*)(std::string_view, json::View) const;

// The lease token is the right to report on the job: it is not checked against queue patterns.
Command report_command(Services& services, std::string_view name, std::string_view path,
                       Make make) {
  Command command = work_command(name, path);
  command.body = Body::optional_json;
  command.answers = {{200, "Taken.", R"({"$ref":"#/components/schemas/ReportAnswer"})"}};
  command.errors.push_back({Code::conflict, "lease_lost"});
  command.errors.push_back({Code::too_large, "payload_too_large"});
  command.answers.push_back(
      {202, "NATS is away: kept on disk, applied when it is back, if the lease is valid then.",
       R"({"$ref":"#/components/schemas/ReportAnswer"})"});
  command.errors.push_back({Code::out_of_space, "outbox_full"});
  command.handler = [&services, make](const Call& call) {
    answer_write_or_keep(services, call,
                         (services.requests.*make)(call.param("lease"), call.body()));
  };
  return command;
}

void add_reports(CommandTable& table, Services& services) {
  using jobs::Requests;
  Command complete =
      report_command(services, "jobs.complete", "/v1/leases/{lease}/complete", &Requests::complete);
  complete.summary = "The job succeeded";
  complete.request_schema = R"({"type":"object","properties":{"result":{"description":"any JSON"},)"
                            R"("log":{"$ref":"#/components/schemas/LogLines"}},)"
                            R"("additionalProperties":false})";
  Command fail = report_command(services, "jobs.fail", "/v1/leases/{lease}/fail", &Requests::fail);
  fail.body = Body::required_json;
  fail.summary = "The attempt failed";
  fail.description = "Retried with backoff while attempts are left, unless `retry` is false.";
  fail.request_schema = R"({"$ref":"#/components/schemas/FailRequest"})";
  Command release =
      report_command(services, "jobs.release", "/v1/leases/{lease}/release", &Requests::release);
  release.summary = "Give the job back; the attempt is not counted";
  release.description = "With `delay_ms` the job is snoozed: it waits that long.";
  release.request_schema = R"({"type":"object","additionalProperties":false,"properties":{)"
                           R"("log":{"$ref":"#/components/schemas/LogLines"},)"
                           R"("delay_ms":{"$ref":"#/components/schemas/Duration"}}})";
  Command heartbeat = report_command(services, "jobs.heartbeat", "/v1/leases/{lease}/heartbeat",
                                     &Requests::heartbeat);
  heartbeat.summary = "Extend the lease and report progress";
  heartbeat.description = "`cancel` in the answer: the job was cancelled, stop and report.";
  heartbeat.request_schema = R"({"$ref":"#/components/schemas/HeartbeatRequest"})";
  for (auto* command : {&complete, &fail, &release, &heartbeat}) {
    table.push_back(std::move(*command));
  }
}

}  // namespace

void add_lease_commands(CommandTable& table, Services& services, ParkedLeases& leases) {
  add_taking(table, services, leases);
  add_reports(table, services);
}

}  // namespace weir::api
