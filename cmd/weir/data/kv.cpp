// `weir kv`: buckets and keys.
#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/follow.hpp"
#include "cmd/weir/cli/page.hpp"
#include "cmd/weir/cli/values.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {
namespace {

const Option kBucketOption{"b,bucket", "NAME", "The bucket (default: default)"};

std::string bucket_path(const std::string& bucket) {
  return "/v1/kv/" + encode(bucket);
}

std::string key_path(const Parsed& parsed) {
  return bucket_path(parsed.text("bucket", "default")) + "/" + encode(parsed.operand(0));
}

// A text that is JSON is the value; anything else is a JSON string.
std::string value_of(const Parsed& parsed) {
  const auto text = text_or_stdin(parsed.operand(1));
  if (!parsed.has("text") && json::check(text)) return text;
  return json::quoted(text);
}

// A string bare, so that scripts can use it; anything else as JSON.
std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : compact(value);
}

int get(Args args) {
  const Usage usage{
      .command = "weir kv get",
      .synopsis = "KEY",
      .summary = "Prints the value of a key.",
      .options = {kBucketOption, {"revision", "N", "The value as it was at this revision"}},
      .examples = {"weir kv get session:abc", "weir kv get --json session:abc"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of(parsed, {"revision"});
    WEIR_ASSIGN(const auto entry, context.ask({.path = key_path(parsed) + query}));
    if (context.json()) {
      print(pretty(entry));
      return kOk;
    }
    const auto value = entry.find("value");
    print((value == entry.end() ? std::string() : shown(*value)) + "\n");
    return kOk;
  });
}

int put(Args args) {
  const Usage usage{.command = "weir kv put",
                    .synopsis = "KEY VALUE|-",
                    .summary =
                        "Writes a value. Text that is JSON is taken as JSON, anything else as a "
                        "string; - reads it "
                        "from standard input.",
                    .options = {kBucketOption,
                                {"ttl", "TIME", "How long it lives, such as 90s or 1h"},
                                {"if-revision", "N", "Only over this revision"},
                                {"if-missing", "", "Only when there is none"},
                                {"text", "", "Take the value as a string, whatever it looks like"}},
                    .examples = {"weir kv put session:abc '{\"user_id\":1}' --ttl 1h",
                                 "weir kv put lock me --if-missing"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto ttl, parsed.duration("ttl", Millis{0}));
    Call call{.method = "PUT", .path = key_path(parsed), .body = value_of(parsed)};
    if (ttl.count() > 0) call.path += query_of({{"ttl", std::to_string(ttl.count())}});
    if (parsed.has("if-revision")) {
      call.headers.emplace_back("If-Match", "\"" + parsed.text("if-revision") + "\"");
    }
    if (parsed.has("if-missing")) call.headers.emplace_back("If-None-Match", "*");
    if (!call.headers.empty()) call.repeat = Repeat::never;
    WEIR_ASSIGN(const auto answer, context.ask(call));
    return context.show(answer, "revision " + field(answer, "revision") + "\n");
  });
}

int del(Args args) {
  const Usage usage{.command = "weir kv del",
                    .synopsis = "KEY",
                    .summary = "Deletes a key.",
                    .options = {kBucketOption},
                    .examples = {"weir kv del session:abc"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE", .path = key_path(parsed)}));
    return context.show(answer, "key " + parsed.operand(0) + " deleted\n");
  });
}

int ls(Args args) {
  const Usage usage{.command = "weir kv ls",
                    .synopsis = "[PREFIX]",
                    .summary = "Lists keys, in order.",
                    .options = paged({kBucketOption}, {.usual = 100, .most = 10000}),
                    .examples = {"weir kv ls user:", "weir kv ls --bucket config"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto query = query_of({{"prefix", parsed.operand(0)},
                                 {"limit", parsed.text("limit")},
                                 {"cursor", parsed.text("cursor")}});
    WEIR_ASSIGN(const auto page,
                context.ask({.path = bucket_path(parsed.text("bucket", "default")) + query}));
    std::string lines;
    for (const auto& key : page.value("items", Json::array())) {
      lines += printable(shown(key)) + "\n";
    }
    return print_page(context, page, lines);
  });
}

int history(Args args) {
  const Usage usage{.command = "weir kv history",
                    .synopsis = "KEY",
                    .summary = "Every revision of a key that is kept.",
                    .options = {kBucketOption},
                    .examples = {"weir kv history config --bucket app"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = key_path(parsed) + "?history=true"}));
    const auto now = SystemClock().wall();
    Table table({"REVISION", "OPERATION", "WHEN", "VALUE"});
    for (const auto& entry : page.value("items", Json::array())) {
      table.add({field(entry, "revision"), field(entry, "operation"),
                 relative_time(field(entry, "updated_at"), now),
                 shorten(printable(field(entry, "value")), 60)});
    }
    return context.show(page, table.render(context.colours()));
  });
}

std::string or_none(const Json& bucket, std::string_view name) {
  return number(bucket, name) < 0 ? "-" : human_bytes(number(bucket, name));
}

