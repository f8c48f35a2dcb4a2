// Lists that come in pages: what to ask for, and how to go on.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cmd/weir/cli/context.hpp"

namespace weir::cli {

struct Paging {
  int usual = 50;  // items on a page, unless --limit says another number
  int most = 1000;
};

// --limit and --cursor beside the list's own options; the server checks them.
std::vector<Option> paged(std::vector<Option> own, Paging paging = {});

// Prints the page, and the command that goes on when there is more; kOk.
int print_page(const Context& context, const Json& page, const std::string& table);

// "?a=b&c=d" from pairs; empty values are left out.
std::string query_of(const std::vector<std::pair<std::string, std::string>>& pairs);
// The same from options of these names.
std::string query_of(const Parsed& parsed, std::initializer_list<const char*> names);

}  // namespace weir::cli
