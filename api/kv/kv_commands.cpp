// /v1/kv: buckets and their keys as resources. An entry's revision is its ETag.
#include <charconv>

#include "api/core/commands.hpp"
#include "api/kv/kv_watch.hpp"
#include "jobs/fields.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using json::Writer;
using kv::Missing;
using kv::Store;

std::string etag(std::uint64_t revision) {
  return "\"" + std::to_string(revision) + "\"";
}

void send_entry(const Call& call, int status, std::string json, std::uint64_t revision) {
  http::Response response{.status = status, .body = std::move(json)};
  response.headers.emplace_back("ETag", etag(revision));
  response.headers.emplace_back("Cache-Control", "no-store");
  call.send(std::move(response));
}

Error key_not_found(std::string_view key) {
  return {Code::not_found, "key_not_found", "No such key.", "key: " + std::string(key)};
}

// "12", 12 or W/"12" of an If-Match or If-None-Match header.
Result<std::uint64_t> parse_etag(std::string_view name, std::string_view text) {
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() > 1 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  std::uint64_t revision = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (problem == std::errc{} && end == text.data() + text.size()) return revision;
  return Error{Code::bad_request, "bad_precondition", "The header is not an ETag of an entry.",
               std::string(name) + ": " + std::string(text.substr(0, 60))};
}

struct Precondition {
  std::optional<std::uint64_t> revision;
  bool must_be_missing = false;  // If-None-Match: *
  bool must_exist = false;       // If-Match: *
};

Result<Precondition> precondition_of(const http::Request& request) {
  Precondition out;
  const auto match = request.header("if-match");
  const auto none = request.header("if-none-match");
  out.must_exist = match == "*";
  out.must_be_missing = none == "*";
  if (!match.empty() && !out.must_exist) {
    WEIR_ASSIGN(out.revision, parse_etag("If-Match", match));
  }
  if (!none.empty() && !out.must_be_missing) {
    return Error{Code::bad_request, "bad_precondition", "The header is not an ETag of an entry.",
                 "If-None-Match: only * when writing"};
  }
  return out;
}

Error not_as_asked(std::string_view key, bool exists) {
  if (!exists) return key_not_found(key);
  return {Code::conflict, "key_exists", "The key exists already.", "key: " + std::string(key)};
}

std::string history_json(const std::vector<kv::Entry>& entries) {
  Writer out;
  out.begin_object().key("items").begin_array();
  for (const auto& entry : entries) out.raw(to_json(entry));
  return out.end_array().end_object().take();
}

Result<void> get_history(Services& services, const Call& call) {
  std::vector<kv::Entry> entries;
  WEIR_TRY(services.kv.with(call.param("bucket"), Missing::refuse,
                            [&](const Store& store) -> Result<void> {
                              WEIR_ASSIGN(entries, store.history(call.param("key")));
                              return {};
                            }));
  if (entries.empty()) return key_not_found(call.param("key"));
  call.reply(200, history_json(entries));
  return {};
}

Result<void> get_key(Services& services, const Call& call) {
  const auto& request = call.request();
  WEIR_ASSIGN(const bool watch, query_bool(request, "watch"));
  if (watch) return follow_keys(services, call);
  WEIR_ASSIGN(const bool history, query_bool(request, "history"));
  if (history) return get_history(services, call);
  WEIR_ASSIGN(const bool raw, query_bool(request, "raw"));
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  WEIR_ASSIGN(const auto revision, query_int(request, "revision", 0, 1, kMost));
  const auto key = call.param("key");
  std::optional<kv::Entry> entry;
  WEIR_TRY(services.kv.with(
      call.param("bucket"), Missing::refuse, [&](const Store& store) -> Result<void> {
        if (revision > 0) {
          WEIR_ASSIGN(entry, store.get_revision(key, static_cast<std::uint64_t>(revision)));
        } else {
          WEIR_ASSIGN(entry, store.get(key));
        }
        return {};
      }));
  if (!entry) return key_not_found(key);
  const auto known = request.header("if-none-match");
  if (known == etag(entry->revision) || known == "*") {
    send_entry(call, 304, "", entry->revision);
    return {};
  }
  send_entry(call, 200, raw ? entry->value : to_json(*entry), entry->revision);
  return {};
}