int bucket_ls(Args args) {
  const Usage usage{
      .command = "weir kv bucket ls", .summary = "All buckets.", .examples = {"weir kv bucket ls"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/kv"}));
    Table table({"BUCKET", "HISTORY", "TTL", "VALUES", "SIZE", "LIMIT", "REPLICAS"},
                "No buckets.\n");
    for (const auto& bucket : page.value("items", Json::array())) {
      const auto ttl = Millis{number(bucket, "ttl_ms")};
      table.add({field(bucket, "bucket"), field(bucket, "history"),
                 ttl.count() == 0 ? "-" : format_duration(ttl),
                 human_count(number(bucket, "values")), human_bytes(number(bucket, "bytes")),
                 or_none(bucket, "max_bytes"), field(bucket, "replicas")});
    }
    return context.show(page, table.render(context.colours()));
  });
}

int bucket_add(Args args) {
  const Usage usage{.command = "weir kv bucket add",
                    .synopsis = "NAME",
                    .summary = "Makes a bucket.",
                    .options = {{"history", "N", "Revisions kept per key, 1 to 64 (default: 1)"},
                                {"ttl", "TIME", "How long every value lives (default: for ever)"},
                                {"max-bytes", "N", "Limit of the bucket (default: none)"},
                                {"replicas", "N", "Copies (default: as the coordinator's own)"}},
                    .examples = {"weir kv bucket add config --history 10"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    WEIR_ASSIGN(const auto history_size, parsed.number("history", 1, 1, 64));
    WEIR_ASSIGN(const auto ttl, parsed.duration("ttl", Millis{0}));
    WEIR_ASSIGN(const auto max_bytes, parsed.number("max-bytes", -1, -1, kMost));
    WEIR_ASSIGN(const auto replicas, parsed.number("replicas", 0, 0, 5));
    const Json body{{"history", history_size},
                    {"ttl_ms", ttl.count()},
                    {"max_bytes", max_bytes},
                    {"replicas", replicas}};
    WEIR_ASSIGN(const auto answer, context.ask({.method = "PUT",
                                                .path = bucket_path(parsed.operand(0)),
                                                .body = body.dump()}));
    return context.show(answer, "bucket " + parsed.operand(0) + " is there\n");
  });
}

int bucket_del(Args args) {
  const Usage usage{.command = "weir kv bucket del",
                    .synopsis = "NAME",
                    .summary = "Deletes a bucket and everything in it.",
                    .options = {kYesOption},
                    .examples = {"weir kv bucket del old --yes"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(confirmed(parsed, "this deletes " + parsed.operand(0) + " and everything in it"));
    WEIR_ASSIGN(const auto answer,
                context.ask({.method = "DELETE", .path = bucket_path(parsed.operand(0))}));
    return context.show(answer, "bucket " + parsed.operand(0) + " deleted\n");
  });
}

void show_change(const Context& context, const EventParser::Event& event) {
  const auto parsed = Json::parse(event.data, nullptr, false);
  if (event.type == "reset") {
    print_error({Code::conflict, "bucket_made_anew", "The bucket is another one by now",
                 "it is read from its beginning"});
  }
  if (context.json()) return print(event.data + "\n");
  if (!parsed.is_object() || !parsed.contains("key")) return;
  const auto value = parsed.find("value");
  std::string line = field(parsed, "revision") + "  " + field(parsed, "operation");
  line += "  " + printable(shown(parsed["key"]));
  if (value != parsed.end()) line += "  " + printable(shown(*value));
  print(line + "\n");
}

std::string watch_path(const Parsed& parsed) {
  const auto bucket = bucket_path(parsed.text("bucket", "default"));
  const auto key = parsed.operand(0);
  return (key.empty() ? bucket : bucket + "/" + encode(key)) +
         query_of({{"watch", "true"},
                   {"prefix", parsed.text("prefix")},
                   {"after", parsed.text("after")},
                   {"updates", parsed.has("updates") ? "true" : ""}});
}

int watch(Args args) {
  const Usage usage{
      .command = "weir kv watch",
      .synopsis = "[KEY]",
      .summary =
          "Follows a key, or all: what is there, then every change, one line each, or with --json "
          "the "
          "entry. Goes on where it was when the connection is lost.",
      .options = {kBucketOption,
                  {"prefix", "TEXT", "Keys that begin so"},
                  {"after", "REV", "Go on after this revision"},
                  {"updates", "", "Only what is written from now on"}},
      .examples = {"weir kv watch --prefix user:", "weir kv watch --bucket config limit --json"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    return follow(context, {.path = watch_path(parsed), .show = [&](const auto& event) {
                              show_change(context, event);
                              return true;
                            }});
  });
}

int bucket(Args args) {
  return run_group("weir kv bucket", "Buckets.",
                   {{"ls", "All buckets", bucket_ls},
                    {"add", "Make a bucket", bucket_add},
                    {"del", "Delete a bucket", bucket_del}},
                   args);
}

}  // namespace

int run_kv(Args args) {
  return run_group("weir kv", "Buckets of keys and values, shared with every NATS client.",
                   {{"get", "Print a value", get},
                    {"put", "Write a value", put},
                    {"del", "Delete a key", del},
                    {"ls", "List keys", ls},
                    {"history", "Revisions of a key", history},
                    {"watch", "Follow changes", watch},
                    {"bucket", "Make, list and delete buckets", bucket}},
                   args);
}

}  // namespace weir::cli
