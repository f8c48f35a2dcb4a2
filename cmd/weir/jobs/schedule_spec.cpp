#include "cmd/weir/jobs/schedule_spec.hpp"

#include <array>

#include "cmd/weir/jobs/job_members.hpp"
#include "pkg/config/loader.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {
namespace {

// Options whose text is the member's.
constexpr std::array<std::array<const char*, 2>, 7> kTexts{{{"cron", "cron"},
                                                            {"every", "every"},
                                                            {"time-zone", "time_zone"},
                                                            {"overlap", "overlap"},
                                                            {"jitter", "jitter_ms"},
                                                            {"start-at", "start_at"},
                                                            {"end-at", "end_at"}}};

Result<void> job_member(const Parsed& parsed, json::Writer& out) {
  out.key("job").begin_object();
  out.member("queue", parsed.text("queue", "default"))
      .member("type", parsed.text("type", "default"));
  WEIR_TRY(number_members(parsed, out));
  payload_member(parsed, out);
  out.end_object();
  return {};
}

}  // namespace

std::vector<Option> spec_options() {
  return {
      {"cron", "TEXT", "When: 5 fields, 6 with seconds first, or @daily and the like"},
      {"every", "TIME", "When: every so often, such as 1h30m"},
      {"time-zone", "ZONE", "IANA time zone of --cron (default UTC)"},
      {"q,queue", "NAME", "Queue of the jobs (default: default)"},
      {"t,type", "NAME", "Type of the jobs (default: default)"},
      {"payload", "JSON", "Payload of the jobs; what is no JSON is a string"},
      {"p,priority", "N", "0 to 9, 9 first (default 5)"},
      {"max-attempts", "N", "Attempts before a job is dead"},
      {"overlap", "WORD", "While earlier runs go on: allow, skip, buffer_one, cancel_running"},
      {"catchup", "WORD", "Runs nobody could start: none, last, all, or how many of the newest"},
      {"jitter", "TIME", "Runs begin up to this much later, each its own"},
      {"start-at", "TIME", "No run before this RFC 3339 time"},
      {"end-at", "TIME", "No run after this RFC 3339 time"},
      {"paused", "", "Start no runs until it is resumed", "true"},
      {"spec", "JSON", "All of it as the API takes it"},
      {"spec-file", "FILE", "File that holds it"}};
}

Result<std::string> spec_body(const Parsed& parsed) {
  if (parsed.has("spec") && parsed.has("spec-file")) {
    return bad_argument("give one of --spec and --spec-file");
  }
  if (parsed.has("spec")) return parsed.text("spec");
  if (parsed.has("spec-file")) return config::load_file(parsed.text("spec-file"));
  if (parsed.has("cron") == parsed.has("every")) {
    return bad_argument("give one of --cron and --every");
  }
  json::Writer out(512);
  out.begin_object();
  for (const auto& [option, member] : kTexts) {
    if (parsed.has(option)) out.member(member, parsed.text(option));
  }
  if (const auto catchup = parsed.text("catchup"); !catchup.empty()) {
    const bool counted = catchup.find_first_not_of("0123456789") == std::string::npos;
    out.member("catchup", counted ? "all" : catchup);
    if (counted) {
      WEIR_ASSIGN(const auto most, parsed.number("catchup", 100, 1, 1000));
      out.member("catchup_max", most);
    }
  }
  if (parsed.has("paused")) out.member("paused", parsed.text("paused") != "false");
  WEIR_TRY(job_member(parsed, out));
  out.end_object();
  return out.take();
}

}  // namespace weir::cli
