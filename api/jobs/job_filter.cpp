#include "api/jobs/job_filter.hpp"

#include <charconv>

#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

constexpr std::string_view kTimeSchema = R"({"type":"string","format":"date-time"})";

// name=value, any number of times.
void write_metadata(const http::Request& request, json::Writer& out) {
  bool open = false;
  for (const auto& [name, value] : request.query) {
    if (name != "metadata") continue;
    if (!open) out.key("metadata").begin_object();
    open = true;
    const auto equals = value.find('=');
    out.member(equals == std::string::npos ? std::string() : value.substr(0, equals),
               equals == std::string::npos ? value : value.substr(equals + 1));
  }
  if (open) out.end_object();
}

void write_limit(std::string_view text, json::Writer& out) {
  std::int64_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  out.member("limit", whole ? limit : 0);  // 0 is refused
}

}  // namespace

std::vector<QueryParameter> filter_parameters() {
  return {
      {"status", "one status word"},
      {"queue", ""},
      {"type", ""},
      {"key", ""},
      {"tag", ""},
      {"worker", ""},
      {"error", "text in the message or the type of the error, in any case of letters"},
      {"metadata", "name=value; may be repeated"},
      {"created_after", "inclusive", kTimeSchema},
      {"created_before", "exclusive", kTimeSchema},
      {"finished_after", "inclusive", kTimeSchema},
      {"finished_before", "exclusive", kTimeSchema},
      {"sort", "by submission instead of by status",
       R"({"type":"string","enum":["created","-created"]})"},
      {"limit", "jobs on a page", R"({"type":"integer","minimum":1,"maximum":1000,"default":50})"},
      {"cursor", "next_cursor of the page before"}};
}

Result<jobs::ListRequest> list_request(const Call& call) {
  const auto& request = call.request();
  json::Writer out(256);
  out.begin_object();
  for (const auto& parameter : filter_parameters()) {
    const auto value = request.query_value(parameter.name);
    if (!value || value->empty()) continue;
    if (parameter.name == "metadata") {
      write_metadata(request, out);
    } else if (parameter.name == "limit") {
      write_limit(*value, out);
    } else {
      out.member(parameter.name, *value);
    }
  }
  const auto text = out.end_object().take();
  WEIR_ASSIGN(auto list, jobs::parse_list_request(json::View(text)));
  WEIR_TRY(call.check_queue(list.queue));
  return list;
}

}  // namespace weir::api
