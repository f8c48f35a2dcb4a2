#include "jobs/worker_row.hpp"

#include <algorithm>

#include "jobs/limits.hpp"

namespace weir::jobs {

bool WorkerRow::is_live(std::int64_t now) const {
  return running > 0 || now - last_seen <= kWorkerLive.count();
}

bool WorkerRow::asks(std::string_view queue) const {
  return std::find(queues.begin(), queues.end(), queue) != queues.end();
}

WorkerRow read_worker(const sqlite::Statement& rows) {
  return {.name = std::string(rows.text(0)),
          .last_seen = rows.int64(1),
          .running = rows.int64(2),
          .labels = std::string(rows.text(3)),
          .queues = parse_queue_list(rows.text(4)),
          .drained_at = rows.int64(5)};
}

std::vector<std::string> parse_queue_list(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    out.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

std::string format_queue_list(const std::vector<std::string>& queues) {
  std::string out;
  for (const auto& queue : queues) out.append(out.empty() ? "" : ",").append(queue);
  return out;
}

}  // namespace weir::jobs
