// What people type, as values of requests. Pure but for reading standard input.
#pragma once

#include <string>
#include <vector>

#include "cmd/weir/cli/output.hpp"

namespace weir::cli {

// The text; "-" reads standard input to its end.
std::string text_or_stdin(std::string text);
// What is JSON stays so; anything else is a string.
Json json_or_text(const std::string& text);
// "orders.>,returns" -> {"orders.>", "returns"}; empty parts are left out.
std::vector<std::string> comma_list(const std::string& text);

}  // namespace weir::cli
