// `weir audit`: who changed what.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"

namespace weir::cli {
namespace {

std::string who(const Json& record) {
  const auto name = record.value("key_name", Json()).is_string() ? field(record, "key_name") : "";
  return name.empty() || name == "-" ? field(record, "key_id") : name;
}

}  // namespace

int run_audit(Args args) {
  const Usage usage{
      .command = "weir audit",
      .summary = "Lists who changed what, newest first. Wants an admin key.",
      .options = paged({{"key", "ID", "Changes made with this key"},
                        {"action", "NAME", "Such as queues.pause, or queues for all of them"},
                        {"target", "NAME", "Changes of this queue, job or key"},
                        {"after", "TIME", "From this RFC 3339 time on"},
                        {"before", "TIME", "Before this RFC 3339 time"}}),
      .examples = {"weir audit --action queues --after 2026-11-21T00:00:00Z",
                   "weir audit --target emails --json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query =
        query_of(parsed, {"key", "action", "target", "after", "before", "limit", "cursor"});
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/audit" + query}));
    Table table({"AT", "WHO", "FROM", "ACTION", "TARGET", "OUTCOME"}, "No entries.\n");
    for (const auto& item : page.value("items", Json::array())) {
      table.add({field(item, "at"), who(item), field(item, "from"), field(item, "action"),
                 field(item, "target"), field(item, "outcome")});
    }
    return print_page(context, page, table.render(context.colours()));
  });
}

}  // namespace weir::cli
