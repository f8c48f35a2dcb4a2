// `weir stream`: native streams.
#include <limits>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/data/stream_view.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

std::string count_or_none(const Json& object, std::string_view name) {
  return number(object, name) == 0 ? "none" : human_count(number(object, name));
}
std::string bytes_or_none(const Json& object, std::string_view name) {
  return number(object, name) == 0 ? "none" : human_bytes(number(object, name));
}
std::string subjects_of(const Json& stream) {
  std::string out;
  for (const auto& subject : stream.value("subjects", Json::array())) {
    if (!subject.is_string()) continue;
    out.append(out.empty() ? "" : ", ").append(subject.get<std::string>());
  }
  return out.empty() ? "-" : out;
}

// A stream as aligned lines.
std::string described(const Json& stream, Timestamp now) {
  const auto age = Millis{number(stream, "max_age_ms")};
  const std::vector<std::pair<std::string, std::string>> rows{
      {"Stream", field(stream, "name")},
      {"Description", field(stream, "description")},
      {"Subjects", subjects_of(stream)},
      {"Retention", field(stream, "retention") + ", " + field(stream, "storage") + ", discards " +
                        field(stream, "discard")},
      {"Replicas", field(stream, "replicas")},
      {"Limits", "messages " + count_or_none(stream, "max_messages") + ", bytes " +
                     bytes_or_none(stream, "max_bytes") + ", age " +
                     (age.count() == 0 ? "none" : format_duration(age)) + ", per subject " +
                     count_or_none(stream, "max_messages_per_subject")},
      {"Messages", human_count(number(stream, "messages")) + ", " +
                       human_bytes(number(stream, "bytes")) + ", " +
                       human_count(number(stream, "subject_count")) + " subjects"},
      {"First",
       field(stream, "first_sequence") + ", " + relative_time(field(stream, "first_at"), now)},
      {"Last",
       field(stream, "last_sequence") + ", " + relative_time(field(stream, "last_at"), now)},
      {"Consumers", field(stream, "consumers")},
      {"Created", relative_time(field(stream, "created_at"), now)}};
  std::string out;
  for (const auto& [name, value] : rows) {
    if (value == "-") continue;
    out += name + ":" + std::string(13 - name.size(), ' ') + printable(value) + "\n";
  }
  return out;
}

int show(Context& context, const Json& stream) {
  return context.show(stream, described(stream, SystemClock().wall()));
}

int list(Args args) {
  const Usage usage{
      .command = "weir stream list", .summary = "All streams.", .examples = {"weir stream list"}};
  return run_with_server(usage, args, [](const Parsed&, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto page, context.ask({.path = "/v1/streams"}));
    const auto now = SystemClock().wall();
    Table table({"STREAM", "SUBJECTS", "MESSAGES", "SIZE", "CONSUMERS", "LAST"}, "No streams.\n");
    for (const auto& stream : page.value("items", Json::array())) {
      table.add({field(stream, "name"), shorten(subjects_of(stream), 40),
                 human_count(number(stream, "messages")), human_bytes(number(stream, "bytes")),
                 field(stream, "consumers"), relative_time(field(stream, "last_at"), now)});
    }
    return context.show(page, table.render(context.colours()));
  });
}

int info(Args args) {
  const Usage usage{.command = "weir stream info",
                    .synopsis = "STREAM",
                    .summary = "A stream and what it holds.",
                    .examples = {"weir stream info orders"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto stream, context.ask({.path = stream_path(parsed.operand(0))}));
    return show(context, stream);
  });
}

Result<Json> settings_of(const Parsed& parsed) {
  Json body = Json::object();
  if (parsed.has("subjects")) body["subjects"] = comma_list(parsed.text("subjects"));
  for (const std::string name : {"description", "retention", "storage", "discard"}) {
    if (parsed.has(name)) body[name] = parsed.text(name);
  }
  const std::vector<std::pair<std::string, std::string>> numbers{
      {"max-bytes", "max_bytes"},
      {"max-messages", "max_messages"},
      {"max-per-subject", "max_messages_per_subject"},
      {"max-message-bytes", "max_message_bytes"},
      {"replicas", "replicas"}};
  for (const auto& [option, member] : numbers) {
    if (!parsed.has(option)) continue;
    WEIR_ASSIGN(body[member], parsed.number(option, 0, -1, kMost));
  }
  const std::vector<std::pair<std::string, std::string>> durations{
      {"max-age", "max_age_ms"}, {"duplicate-window", "duplicate_window_ms"}};
  for (const auto& [option, member] : durations) {
    if (!parsed.has(option)) continue;
    WEIR_ASSIGN(const auto duration, parsed.duration(option, Millis{0}));
    body[member] = duration.count();
  }
  return body;
}

