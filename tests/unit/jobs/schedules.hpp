// Driving schedules in tests as the leader does.
#pragma once

#include "jobs/limits.hpp"
#include "jobs/schedule.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {

// The clock of a Harness begins at 2023-11-14T22:13:20Z: the next minute is 40 s away.
inline constexpr std::string_view kEveryMinute = R"("cron":"* * * * *",)";
inline constexpr std::string_view kJob = R"("job":{"queue":"q","type":"t","payload":{"n":1}})";

inline std::string spec(std::string_view more, std::string_view when = kEveryMinute) {
  return "{" + std::string(when) + std::string(more) + (more.empty() ? "" : ",") +
         std::string(kJob) + "}";
}

inline std::string set_schedule(Harness& h, std::string_view name, const std::string& body) {
  return h.must(h.requests.schedule_set(name, json::View(body), h.clock.wall()));
}

inline std::vector<replica::Operation> proposed(Harness& h) {
  std::vector<replica::Operation> out;
  h.db->read([&]() -> Result<void> {
        auto proposals = h.machine->proposals(*h.db, h.clock.wall());
        EXPECT_EQ(proposals.problem, "");
        out = std::move(proposals.operations);
        return {};
      })
      .value();
  return out;
}

// Proposes what is due until nothing is.
inline void fire_due(Harness& h) {
  while (h.machine->next_proposal() && *h.machine->next_proposal() <= h.clock.wall()) {
    for (const auto& operation : proposed(h)) h.must(operation);
  }
}

inline std::string schedule(Harness& h, std::string_view name, std::size_t upcoming = 0) {
  return h.read(
      [&](sqlite::Database& db) { return get_schedule(db, name, upcoming, h.clock.wall()); });
}

// A member of the schedule as JSON.
inline std::string show(Harness& h, std::string_view name, std::string_view field) {
  const auto all = schedule(h, name);
  return std::string(json::View(all).find(field).raw());
}

// The ids of all jobs, in the order of their submit.
inline std::vector<std::string> job_ids(Harness& h) {
  std::vector<std::string> out;
  h.db->read([&]() -> Result<void> {
        auto rows = h.db->prepare("SELECT id FROM jobs ORDER BY row");
        while (rows.step()) out.emplace_back(rows.text(0));
        return {};
      })
      .value();
  return out;
}

}  // namespace weir::jobs
