// /v1/streams: native JetStream streams and their messages.
#include "api/core/commands.hpp"
#include "api/streams/stream_command.hpp"
#include "api/streams/stream_requests.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/streams/message.hpp"

namespace weir::api {
namespace {

using json::Writer;

constexpr std::string_view kStream = "/v1/streams/{stream}";
constexpr std::string_view kMessages = "/v1/streams/{stream}/messages";
constexpr std::string_view kMessage = "/v1/streams/{stream}/messages/{sequence}";
constexpr std::string_view kStreamRef = R"({"$ref":"#/components/schemas/Stream"})";
constexpr std::string_view kMessageRef = R"({"$ref":"#/components/schemas/StreamMessage"})";

Result<std::uint64_t> sequence_of(const Call& call) {
  const auto sequence = parse_sequence(call.param("sequence"));
  if (!sequence || *sequence == 0) return bad_parameter("sequence", "a number from 1");
  return *sequence;
}

// The list without the streams that the key is not for.
std::string of_the_key(const auth::Principal& principal, std::string list) {
  if (principal.streams.empty()) return list;
  const json::View view(list);
  json::Writer out(list.size());
  out.begin_object().key("items").begin_array();
  for (const json::View stream : view.find("items").elements()) {
    const auto name = stream.find("name").as_string().value_or("");
    if (principal.allows_stream(name)) out.raw(stream.raw());
  }
  return out.end_array().end_object().take();
}

Result<void> list(Services& services, const Call& call) {
  WEIR_ASSIGN(auto json, services.streams.list());
  call.reply(200, of_the_key(call.principal(), std::move(json)));
  return {};
}

Result<void> get(Services& services, const Call& call) {
  WEIR_ASSIGN(auto json, services.streams.get(stream_of(call)));
  call.reply(200, std::move(json));
  return {};
}

Result<void> put(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto settings, read_stream_settings(call.body()));
  WEIR_ASSIGN(auto made, services.streams.put(stream_of(call), settings));
  call.reply(made.created ? 201 : 200, std::move(made.json));
  return {};
}

Result<void> remove(Services& services, const Call& call) {
  WEIR_TRY(services.streams.remove(stream_of(call)));
  call.reply(200, R"({"deleted":true})");
  return {};
}

Result<void> purge(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto wish, read_purge(call.body()));
  WEIR_ASSIGN(const auto purged, services.streams.purge(stream_of(call), wish));
  call.reply(200, Writer().begin_object().member("purged", purged).end_object().take());
  return {};
}

Result<void> publish(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto message, read_publish(call.body()));
  WEIR_ASSIGN(const auto done, services.streams.publish(stream_of(call), message));
  Writer out(128);
  out.begin_object().member("stream", call.param("stream")).member("subject", done.subject);
  out.member("sequence", done.sequence).member("duplicate", done.duplicate);
  call.reply(done.duplicate ? 200 : 201, out.end_object().take());
  return {};
}

Result<void> read(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto wish, read_page_query(call.request()));
  WEIR_ASSIGN(const auto page, services.streams.read(stream_of(call), wish));
  Writer out(1'024);
  out.begin_object().key("items").begin_array();
  for (const auto& message : page.messages) out.raw(streams::message_json(message));
  out.end_array().key("next_from");
  if (page.next) {
    out.value(*page.next);
  } else {
    out.null();
  }
  call.reply(200, out.member("last_sequence", page.last_sequence).end_object().take());
  return {};
}

Result<void> read_one(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto sequence, sequence_of(call));
  WEIR_ASSIGN(const auto message, services.streams.message(stream_of(call), sequence));
  call.reply(200, streams::message_json(message));
  return {};
}

Result<void> remove_one(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto sequence, sequence_of(call));
  WEIR_TRY(services.streams.remove_message(stream_of(call), sequence));
  call.reply(200, R"({"deleted":true})");
  return {};
}