Result<void> put_key(Services& services, const Call& call) {
  const auto& request = call.request();
  if (request.body.empty()) {
    return Error{Code::bad_request, "body_required", "The request needs a JSON body.",
                 "the value, as any JSON"};
  }
  WEIR_TRY(json::check(request.body));
  WEIR_ASSIGN(const auto condition, precondition_of(request));
  WEIR_ASSIGN(const auto ttl, query_duration(request, "ttl", kv::kLongestTtl));
  kv::SetOptions options{.revision = condition.revision};
  if (ttl.count() > 0) options.ttl = ttl;
  if (condition.must_be_missing) options.condition = kv::Condition::if_missing;
  if (condition.must_exist) options.condition = kv::Condition::if_present;
  const auto key = call.param("key");
  kv::SetResult result;
  WEIR_TRY(services.kv.with(call.param("bucket"), Missing::create,
                            [&](const Store& store) -> Result<void> {
                              WEIR_ASSIGN(result, store.set(key, request.body, options));
                              return {};
                            }));
  if (!result.written) return not_as_asked(key, condition.must_be_missing);
  Writer out;
  out.begin_object().member("bucket", call.param("bucket")).member("key", key);
  out.member("revision", result.revision).member("created", !result.previous);
  send_entry(call, result.previous ? 200 : 201, out.end_object().take(), result.revision);
  return {};
}

Result<void> delete_key(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto condition, precondition_of(call.request()));
  const auto key = call.param("key");
  bool deleted = false;
  WEIR_TRY(services.kv.with(call.param("bucket"), Missing::refuse,
                            [&](const Store& store) -> Result<void> {
                              WEIR_ASSIGN(deleted, store.remove(key, condition.revision));
                              return {};
                            }));
  if (!deleted) return key_not_found(key);
  call.reply(200, R"({"deleted":true})");
  return {};
}

void write_bucket(Writer& out, const nats::BucketInfo& info) {
  out.member("bucket", info.name).member("history", info.config.history);
  out.member("ttl_ms", static_cast<std::int64_t>(info.config.ttl.count()));
  out.member("max_bytes", info.config.max_bytes);
  out.member("max_value_bytes", info.config.max_value_bytes);
  out.member("replicas", info.config.replicas).member("bytes", info.bytes);
  out.member("values", info.values).member("revision", info.last_revision);
  out.member("server_ttl", info.message_ttl).member("atomic", info.atomic);
}

Result<void> list_buckets(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto buckets, services.kv.buckets());
  Writer out;
  out.begin_object().key("items").begin_array();
  for (const auto& info : buckets) {
    out.begin_object();
    write_bucket(out, info);
    out.end_object();
  }
  call.reply(200, out.end_array().end_object().take());
  return {};
}

Result<void> get_bucket(Services& services, const Call& call) {
  const auto& request = call.request();
  WEIR_ASSIGN(const bool watch, query_bool(request, "watch"));
  if (watch) return follow_keys(services, call);
  constexpr std::int64_t kMost = 10'000;
  WEIR_ASSIGN(const auto limit, query_int(request, "limit", 100, 1, kMost));
  const auto after = kv::cursor_key(request.query_value("cursor").value_or(""));
  if (!after) return bad_parameter("cursor", "next_cursor of the page before");
  const auto prefix = request.query_value("prefix").value_or("");
  const auto bucket = call.param("bucket");
  WEIR_ASSIGN(const auto stats, services.kv.stats(bucket));
  WEIR_ASSIGN(const auto page,
              services.kv.page(bucket, prefix, *after, static_cast<std::size_t>(limit)));
  Writer out;
  out.begin_object();
  write_bucket(out, stats.info);
  out.member("keys", static_cast<std::uint64_t>(stats.keys)).key("items").begin_array();
  for (const auto& key : page.keys) out.value(key);
  out.end_array().key("next_cursor");
  if (page.more) {
    out.value(kv::cursor_of(page.keys.back()));
  } else {
    out.null();
  }
  call.reply(200, out.end_object().take());
  return {};
}

