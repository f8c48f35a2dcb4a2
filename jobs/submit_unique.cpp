// Submitter: jobs with a unique key.
#include <set>

#include "jobs/edit.hpp"
#include "jobs/submit.hpp"

namespace weir::jobs {
namespace {

Error unique_conflict(std::string_view key, std::string_view holder, std::string_view more) {
  return Error{
      Code::conflict, "unique_conflict", "Another job holds the unique key",
      "key: " + std::string(key) + "; held by: " + std::string(holder) + std::string(more)};
}

Error unique_conflict(const Unique& unique, const Job& held) {
  const auto status = std::string(to_string(held.status));
  return unique_conflict(unique.key, held.id, ", whose status is " + status);
}

bool replaces(OnConflict action) {
  return action == OnConflict::replace || action == OnConflict::debounce;
}

}  // namespace

bool Submitter::is_known(std::string_view id) {
  auto rows = step_.db.prepare("SELECT 1 FROM jobs WHERE id=?1");
  rows.bind(1, id);
  return rows.step();
}

// Nobody, when the job itself is there already: its id goes before its key.
std::optional<std::int64_t> Submitter::find_holder(const NewJob& job, const Queue& queue) {
  const auto key = job.unique.find("key").as_string().value_or("");
  const auto holder = unique_holder(step_, queue.id, key);
  if (!holder || is_known(job.id)) return std::nullopt;
  return holder;
}

Result<Submitter::Outcome> Submitter::resolve_unique(const NewJob& job, std::int64_t holder) {
  const Unique unique = parse_unique(job.unique);
  Job held = *load_job(step_.db, holder);
  const bool replaced = replaces(unique.on_conflict);
  if (unique.on_conflict == OnConflict::reject || (replaced && !is_waiting(held.status))) {
    return unique_conflict(unique, held);
  }
  if (replaced) replace(held, job, unique.on_conflict);
  step_.count(Total::duplicates);
  return Outcome{.status = held.status,
                 .created_at = held.created_at,
                 .queue = step_.state.queues.get(held.queue).name,
                 .duplicate = true,
                 .id = held.id,
                 .replaced = replaced,
                 .row = held.row};
}

// What the new submit does not say about time stays; everything else becomes as it says.
void Submitter::replace(Job& held, const NewJob& job, OnConflict how) {
  auto run_at = job.run_at;
  if (job.delay_ms) run_at = step_.now + *job.delay_ms;
  if (how == OnConflict::debounce && run_at && held.run_at) {
    run_at = std::max(*run_at, *held.run_at);
  }
  held.max_attempts = job.max_attempts;
  held.lease_ms = job.lease_ms;
  edit_job(step_, held,
           {.payload = job.payload,
            .type = job.type,
            .target = job.target,
            .options = job.options,
            .priority =
                job.priority.value_or(step_.state.queues.get(held.queue).config.default_priority),
            .run_at = run_at});
}

// An atomic batch must not fail in its middle: it is refused before it begins.
Result<void> Submitter::check_uniques(json::View jobs) {
  std::set<std::pair<std::string, std::string>> taken;  // by jobs of this batch
  for (const auto text : jobs.elements()) {
    const auto given = text.find("unique");
    if (given.is_missing() || is_known(text.find("id").as_string().value_or(""))) continue;
    const Unique unique = parse_unique(given);
    const auto name = text.find("queue").as_string().value_or("");
    const Queue* queue = step_.state.queues.find(name);
    const auto holder =
        queue == nullptr ? std::nullopt : unique_holder(step_, queue->id, unique.key);
    if (holder) {
      const Job held = *load_job(step_.db, *holder);
      const bool fits = !replaces(unique.on_conflict) || is_waiting(held.status);
      if (unique.on_conflict == OnConflict::reject || !fits) return unique_conflict(unique, held);
    } else if (!taken.emplace(name, unique.key).second &&
               unique.on_conflict == OnConflict::reject) {
      return unique_conflict(unique.key, "an earlier job of this batch", "");
    }
  }
  return {};
}

}  // namespace weir::jobs
