// Figures of a queue as a queue of messages.
#include "jobs/queries.hpp"
#include "jobs/query_parts.hpp"
#include "jobs/worker_row.hpp"

namespace weir::jobs {
namespace {

std::int64_t count_consumers(sqlite::Database& db, std::string_view queue, std::int64_t now) {
  auto rows = db.prepare("SELECT name,last_seen,running,labels,queues,drained_at FROM job_workers");
  std::int64_t count = 0;
  while (rows.step()) {
    const auto worker = read_worker(rows);
    if (worker.asks(queue) && worker.is_live(now)) ++count;
  }
  return count;
}

}  // namespace

Result<std::string> message_stats(sqlite::Database& db, std::string_view queue, Timestamp now) {
  WEIR_ASSIGN(const auto text, get_queue(db, queue, now));
  const json::View shown(text);
  const auto row = find_queue(db, queue);
  const auto counts = read_counts(db, row->id);
  const auto totals = read_totals(db, row->id);
  const auto of = [&](Status status) { return counts[index_of(status)]; };
  const auto total = [&](QueueTotal which) { return totals[static_cast<std::size_t>(which)]; };
  json::Writer out(384);
  out.begin_object().member("queue", row->name);
  out.member("depth", of(Status::scheduled) + of(Status::blocked) + of(Status::unprocessed));
  out.member("in_flight", of(Status::processing));
  out.member("consumers", count_consumers(db, queue, to_unix_ms(now)));
  for (const std::string_view suffix : {"_total", ""}) {
    const auto member = [&](std::string name, QueueTotal which) {
      out.member(name.append(suffix), total(which));
    };
    member("published", QueueTotal::submitted);
    member("consumed", QueueTotal::leased);
    member("acked", QueueTotal::completed);
    member("nacked", QueueTotal::failed_attempts);
    member("dead_lettered", QueueTotal::dead);
  }
  const auto age = shown.find("oldest_ready_age_ms").as_int().value_or(0);
  out.member("oldest_message_age_secs", age / 1'000).end_object();
  return out.take();
}

}  // namespace weir::jobs
