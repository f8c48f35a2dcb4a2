#include "cmd/weir/jobs/job_filter.hpp"

#include <cstdio>

#include "cmd/weir/cli/page.hpp"

namespace weir::cli {
namespace {

struct Filter {
  const char* option;
  const char* member;
};
constexpr Filter kFilters[] = {{"status", "status"},
                               {"queue", "queue"},
                               {"type", "type"},
                               {"key", "key"},
                               {"tag", "tag"},
                               {"worker", "worker"},
                               {"error", "error"},
                               {"created-after", "created_after"},
                               {"created-before", "created_before"},
                               {"finished-after", "finished_after"},
                               {"finished-before", "finished_before"}};

// Numbers add up, lists grow, the rest is that of the last page.
void add_page(Json& total, const Json& page) {
  for (const auto& [name, value] : page.items()) {
    if (value.is_number_integer() && name != "revision" && total.contains(name)) {
      total[name] = total[name].get<std::int64_t>() + value.get<std::int64_t>();
    } else if (value.is_array() && total.contains(name)) {
      total[name].insert(total[name].end(), value.begin(), value.end());
    } else {
      total[name] = value;
    }
  }
}

}  // namespace

Json filter_of(const Parsed& parsed) {
  Json filter = Json::object();
  for (const auto& [option, member] : kFilters) {
    if (parsed.has(option)) filter[member] = parsed.text(option);
  }
  for (const auto& pair : parsed.all("metadata")) {
    const auto equals = pair.find('=');
    filter["metadata"][equals == std::string::npos ? "" : pair.substr(0, equals)] =
        equals == std::string::npos ? pair : pair.substr(equals + 1);
  }
  return filter;
}

std::vector<Option> filter_options(FilterStatus status, std::vector<Option> more) {
  std::vector<Option> out;
  if (status == FilterStatus::offered) {
    out.push_back({"status", "WORD",
                   "scheduled, blocked, unprocessed, processing, completed, failed, cancelled or "
                   "dlq"});
  }
  for (auto& option : std::vector<Option>{
           {"q,queue", "NAME", "Only this queue"},
           {"type", "NAME", "Only this type"},
           {"key", "KEY", "Only this key"},
           {"tag", "TAG", "Only jobs with this tag"},
           {"worker", "NAME", "Only jobs of this worker"},
           {"error", "TEXT", "Only jobs with this text in the message or type of their error"},
           {"metadata", "NAME=VALUE", "Only jobs with this in their metadata; may be repeated"},
           {"created-after", "TIME", "Submitted at this RFC 3339 time or later"},
           {"created-before", "TIME", "Submitted before"},
           {"finished-after", "TIME", "Ended at this time or later"},
           {"finished-before", "TIME", "Ended before"}}) {
    out.push_back(std::move(option));
  }
  for (auto& option : more) out.push_back(std::move(option));
  return out;
}

bool has_filter(const Parsed& parsed) {
  return !filter_of(parsed).empty();
}

std::string list_query(const Parsed& parsed) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [option, member] : kFilters) pairs.emplace_back(member, parsed.text(option));
  for (const auto& pair : parsed.all("metadata")) pairs.emplace_back("metadata", pair);
  for (const char* name : {"sort", "limit", "cursor"}) pairs.emplace_back(name, parsed.text(name));
  return query_of(pairs);
}

Result<Json> change_pages(const Parsed& parsed, Context& context, const std::string& path,
                          Json more) {
  Json body = std::move(more);
  body["filter"] = filter_of(parsed);
  if (parsed.has("dry-run")) body["dry_run"] = true;
  Json total = Json::object();
  while (true) {
    WEIR_ASSIGN(const auto page,
                context.ask({.method = "POST", .path = path, .body = compact(body)}));
    add_page(total, page);
    const auto cursor = page.find("next_cursor");
    if (cursor == page.end() || !cursor->is_string()) return total;
    body["cursor"] = *cursor;
    std::fprintf(stderr, "%s so far\n", human_count(number(total, "matched")).c_str());
  }
}

}  // namespace weir::cli
