// Options that become members of a job, the same in every command that has them.
#pragma once

#include "cmd/weir/cli/arguments.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {

// --priority and --max-attempts. Errors: as Parsed::number.
Result<void> number_members(const Parsed& parsed, json::Writer& out);
// --payload; what is no JSON is a string.
void payload_member(const Parsed& parsed, json::Writer& out);
void tags_member(const Parsed& parsed, json::Writer& out);  // --tag, each

}  // namespace weir::cli