Result<void> put_bucket(Services& services, const Call& call) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  jobs::FieldErrors errors;
  jobs::Fields fields(errors, call.body());
  nats::BucketConfig config;
  config.history = static_cast<int>(fields.integer("history", 1, 64).value_or(1));
  config.ttl = Millis{fields.duration_ms("ttl_ms", Millis{0}, kv::kLongestTtl).value_or(0)};
  config.max_bytes = fields.integer("max_bytes", -1, kMost).value_or(-1);
  config.max_value_bytes = fields.integer("max_value_bytes", -1, 1LL << 31U).value_or(-1);
  config.replicas = static_cast<int>(fields.integer("replicas", 0, 5).value_or(0));
  fields.finish();
  if (!errors.empty()) {
    return errors.error("bad_bucket", "The bucket cannot be made so.");
  }
  WEIR_ASSIGN(const auto info, services.kv.create_bucket(call.param("bucket"), config));
  Writer out;
  out.begin_object();
  write_bucket(out, info);
  call.reply(201, out.end_object().take());
  return {};
}

Result<void> delete_bucket(Services& services, const Call& call) {
  WEIR_TRY(services.kv.delete_bucket(call.param("bucket")));
  call.reply(200, R"({"deleted":true})");
  return {};
}

using Work = Result<void> (*)(Services&, const Call&);

constexpr std::string_view kBucketPath = "/v1/kv/{bucket}";
constexpr std::string_view kKeyPath = "/v1/kv/{bucket}/{key}";
constexpr std::string_view kWatching =
    "With `watch=true` the answer is Server-Sent Events: what is there, then `ready`, then every "
    "change. The type of an event is `put`, `delete` or `purge`, its data the entry, its id where "
    "to go on (`Last-Event-ID`). `reset` says that the bucket was made anew since.";
constexpr std::string_view kEntrySchema = R"({"$ref":"#/components/schemas/KvEntry"})";
constexpr std::string_view kBucketSchema = R"({"$ref":"#/components/schemas/KvBucket"})";

Command kv_command(std::string_view name, std::string_view method, std::string_view path,
                   Scope scope, Services& services, Work work) {
  Command command{.name = name, .method = method, .path = path};
  command.tag = "Key-value";
  command.scope = scope;
  command.handler = [&services, work](const Call& call) {
    if (const auto done = work(services, call); !done) call.fail(done.error());
  };
  command.errors = {{Code::invalid, "bad_bucket_name"},
                    {Code::forbidden, "reserved_bucket"},
                    {Code::unavailable, "nats_unavailable"},
                    {Code::unavailable, "no_responders"}};
  if (method != "PUT" && path != "/v1/kv") {
    command.errors.push_back({Code::not_found, "bucket_not_found"});
  }
  if (path == kKeyPath) command.errors.push_back({Code::invalid, "bad_key"});
  return command;
}

void add_bucket_commands(CommandTable& table, Services& services) {
  auto list = kv_command("kv.buckets", "GET", "/v1/kv", Scope::kv_read, services, list_buckets);
  list.summary = "All buckets";
  list.answers = {{200, "Without the coordinator's own.", R"({"type":"object","properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/KvBucket"}}}})"}};
  table.push_back(std::move(list));

  auto get = kv_command("kv.bucket", "GET", kBucketPath, Scope::kv_read, services, get_bucket);
  get.summary = "A bucket and a page of its keys";
  get.description = kWatching;
  get.query = {
      {"prefix", "keys that begin so"},
      {"watch", "follow the keys", R"({"type":"boolean"})"},
      {"after", "when watching: go on after this id or revision"},
      {"updates", "when watching: only what is written from now on", R"({"type":"boolean"})"},
      {"limit", "keys per page", R"({"type":"integer","minimum":1,"maximum":10000})"},
      {"cursor", "next_cursor of the page before"}};
  get.answers = {{200, "`items` are keys, in the order of their bytes.", kBucketSchema}};
  get.errors.push_back({Code::bad_request, "bad_parameter"});
  get.errors.push_back({Code::unavailable, "index_behind"});
  get.errors.push_back({Code::out_of_space, "too_many_keys_in_bucket"});
  table.push_back(std::move(get));

  auto put = kv_command("kv.bucket.put", "PUT", kBucketPath, Scope::kv_write, services, put_bucket);
  put.summary = "Make a bucket";
  put.description = "Again with the same configuration changes nothing.";
  put.body = Body::optional_json;
  put.request_schema = R"({"type":"object","properties":{
      "history":{"type":"integer","minimum":1,"maximum":64},"ttl_ms":{"type":["integer","string"]},
      "max_bytes":{"type":"integer"},"max_value_bytes":{"type":"integer"},
      "replicas":{"type":"integer","minimum":0,"maximum":5}}})";
  put.answers = {{201, "It is there.", kBucketSchema}};
  put.errors.push_back({Code::conflict, "bucket_exists"});
  put.errors.push_back({Code::invalid, "bad_bucket"});
  table.push_back(std::move(put));

  auto gone = kv_command("kv.bucket.delete", "DELETE", kBucketPath, Scope::kv_write, services,
                         delete_bucket);
  gone.summary = "Delete a bucket and everything in it";
  gone.answers = {{200, "Gone.", R"({"type":"object"})"}};
  table.push_back(std::move(gone));
}