void add_streams(CommandTable& table, Services& services) {
  auto all = stream_command("streams.list", "GET", kStreams, services, list);
  all.summary = "All streams";
  all.answers = {{200, "Without those of Weir and of buckets.", R"({"type":"object","properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/Stream"}}}})"}};
  table.push_back(std::move(all));

  auto one = stream_command("streams.get", "GET", kStream, services, get);
  one.summary = "A stream: its settings and what it holds";
  one.answers = {{200, "The stream.", kStreamRef}};
  table.push_back(std::move(one));

  auto make = stream_command("streams.put", "PUT", kStream, services, put);
  make.summary = "Make a stream, or change its settings";
  make.description =
      "What the body does not say stays as it is, or begins with the default: its name as its only "
      "subject, storage `file`, no limits, three replicas on a cluster.";
  make.body = Body::optional_json;
  make.request_schema = R"({"$ref":"#/components/schemas/StreamSettings"})";
  make.answers = {{201, "It was made.", kStreamRef}, {200, "It is so now.", kStreamRef}};
  make.errors.insert(make.errors.end(), {{Code::invalid, "invalid_stream"},
                                         {Code::invalid, "bad_subject"},
                                         {Code::invalid, "stream_refused"},
                                         {Code::conflict, "subject_taken"},
                                         {Code::conflict, "stream_exists"},
                                         {Code::unavailable, "too_few_servers"}});
  table.push_back(std::move(make));

  auto gone = stream_command("streams.delete", "DELETE", kStream, services, remove);
  gone.summary = "Delete a stream with its messages and consumers";
  gone.answers = {{200, "Gone.", R"({"type":"object"})"}};
  table.push_back(std::move(gone));

  auto empty =
      stream_command("streams.purge", "POST", "/v1/streams/{stream}/purge", services, purge);
  empty.summary = "Delete messages: all, below a sequence, or all but the newest";
  empty.description =
      "With `subject` only those that match; refused on a nats-server before 2.9.12, which may "
      "lose others then.";
  empty.body = Body::optional_json;
  empty.request_schema = R"({"type":"object","additionalProperties":false,"properties":{
      "subject":{"type":"string"},"below":{"type":"integer","minimum":1},
      "keep":{"type":"integer","minimum":1}}})";
  empty.answers = {{200, "How many.", R"({"type":"object","required":["purged"],
      "properties":{"purged":{"type":"integer"}}})"}};
  empty.errors.insert(empty.errors.end(), {{Code::invalid, "invalid_request"},
                                           {Code::invalid, "bad_subject"},
                                           {Code::invalid, "stream_refused"},
                                           {Code::conflict, "purge_unsafe"}});
  table.push_back(std::move(empty));
}

void add_messages(CommandTable& table, Services& services) {
  auto add = stream_command("streams.publish", "POST", kMessages, services, publish);
  add.summary = "Store a message";
  add.description =
      "`data` is any JSON and is stored as it stands; with `encoding` text or base64 it is a text "
      "that stands for the bytes. `expected_sequence` and `expected_subject_sequence` make it "
      "409 when the stream, or the subject, ends with another sequence; 0 means: with none. "
      "`id` is stored once within the stream's duplicate window.";
  add.body = Body::required_json;
  add.max_body_bytes = 16U << 20U;
  add.request_schema = R"({"$ref":"#/components/schemas/NewStreamMessage"})";
  constexpr std::string_view kStored = R"({"type":"object","required":["sequence"],"properties":{
      "stream":{"type":"string"},"subject":{"type":"string"},"sequence":{"type":"integer"},
      "duplicate":{"type":"boolean"}}})";
  add.answers = {{201, "Stored.", kStored}, {200, "The id was there before.", kStored}};
  add.errors.insert(add.errors.end(), {{Code::invalid, "invalid_message"},
                                       {Code::invalid, "bad_message"},
                                       {Code::invalid, "bad_subject"},
                                       {Code::invalid, "subject_required"},
                                       {Code::invalid, "stream_refused"},
                                       {Code::conflict, "not_in_stream"},
                                       {Code::conflict, "wrong_last_sequence"},
                                       {Code::too_large, "message_too_large"},
                                       {Code::out_of_space, "stream_full"}});
  table.push_back(std::move(add));

  auto page = stream_command("streams.read", "GET", kMessages, services, read);
  page.summary = "A page of messages, oldest first";
  page.query = {{"from", "a sequence; -10: the last ten", R"({"type":"integer"})"},
                {"since", "in place of it, a time (RFC 3339): stored then or later"},
                {"subject", "only what matches; `*` and `>` as NATS has them"},
                {"limit", "1 to 1000, 100 when not given",
                 R"({"type":"integer","minimum":1,"maximum":1000})"}};
  page.answers = {{200, "`next_from` is null at the end.",
                   R"({"type":"object","required":["items","next_from","last_sequence"],
      "properties":{"items":{"type":"array","items":{"$ref":"#/components/schemas/StreamMessage"}},
      "next_from":{"type":["integer","null"]},"last_sequence":{"type":"integer"}}})"}};
  page.errors.push_back({Code::bad_request, "bad_parameter"});
  page.errors.push_back({Code::invalid, "bad_subject"});
  table.push_back(std::move(page));

  auto one = stream_command("streams.message", "GET", kMessage, services, read_one);
  one.summary = "A message by its sequence";
  one.answers = {{200, "The message.", kMessageRef}};
  one.errors.push_back({Code::not_found, "message_not_found"});
  one.errors.push_back({Code::bad_request, "bad_parameter"});
  table.push_back(std::move(one));

  auto gone = stream_command("streams.message.delete", "DELETE", kMessage, services, remove_one);
  gone.summary = "Delete a message";
  gone.answers = {{200, "Gone.", R"({"type":"object"})"}};
  gone.errors.push_back({Code::not_found, "message_not_found"});
  gone.errors.push_back({Code::bad_request, "bad_parameter"});
  gone.errors.push_back({Code::invalid, "stream_refused"});
  table.push_back(std::move(gone));
}

}  // namespace

void add_stream_commands(CommandTable& table, Services& services) {
  add_streams(table, services);
  add_messages(table, services);
  add_consumer_commands(table, services);
}

}  // namespace weir::api
