#include "cmd/weir/jobs/job_view.hpp"

#include <algorithm>

#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

constexpr Millis kPoll{30'000};
constexpr std::size_t kNameColumn = 21;

Timestamp now() {
  return SystemClock().wall();
}

std::string attempt_text(const Json& job) {
  const auto attempt = field(job, "attempt");
  const auto max = field(job, "max_attempts");
  return max == "-" ? attempt : attempt + "/" + max;
}

std::string attempts_table(const Json& attempts, bool colours) {
  Table table({"ATTEMPT", "OUTCOME", "WORKER", "STARTED", "TOOK", "ERROR"});
  for (const auto& attempt : attempts) {
    const bool ended = attempt.contains("duration_ms") && attempt["duration_ms"].is_number();
    const auto outcome = field(attempt, "outcome");
    table.add({field(attempt, "attempt"), outcome, field(attempt, "worker"),
               relative_time(field(attempt, "started_at"), now()),
               ended ? format_duration(Millis{number(attempt, "duration_ms")}) : "-",
               shorten(error_text(attempt), 60)},
              status_colour(outcome));
  }
  return table.render(colours, 1);
}

}  // namespace

std::string error_text(const Json& job) {
  const auto found = job.find("error");
  if (found == job.end() || found->is_null()) return "-";
  if (found->is_object() && found->contains("message")) return field(*found, "message");
  return field(job, "error");
}

std::string job_path(const std::string& id, std::string_view rest) {
  return "/v1/jobs/" + encode(id) + std::string(rest);
}

bool is_finished(const std::string& status) {
  return status == "completed" || status == "failed" || status == "cancelled" || status == "dlq" ||
         status == "succeeded" || status == "partial_failure";
}

Result<Json> wait_for_job(Context& context, const std::string& id, Millis limit) {
  return wait_for_end(context, {.what = "job " + id, .path = job_path(id)}, limit);
}

Result<Json> wait_for_end(Context& context, const Waited& waited, Millis limit) {
  const auto start = std::chrono::steady_clock::now();
  while (true) {
    Millis wait = kPoll;
    if (limit.count() > 0) {
      const auto spent =
          std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - start);
      wait = std::clamp(limit - spent, Millis{0}, kPoll);
    }
    const auto query = "?wait=" + std::to_string(wait.count()) + "ms";
    WEIR_ASSIGN(auto seen, context.ask({.path = waited.path + query, .wait = wait}));
    if (is_finished(field(seen, "status"))) return seen;
    if (limit.count() > 0 && std::chrono::steady_clock::now() - start >= limit) {
      return Error{Code::deadline_exceeded, "wait_over",
                   waited.what + " is still " + field(seen, "status"), "--timeout waits longer"};
    }
  }
}

std::string job_details(const Json& job, bool colours) {
  std::string out;
  const auto line = [&](const std::string& name, const std::string& value) {
    out.append(name)
        .append(name.size() < kNameColumn ? kNameColumn - name.size() : 1, ' ')
        .append(value) += '\n';
  };
  for (const auto& [name, value] : job.items()) {
    if (value.is_null() || name == "attempts") continue;
    const auto text = printable(field(job, name));
    if (name == "status") {
      line(name, paint(text, status_colour(text), colours));
    } else if (name.ends_with("_at")) {
      line(name, text + "  (" + relative_time(text, now()) + ")");
    } else {
      line(name, text);
    }
  }
  const auto attempts = job.find("attempts");
  if (attempts != job.end() && attempts->is_array() && !attempts->empty()) {
    out += "\n" + attempts_table(*attempts, colours);
  }
  return out;
}

std::string job_table(const Json& page, bool colours, const std::string& none) {
  Table table({"ID", "QUEUE", "TYPE", "STATUS", "ATTEMPT", "CREATED", "ERROR"}, none);
  for (const auto& job : page.value("items", Json::array())) {
    const auto status = field(job, "status");
    table.add({field(job, "id"), field(job, "queue"), field(job, "type"), status, attempt_text(job),
               relative_time(field(job, "created_at"), now()), shorten(error_text(job), 60)},
              status_colour(status));
  }
  return table.render(colours, 3);
}

}  // namespace weir::cli
