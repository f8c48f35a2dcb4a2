// The options that name jobs by what they are, the same for lists and for changes of many jobs.
#pragma once

#include <vector>

#include "cmd/weir/cli/context.hpp"

namespace weir::cli {

// --status (of lists of all jobs), --queue, --type, --key, --tag, --worker, --error, --metadata,
// --created-after, --created-before, --finished-after, --finished-before; then `more`.
enum class FilterStatus : std::uint8_t { offered, fixed };
std::vector<Option> filter_options(FilterStatus status, std::vector<Option> more);
Json filter_of(const Parsed& parsed);  // the options as a filter of the API
bool has_filter(const Parsed& parsed);

// "?queue=q&..." with the paging options of a list.
std::string list_query(const Parsed& parsed);

// Asks POST `path` page by page: the options as a filter, `more` as further members. Adds up the
// numbers of the answers and shows how far it is on standard error. --dry-run changes nothing and
// names the jobs. Errors: those of Context::ask.
Result<Json> change_pages(const Parsed& parsed, Context& context, const std::string& path,
                          Json more);

}  // namespace weir::cli
