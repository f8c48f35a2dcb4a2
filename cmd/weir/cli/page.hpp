// Lists that come in pages: what to ask for, and how to go on.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cmd/weir/cli/context.hpp"

namespace weir::cli {

// Prints the page, and the command that goes on when there is more; kOk.
int print_page(const Context& context, const Json& page, const std::string& table);

// "?a=b&c=d" from pairs; empty values are left out.
std::string query_of(const std::vector<std::pair<std::string, std::string>>& pairs);
// The same from options of these names.
std::string query_of(const Parsed& parsed, std::initializer_list<const char*> names);

}  // namespace weir::cli
