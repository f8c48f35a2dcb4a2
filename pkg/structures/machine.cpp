#include "pkg/structures/machine.hpp"

#include <algorithm>

#include "pkg/structures/command.hpp"

namespace weir::structures {
namespace {

constexpr std::string_view kPrefix = "structures.";

StateLimits limits_of(json::View body) {
  StateLimits out;
  out.max_bytes = std::max(kSmallestMaxBytes, body.find("max_bytes").as_int().value_or(0));
  out.max_elements =
      std::max<std::int64_t>(1, body.find("max_elements").as_int().value_or(out.max_elements));
  return out;
}

}  // namespace

replica::Operation limits_operation(const StateLimits& limits) {
  json::Writer body;
  body.begin_object()
      .member("max_bytes", limits.max_bytes)
      .member("max_elements", limits.max_elements)
      .end_object();
  return {"structures.limits", body.take()};
}

Result<std::string> Machine::apply(const replica::Operation& operation, json::View body,
                                   replica::ApplyContext& context) {
  const std::string_view name = operation.name;
  const std::string_view verb = name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : "";
  const std::int64_t now_ms = to_unix_ms(context.now);
  if (const Command* command = find_write(verb)) {
    WriteContext write{keys_, context.db, now_ms};
    return command->write(body, write);
  }
  if (verb == "tick") {
    keys_.tick(now_ms, context.db);
    return std::string("{}");
  }
  if (verb == "limits") {
    keys_.set_limits(limits_of(body));
    return std::string("{}");
  }
  return Error{Code::internal, "unknown_operation", "This version does not know the operation",
               operation.name};
}

}  // namespace weir::structures