void add_entry_commands(CommandTable& table, Services& services) {
  auto get = kv_command("kv.entry", "GET", kKeyPath, Scope::kv_read, services, get_key);
  get.summary = "An entry, one of its revisions, or its history";
  get.description =
      "The `ETag` is the revision; `If-None-Match` with it answers 304. `watch=true` follows the "
      "key as it does the keys of a bucket.";
  get.query = {
      {"raw", "the value alone", R"({"type":"boolean"})"},
      {"watch", "follow the key", R"({"type":"boolean"})"},
      {"after", "when watching: go on after this id or revision"},
      {"updates", "when watching: only what is written from now on", R"({"type":"boolean"})"},
      {"revision", "the entry as it was then", R"({"type":"integer","minimum":1})"},
      {"history", "every revision that is kept, oldest first", R"({"type":"boolean"})"}};
  get.answers = {{200, "The entry.", kEntrySchema}, {304, "It is the one you know."}};
  get.errors.push_back({Code::not_found, "key_not_found"});
  get.errors.push_back({Code::bad_request, "bad_parameter"});
  table.push_back(std::move(get));

  auto put = kv_command("kv.entry.put", "PUT", kKeyPath, Scope::kv_write, services, put_key);
  put.summary = "Write a value";
  put.description =
      "The body is the value, any JSON. `If-Match: \"<revision>\"` writes only over that one, "
      "`If-Match: *` only when there is one, `If-None-Match: *` only when there is none. A bucket "
      "that does not exist is made.";
  put.body = Body::raw;
  put.max_body_bytes = 8U << 20U;
  put.request_schema = "{}";
  put.query = {{"ttl", "how long it lives: milliseconds, or a text such as 90s"}};
  put.answers = {{200, "Written over another value.", R"({"type":"object"})"},
                 {201, "Written where there was none.", R"({"type":"object"})"}};
  put.errors.insert(put.errors.end(), {{Code::bad_request, "bad_precondition"},
                                       {Code::bad_request, "body_required"},
                                       {Code::bad_request, "invalid_json"},
                                       {Code::not_found, "key_not_found"},
                                       {Code::conflict, "key_exists"},
                                       {Code::conflict, "wrong_last_sequence"},
                                       {Code::too_large, "value_too_large"},
                                       {Code::too_large, "message_too_large"},
                                       {Code::out_of_space, "stream_full"},
                                       {Code::deadline_exceeded, "nats_timeout"}});
  table.push_back(std::move(put));

  auto gone =
      kv_command("kv.entry.delete", "DELETE", kKeyPath, Scope::kv_write, services, delete_key);
  gone.summary = "Delete a key";
  gone.description = "`If-Match` as when writing.";
  gone.answers = {{200, "Deleted.", R"({"type":"object"})"}};
  gone.errors.push_back({Code::not_found, "key_not_found"});
  gone.errors.push_back({Code::conflict, "wrong_last_sequence"});
  table.push_back(std::move(gone));
}

}  // namespace

void add_kv_commands(CommandTable& table, Services& services, rpc::Dispatcher& dispatcher) {
  add_bucket_commands(table, services);
  add_entry_commands(table, services);
  add_plain_kv_commands(table, services, dispatcher);
}

}  // namespace weir::api
