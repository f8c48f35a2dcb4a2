// `weir events`: what happens to jobs, as it happens.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/follow.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/jobs/job_view.hpp"

namespace weir::cli {
namespace {

std::string line_of(const Json& event) {
  const auto found = event.find("data");
  const Json data = found == event.end() ? Json::object() : *found;
  std::string type = field(event, "type");
  if (type.starts_with("weir.job.")) type = type.substr(9);
  if (type.starts_with("weir.batch.")) type = "batch_" + type.substr(11);
  if (type == "status") type = field(data, "status");  // the job as it was found
  std::string line = field(event, "time") + "  " + type;
  line.append(type.size() < 14 ? 14 - type.size() : 1, ' ');
  line += field(event, "subject") + "  " + field(data, "queue");
  const auto attempt = field(data, "attempt");
  if (attempt != "0" && attempt != "-") line += "  attempt " + attempt;
  if (data.contains("worker")) line += "  " + field(data, "worker");
  if (data.contains("error")) line += "  " + shorten(error_text(data), 80);
  for (char& c : line) {  // data must not drive the terminal
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return line + "\n";
}

// Of the job, so that no more events of it come.
bool ends_job(const Json& event) {
  const std::string type = field(event, "type");
  for (const std::string_view end :
       {"completed", "failed", "cancelled", "dead_lettered", "removed"}) {
    if (type == "weir.job." + std::string(end)) return true;
  }
  return type == "weir.job.status" && is_finished(field(event.value("data", Json()), "status"));
}

void show(const Context& context, const EventParser::Event& event, const Json& parsed) {
  if (context.json()) return print(event.data + "\n");
  if (event.type == "gap" || event.type == "overflow") {
    print_error({Code::conflict, event.type, field(parsed, "message"), ""});
  } else if (parsed.is_object()) {
    print(line_of(parsed));
  }
}

std::string path_of(const Parsed& parsed) {
  if (parsed.has("job")) return job_path(parsed.text("job"), "/events");
  return "/v1/events" + query_of(parsed, {"queue", "type"});
}

}  // namespace

int run_events(Args args) {
  const Usage usage{
      .command = "weir events",
      .summary =
          "Follows what happens to jobs: one line for each event, or with --json the event. "
          "Comes back by itself when the connection is lost. With --job it ends with the "
          "job.",
      .options = {{"queue", "NAME", "Of this queue only"},
                  {"type", "A,B", "Only these, such as completed,dead_lettered"},
                  {"job", "ID", "Of this job only"},
                  {"since", "REV", "First what was kept after this revision"}},
      .examples = {"weir events --queue emails", "weir events --type failed,dead_lettered --json",
                   "weir events --queue emails --since 812"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    if (parsed.has("job") && (parsed.has("queue") || parsed.has("type"))) {
      return bad_argument("--job goes without --queue and --type");
    }
    const bool one_job = parsed.has("job");
    return follow(
        context,
        {.path = path_of(parsed), .since = parsed.text("since"), .show = [&](const auto& event) {
           const auto json = Json::parse(event.data, nullptr, false);
           show(context, event, json);
           return !(one_job && ends_job(json));
         }});
  });
}

}  // namespace weir::cli
