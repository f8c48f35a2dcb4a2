// `weir key`: API keys.
#include <charconv>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/cli/values.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

// "jobs:read,jobs:write"; `none` for an empty list.
std::string joined(const Json& key, const char* name, const std::string& none) {
  std::string out;
  const auto list = key.find(name);
  if (list == key.end() || !list->is_array()) return none;
  for (const auto& text : *list) {
    out.append(out.empty() ? "" : ",").append(text.is_string() ? text.get<std::string>() : "?");
  }
  return out.empty() ? none : out;
}

// "12 of 1,000"
std::string quota_of(const Json& key) {
  if (field(key, "max_waiting") == "-") return "-";
  return human_count(number(key, "waiting")) + " of " + human_count(number(key, "max_waiting"));
}

void show_secret(const Context& context, const Json& key) {
  if (context.json()) {
    print(pretty(key));
    return;
  }
  print("id     " + field(key, "id") + "\nkey    " + field(key, "key") +
        "\nKeep it now: it is not shown again.\n");
}

// "100 in 1m"
std::string rate_of(const Json& key) {
  if (field(key, "rate") == "-") return "-";
  const auto& rate = key["rate"];
  return human_count(number(rate, "limit")) + " in " +
         format_duration(Millis{number(rate, "per_ms")});
}

// From "100/1m".
Result<Json> parse_rate(const std::string& text) {
  const auto slash = std::min(text.find('/'), text.size());
  std::int64_t limit = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + slash, limit);
  if (problem != std::errc{} || end != text.data() + slash || slash == 0) {
    return bad_argument("--rate wants a number and a time", "such as 100/1m; got " + text);
  }
  Json rate{{"limit", limit}};
  if (slash < text.size()) rate["per_ms"] = text.substr(slash + 1);
  return rate;
}

int create(Args args) {
  const Usage usage{
      .command = "weir key create",
      .synopsis = "NAME --scopes LIST",
      .summary = "Makes a key and shows it, once.",
      .options = {{"scopes", "A,B",
                   "health:read jobs:read jobs:write jobs:work queues:admin streams:read "
                   "streams:write kv:read kv:write pubsub admin"},
                  {"queues", "A,B", "Only these queues; patterns such as emails.* (default: all)"},
                  {"streams", "A,B", "Only these streams and rooms, such as chat-* (default: all)"},
                  {"max-waiting", "N", "Jobs it submitted that may wait (default: any number)"},
                  {"rate", "N/TIME", "Requests it may make, such as 100/1m (default: any number)"},
                  {"expires-in", "TIME", "End of its life from now, such as 90d (default: never)"}},
      .examples = {"weir key create mailer --scopes jobs:write,jobs:read --queues 'emails.*'",
                   "weir key create probe --scopes health:read --expires-in 90d"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    if (!parsed.has("scopes")) return bad_argument("--scopes is missing", "such as jobs:write");
    Json body{{"name", parsed.operand(0)}, {"scopes", comma_list(parsed.text("scopes"))}};
    if (parsed.has("queues")) body["queues"] = comma_list(parsed.text("queues"));
    if (parsed.has("streams")) body["streams"] = comma_list(parsed.text("streams"));
    if (parsed.has("max-waiting")) {
      WEIR_ASSIGN(body["max_waiting"], parsed.number("max-waiting", 1, 1, 100'000'000));
    }
    if (parsed.has("rate")) {
      WEIR_ASSIGN(body["rate"], parse_rate(parsed.text("rate")));
    }
    if (parsed.has("expires-in")) {
      WEIR_ASSIGN(const auto life, parsed.duration("expires-in", Millis{0}));
      body["expires_at"] = format_rfc3339(SystemClock().wall() + life);
    }
    WEIR_ASSIGN(const auto key, context.ask({.method = "POST",
                                             .path = "/v1/keys",
                                             .body = compact(body),
                                             .repeat = Repeat::never}));
    show_secret(context, key);
    return kOk;
  });
}

int list(Args args) {
  const Usage usage{.command = "weir key list",
                    .summary = "Lists the keys; never their secrets.",
                    .examples = {"weir key list"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/keys"}));
    const auto now = SystemClock().wall();
    Table table({"ID", "NAME", "STATE", "SCOPES", "QUEUES", "STREAMS", "WAITING", "RATE", "CREATED",
                 "EXPIRES"},
                "No keys.\n");
    for (const auto& key : page.value("items", Json::array())) {
      const bool revoked = field(key, "revoked_at") != "-";
      table.add(
          {field(key, "id"), field(key, "name"), revoked ? "revoked" : "live",
           joined(key, "scopes", "-"), joined(key, "queues", "all"), joined(key, "streams", "all"),
           quota_of(key), rate_of(key), relative_time(field(key, "created_at"), now),
           relative_time(field(key, "expires_at"), now)},
          revoked ? Colour::grey : Colour::green);
    }
    return print_page(context, page, table.render(context.colours(), 2));
  });
}

int revoke(Args args) {
  const Usage usage{.command = "weir key revoke",
                    .synopsis = "ID",
                    .summary = "Ends a key at once.",
                    .examples = {"weir key revoke 3f9c0a1b2c3d"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "DELETE", .path = "/v1/keys/" + encode(parsed.operand(0))}));
    return context.show(answer, "key " + parsed.operand(0) + " revoked\n");
  });
}

int rotate(Args args) {
  const Usage usage{.command = "weir key rotate",
                    .synopsis = "ID",
                    .summary = "Gives a key a new secret and shows it, once. The old one ends.",
                    .examples = {"weir key rotate 3f9c0a1b2c3d"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto key,
                context.ask({.method = "POST",
                             .path = "/v1/keys/" + encode(parsed.operand(0)) + "/rotate",
                             .body = "{}",
                             .repeat = Repeat::never}));
    show_secret(context, key);
    return kOk;
  });
}

}  // namespace

int run_key(Args args) {
  return run_group("weir key", "API keys: who may do what.",
                   {{"create", "Make a key", create},
                    {"list", "All keys", list},
                    {"revoke", "End a key", revoke},
                    {"rotate", "Give a key a new secret", rotate}},
                   args);
}

}  // namespace weir::cli
