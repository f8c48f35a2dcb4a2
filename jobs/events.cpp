#include "jobs/events.hpp"

#include "jobs/job_row.hpp"
#include "jobs/webhooks.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::size_t kLongestError = 4'096;
constexpr std::string_view kErrorTooLong =
    R"({"message":"the error is too long for an event: read the job"})";

struct Told {
  const NotedChange& noted;
  const Job& job;
  std::string id;    // "<revision>-<ordinal>"
  std::string type;  // "weir.job.completed"
};

void write_data(Step& step, const Told& told, json::Writer& out) {
  const auto& change = told.noted.change;
  const Job& job = told.job;
  out.key("data").begin_object().member("queue", change.queue.name);
  if (!job.type.empty()) out.member("type", job.type);
  if (!job.key.empty()) out.member("key", job.key);
  if (change.to) out.member("status", to_string(*change.to));
  if (change.from) out.member("previous_status", to_string(*change.from));
  out.member("cause", to_string(change.cause))
      .member("attempt", job.attempt)
      .member("max_attempts", job.max_attempts.value_or(change.queue.config.max_attempts))
      .member("priority", job.priority);
  if (!job.worker.empty() && change.from != std::nullopt) out.member("worker", job.worker);
  if (change.to == Status::scheduled && job.run_at) {
    out.member("run_at", from_unix_ms(*job.run_at));
  }
  const bool failed = change.cause == Cause::fail || change.to == Status::dlq ||
                      change.to == Status::failed || change.to == Status::cancelled;
  if (failed) {
    const auto error = error_of(step.db, job);
    if (!error.empty()) {
      out.raw_member("error",
                     error.size() <= kLongestError ? std::string_view(error) : kErrorTooLong);
    }
  }
  out.member("revision", step.revision).end_object();
}

std::string write_event(Step& step, const Told& told) {
  json::Writer out(512);
  out.begin_object()
      .member("specversion", "1.0")
      .member("id", told.id)
      .member("source", "/v1/queues/" + told.noted.change.queue.name)
      .member("type", told.type)
      .member("subject", told.job.id)
      .member("time", from_unix_ms(step.now))
      .member("datacontenttype", "application/json");
  write_data(step, told, out);
  out.end_object();
  return out.take();
}

void keep(Step& step, const EventRow& event, const std::string& queue) {
  step.state.events.keep(step.db, event);
  step.context.add_effect({.subject = "weir.events." + queue + "." + std::string(event.type),
                           .headers_json = {},
                           .body = std::string(event.text)});
}

// The end of a batch. It does not stand among the events of jobs: their ids have no slash.
void record_batch(Step& step, const NotedChange& noted) {
  const JobBatch& batch = *noted.batch;
  const Queue& queue = noted.change.queue;
  const auto state = std::string(to_string(batch.state));
  json::Writer out(512);
  out.begin_object()
      .member("specversion", "1.0")
      .member("id", std::to_string(step.revision) + "-" + std::to_string(noted.ordinal))
      .member("source", "/v1/batches")
      .member("type", "weir.batch." + state)
      .member("subject", batch.id)
      .member("time", from_unix_ms(step.now))
      .member("datacontenttype", "application/json")
      .key("data")
      .begin_object()
      .member("queue", queue.name)
      .member("status", state)
      .member("total", batch.total())
      .key("counts")
      .begin_object();
  for (const auto status : kStatuses) out.member(to_string(status), batch.count(status));
  out.member("removed", batch.removed).end_object();
  auto text = out.member("revision", step.revision).end_object().end_object().take();
  const auto word = "batch_" + state;
  const auto subject = "batches/" + batch.id;
  if (queue.config.events) {
    keep(step,
         {.revision = step.revision,
          .ordinal = noted.ordinal,
          .queue = queue.id,
          .at = step.now,
          .type = word,
          .job = subject,
          .text = text},
         queue.name);
  }
  owe_webhooks(step, {.queue = queue,
                      .word = word,
                      .subject = subject,
                      .options = {},
                      .ordinal = noted.ordinal,
                      .text = text});
  if (step.listened) step.context.outbound.publish(std::move(text));
}

void record(Step& step, const NotedChange& noted) {
  if (noted.batch) return record_batch(step, noted);
  const auto word = event_word(noted.change);
  const auto job = noted.removed ? noted.removed : load_job(step.db, noted.change.row);
  if (!job) return;  // gone within the same operation: its removal is told
  const Told told{noted, *job, std::to_string(step.revision) + "-" + std::to_string(noted.ordinal),
                  "weir.job." + std::string(word)};
  auto text = write_event(step, told);
  if (noted.change.queue.config.events) {
    keep(step,
         {.revision = step.revision,
          .ordinal = noted.ordinal,
          .queue = noted.change.queue.id,
          .at = step.now,
          .type = word,
          .job = job->id,
          .text = text},
         noted.change.queue.name);
  }
  const bool hooked = (noted.change.parts & kHookedBit) != 0;
  owe_webhooks(step, {.queue = noted.change.queue,
                      .word = word,
                      .subject = job->id,
                      .options = hooked ? std::string_view(job->options) : std::string_view(),
                      .ordinal = noted.ordinal,
                      .text = text});
  if (step.listened) step.context.outbound.publish(std::move(text));
}

}  // namespace

std::string_view event_word(const Change& change) {
  if (!change.to) return change.cause == Cause::retention ? "" : "removed";
  if (!change.from) return "submitted";
  switch (*change.to) {
    case Status::processing:
      return "started";
    case Status::completed:
      return "completed";
    case Status::failed:
      return "failed";
    case Status::cancelled:
      return "cancelled";
    case Status::dlq:
      return "dead_lettered";
    case Status::scheduled:
    case Status::blocked:
    case Status::unprocessed:
      break;
  }
  if (is_finished(*change.from)) return "requeued";
  if (change.from == Status::processing)
    return change.cause == Cause::fail ? "retried" : "released";
  return change.to == Status::unprocessed ? "ready" : to_string(*change.to);
}

void record_events(Step& step) {
  while (!step.noted.empty()) {
    record(step, step.noted.front());
    step.noted.pop_front();
  }
}

}  // namespace weir::jobs
