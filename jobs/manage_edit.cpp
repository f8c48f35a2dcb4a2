// Manager::edit: an owner changes a job that waits.
#include "jobs/edit.hpp"
#include "jobs/manage.hpp"

namespace weir::jobs {
namespace {

// The options with the members of `body` that are options in the place of the old ones.
std::optional<std::string> edited_options(const Job& job, json::View body) {
  constexpr std::string_view kNames[] = {"tags", "metadata", "headers"};
  std::string fresh;
  for (const auto name : kNames) {
    const auto value = body.find(name);
    if (value.is_missing()) continue;
    fresh.append(fresh.empty() ? "\"" : ",\"").append(name).append("\":").append(value.raw());
  }
  if (fresh.empty()) return std::nullopt;
  for (const auto& member : json::View(job.options).members()) {
    if (!body.find(member.raw_key).is_missing()) continue;
    fresh.append(",\"").append(member.raw_key).append("\":").append(member.value.raw());
  }
  return "{" + fresh + "}";
}

}  // namespace

Result<std::string> Manager::edit(json::View body) {
  WEIR_ASSIGN(Job job, get_job(body));
  if (!is_waiting(job.status)) {
    return Error{Code::conflict, "job_not_waiting", "Only a job that waits can be changed",
                 "its status is " + std::string(to_string(job.status))};
  }
  if ((job.parts & kFanOut) != 0) {
    return Error{Code::conflict, "job_not_waiting", "A job of all workers cannot be changed",
                 "the jobs of its workers can"};
  }
  Edit edit;
  if (const auto payload = body.find("payload"); !payload.is_missing())
    edit.payload = payload.raw();
  edit.options = edited_options(job, body);
  edit.priority = body.find("priority").as_int();
  edit.max_attempts = body.find("max_attempts").as_int();
  edit.run_at = body.find("run_at").as_int();
  if (const auto delay = body.find("delay_ms").as_int()) edit.run_at = step_.now + *delay;
  edit_job(step_, job, edit);
  return job_reply(job, step_.state.queues.get(job.queue));
}

}  // namespace weir::jobs