int create(Args args) {
  const Usage usage{
      .command = "weir stream create",
      .synopsis = "STREAM",
      .summary = "Makes a stream, or changes the settings that are given of one that is there.",
      .options = {{"subjects", "LIST",
                   "Subjects with commas between them (default: the stream's name)"},
                  {"description", "TEXT", "What it is for"},
                  {"retention", "WORD", "limits, interest or workqueue (default: limits)"},
                  {"storage", "WORD", "file or memory (default: file)"},
                  {"discard", "WORD", "old or new: what goes when it is full (default: old)"},
                  {"max-age", "TIME", "Messages live so long (default: for ever)"},
                  {"max-bytes", "N", "Limit of the stream (default: none)"},
                  {"max-messages", "N", "The same, in messages"},
                  {"max-per-subject", "N", "The same, of each subject"},
                  {"max-message-bytes", "N", "Limit of one message"},
                  {"duplicate-window", "TIME", "How long a message id is known (default: 2m)"},
                  {"replicas", "N", "Copies (default: 3 on a cluster, else 1)"}},
      .examples = {"weir stream create orders --subjects 'orders.>' --max-age 7d",
                   "weir stream create events --max-messages 1000000 --discard new"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_ASSIGN(const auto body, settings_of(parsed));
    WEIR_ASSIGN(const auto stream, context.ask({.method = "PUT",
                                                .path = stream_path(parsed.operand(0)),
                                                .body = body.dump()}));
    return show(context, stream);
  });
}

int purge(Args args) {
  const Usage usage{.command = "weir stream purge",
                    .synopsis = "STREAM",
                    .summary = "Deletes messages; all unless told.",
                    .options = {{"subject", "SUBJECT", "Only what matches"},
                                {"below", "SEQ", "Only below this sequence"},
                                {"keep", "N", "All but the newest N"},
                                kYesOption},
                    .examples = {"weir stream purge orders --keep 100 --yes"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    WEIR_TRY(confirmed(parsed, "this deletes messages for good"));
    Json body = Json::object();
    if (parsed.has("subject")) body["subject"] = parsed.text("subject");
    for (const std::string name : {"below", "keep"}) {
      if (!parsed.has(name)) continue;
      WEIR_ASSIGN(body[name], parsed.number(name, 0, 1, kMost));
    }
    WEIR_ASSIGN(const auto answer, context.ask({.method = "POST",
                                                .path = stream_path(parsed.operand(0)) + "/purge",
                                                .body = body.dump(),
                                                .repeat = Repeat::never}));
    return context.show(answer,
                        counted(number(answer, "purged"), "message", "messages") + " purged\n");
  });
}

int remove(Args args) {
  const Usage usage{
      .command = "weir stream delete",
      .synopsis = "STREAM [SEQUENCE]",
      .summary =
          "Deletes a stream with its messages and consumers; with a sequence, that message only.",
      .options = {kYesOption},
      .examples = {"weir stream delete old --yes", "weir stream delete orders 17"}};
  return run_with_server(usage, args, [](const Parsed& parsed, Context& context) -> Result<int> {
    const auto sequence = parsed.operand(1);
    if (sequence.empty()) WEIR_TRY(confirmed(parsed, "this deletes the stream and its messages"));
    auto path = stream_path(parsed.operand(0));
    if (!sequence.empty()) path += "/messages/" + encode(sequence);
    WEIR_ASSIGN(const auto answer, context.ask({.method = "DELETE", .path = path}));
    const auto what = sequence.empty() ? "stream " + parsed.operand(0) : "message " + sequence;
    return context.show(answer, what + " deleted\n");
  });
}

}  // namespace

int run_stream(Args args) {
  return run_group(
      "weir stream", "Native streams, shared with every NATS client.",
      {{"list", "All streams", list},
       {"create", "Make a stream, or change its settings", create},
       {"info", "A stream and what it holds", info},
       {"pub", "Store a message", stream_pub},
       {"get", "Print messages", stream_get},
       {"tail", "Follow messages", stream_tail},
       {"purge", "Delete messages", purge},
       {"delete", "Delete a stream, or one message", remove},
       {"consumer", "Make, list, delete consumers; take messages from them", stream_consumer}},
      args);
}

}  // namespace weir::cli
