// `weir snapshot`: stored copies of the state.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"

namespace weir::cli {
namespace {

// A snapshot of a large state takes a while; so does reading it.
constexpr Millis kPatience = std::chrono::minutes(10);

std::int64_t number(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::string sentence(const Json& snapshot) {
  return field(snapshot, "id") + ": revision " + human_count(number(snapshot, "revision")) + ", " +
         human_bytes(number(snapshot, "bytes")) + " of a database of " +
         human_bytes(number(snapshot, "database_bytes"));
}

int list(Args args) {
  const Usage usage{.command = "weir snapshot list",
                    .summary = "Lists the stored snapshots, newest first.",
                    .examples = {"weir snapshot list"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/snapshots"}));
    const auto now = SystemClock().wall();
    Table table({"ID", "REVISION", "TAKEN", "NODE", "SIZE", "DATABASE"}, "No snapshots yet.\n");
    for (const auto& snapshot : page.value("items", Json::array())) {
      table.add({field(snapshot, "id"), human_count(number(snapshot, "revision")),
                 relative_time(field(snapshot, "created_at"), now), field(snapshot, "node"),
                 human_bytes(number(snapshot, "bytes")),
                 human_bytes(number(snapshot, "database_bytes"))});
    }
    return print_page(context, page, table.render(context.colours()));
  });
}

int save(Args args) {
  const Usage usage{
      .command = "weir snapshot save",
      .summary =
          "Takes a snapshot now, reads it back, and truncates the log below the one before. "
          "The leader does so by itself as the log grows.",
      .examples = {"weir snapshot save", "weir snapshot save --json"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto snapshot, context.ask({.method = "POST",
                                                  .path = "/v1/snapshots",
                                                  .body = "{}",
                                                  .repeat = Repeat::never,
                                                  .wait = kPatience}));
    return context.show(snapshot, "saved " + sentence(snapshot) + "\n");
  });
}

int verify(Args args) {
  const Usage usage{
      .command = "weir snapshot verify",
      .synopsis = "ID",
      .summary = "Reads a snapshot as a restore would. Exit code 1 when it is damaged.",
      .examples = {"weir snapshot verify 51200-0f3a9c1b2d4e"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto path = "/v1/snapshots/" + encode(parsed.operand(0)) + "/verify";
    WEIR_ASSIGN(const auto snapshot,
                context.ask({.method = "POST", .path = path, .body = "{}", .wait = kPatience}));
    return context.show(snapshot, "good " + sentence(snapshot) + "\n");
  });
}

}  // namespace

int run_snapshot(Args args) {
  return run_group("weir snapshot", "Stored copies of the state, from which coordinators begin.",
                   {{"list", "All snapshots", list},
                    {"save", "Take one now", save},
                    {"verify", "Read one and compare", verify}},
                   args);
}

}  // namespace weir::cli
