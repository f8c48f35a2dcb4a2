#include "pkg/nats/jetstream.hpp"

#include <algorithm>
#include <charconv>

#include "pkg/base/base64.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::nats {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr int kClusterReplicas = 3;  // what kAutomaticReplicas asks of a cluster
constexpr std::string_view kNotClustered = "(NATS error 10074)";

std::uint64_t number(json::View view, std::string_view key) {
  const auto value = view.find(key).as_int();
  return value && *value > 0 ? static_cast<std::uint64_t>(*value) : 0;
}

// JetStream says "no limit" as -1 or 0.
std::int64_t limit(json::View config, std::string_view key) {
  const auto value = config.find(key).as_int().value_or(-1);
  return value > 0 ? value : -1;
}

StreamInfo read_info(json::View answer) {
  const auto config = answer.find("config");
  const auto state = answer.find("state");
  StreamInfo info;
  info.name = config.find("name").as_string().value_or("");
  info.description = config.find("description").as_string().value_or("");
  info.messages = number(state, "messages");
  info.bytes = number(state, "bytes");
  info.first_sequence = number(state, "first_seq");
  info.last_sequence = number(state, "last_seq");
  info.consumers = number(state, "consumer_count");
  info.subjects = number(state, "num_subjects");
  info.created = answer.find("created").as_string().value_or("");
  info.replicas = static_cast<int>(number(config, "num_replicas"));
  const auto cluster = answer.find("cluster");
  info.clustered = cluster.is_object();
  if (info.clustered) {
    info.replicas_current = cluster.find("leader").as_string().value_or("").empty() ? 0 : 1;
    for (const auto peer : cluster.find("replicas").elements()) {
      const bool lives = !peer.find("offline").as_bool().value_or(false);
      if (lives && peer.find("current").as_bool().value_or(false)) ++info.replicas_current;
    }
  }
  info.discard = config.find("discard").as_string().value_or("old");
  info.max_bytes = limit(config, "max_bytes");
  info.max_messages = limit(config, "max_msgs");
  info.max_age = Millis{static_cast<std::int64_t>(number(config, "max_age")) / kNsPerMs};
  if (const auto time = parse_rfc3339(answer.find("ts").as_string().value_or(""))) {
    info.answered_at = *time;
  }
  return info;
}

std::string config_json(const StreamConfig& config, int replicas) {
  json::Writer out;
  out.begin_object().member("name", config.name).key("subjects").begin_array();
  for (const auto& subject : config.subjects) out.value(subject);
  out.end_array()
      .member("retention", "limits")
      .member("storage", "file")
      .member("discard", "new")
      .member("num_replicas", replicas)
      .member("max_age", config.max_age.count() * kNsPerMs)
      .member("max_bytes", config.max_bytes)
      .member("max_msgs", -1)
      .member("max_consumers", -1)
      .member("max_msg_size", -1)
      .member("max_msgs_per_subject", config.max_messages_per_subject)
      .member("duplicate_window", config.duplicate_window.count() * kNsPerMs)
      .member("allow_direct", true);
  if (!config.description.empty()) out.member("description", config.description);
  if (config.key_value) out.member("allow_rollup_hdrs", true).member("deny_delete", true);
  out.end_object();
  return out.take();
}

bool same_subjects(json::View answer, const std::vector<std::string>& wanted) {
  std::vector<std::string> have;
  for (const auto subject : answer.find("config").find("subjects").elements()) {
    have.push_back(subject.as_string().value_or(""));
  }
  auto sorted = wanted;
  std::sort(sorted.begin(), sorted.end());
  std::sort(have.begin(), have.end());
  return have == sorted;
}

// "NATS/1.0\r\nName: value\r\n\r\n"
Headers parse_headers(std::string_view block) {
  Headers headers;
  while (!block.empty()) {
    const auto end = block.find("\r\n");
    const auto line = block.substr(0, end);
    block = end == std::string_view::npos ? std::string_view() : block.substr(end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    auto value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    headers.emplace_back(std::string(line.substr(0, colon)), std::string(value));
  }
  return headers;
}

StoredMessage read_message(json::View message) {
  StoredMessage stored;
  stored.sequence = number(message, "seq");
  stored.subject = message.find("subject").as_string().value_or("");
  stored.data = base64_decode(message.find("data").as_string().value_or("")).value_or("");
  stored.headers =
      parse_headers(base64_decode(message.find("hdrs").as_string().value_or("")).value_or(""));
  if (const auto time = parse_rfc3339(message.find("time").as_string().value_or(""))) {
    stored.time_ns = to_unix_ms(*time) * kNsPerMs;
  }
  return stored;
}

// The answer to a direct get is the message itself, with where it came from in headers.
Result<StoredMessage> read_direct(Message answer) {
  if (answer.status == "404") return api_error(404, 10037, "no message found");
  if (!answer.status.empty()) return api_error(400, 0, "direct get answered " + answer.status);
  StoredMessage stored;
  stored.data = std::move(answer.data);
  for (auto& [name, value] : answer.headers) {
    if (name == "Nats-Sequence") {
      std::from_chars(value.data(), value.data() + value.size(), stored.sequence);
    } else if (name == "Nats-Subject") {
      stored.subject = value;
    } else if (name == "Nats-Time-Stamp") {
      if (const auto time = parse_rfc3339(value)) stored.time_ns = to_unix_ms(*time) * kNsPerMs;
    } else if (name != "Nats-Stream") {
      stored.headers.emplace_back(std::move(name), std::move(value));
    }
  }
  return stored;
}

}  // namespace

Error api_error(int code, int err_code, const std::string& description) {
  const std::string details = description + " (NATS error " + std::to_string(err_code) + ")";
  switch (err_code) {
    case 10059:
      return Error{Code::not_found, "stream_not_found", "The stream does not exist", details};
    case 10037:
      return Error{Code::not_found, "message_not_found", "The stream has no such message", details};
    case 10058:
      return Error{Code::conflict, "stream_exists", "The stream exists with another configuration",
                   details};
    case 10071:
    case 10163:
    case 10164:
      return Error{Code::conflict, "wrong_last_sequence", "Somebody else wrote first", details};
    case 10077:
    case 10047:
    case 10023:
      return Error{Code::out_of_space, "stream_full", "The NATS server has no room for more",
                   details};
    case 10005:
      return Error{Code::unavailable, "too_few_servers",
                   "The NATS cluster has too few servers for the replicas asked for", details};
    case 10166:
      return Error{Code::conflict, "message_ttl_disabled", "The stream takes no per-message TTL",
                   details};
    default:
      break;
  }
  if (code == 503)
    return Error{Code::unavailable, "jetstream_unavailable", "JetStream is not available now",
                 details};
  if (code == 404)
    return Error{Code::not_found, "message_not_found", "JetStream does not have it", details};
  return Error{Code::internal, "jetstream_error", "JetStream refused the request", details};
}

JetStream::JetStream(std::shared_ptr<Connection> connection, Millis timeout)
    : connection_(std::move(connection)), timeout_(timeout) {}

Result<std::string> JetStream::call(std::string_view verb, std::string_view body) const {
  const std::string subject = "$JS.API." + std::string(verb);
  WEIR_ASSIGN(Message answer, connection_->request(subject, body, timeout_));
  WEIR_TRY(json::check(answer.data));
  const auto error = json::View(answer.data).find("error");
  if (error.is_object()) {
    return api_error(static_cast<int>(error.find("code").as_int().value_or(0)),
                     static_cast<int>(error.find("err_code").as_int().value_or(0)),
                     error.find("description").as_string().value_or(""));
  }
  return std::move(answer.data);
}

Result<AccountInfo> JetStream::account_info() const {
  WEIR_ASSIGN(const std::string answer, call("INFO", ""));
  const json::View view(answer);
  return AccountInfo{static_cast<int>(number(view.find("api"), "level")), number(view, "streams")};
}

Result<StreamInfo> JetStream::ensure_stream(const StreamConfig& config) const {
  auto existing = call("STREAM.INFO." + config.name, "");
  if (!existing) {
    if (existing.error().reason != "stream_not_found") return std::move(existing).error();
    existing = create_stream(config);
    // Two coordinators that start together create it together.
    if (!existing && existing.error().code == Code::conflict)
      existing = call("STREAM.INFO." + config.name, "");
    if (!existing) return std::move(existing).error();
  }
  const json::View view(*existing);
  if (!same_subjects(view, config.subjects)) {
    return Error{Code::conflict, "stream_mismatch",
                 "A stream of this name exists with other subjects", config.name};
  }
  return read_info(view);
}

// What a server does not understand it may leave out without a word: the answer is what counts.
Result<std::string> JetStream::create_stream(const StreamConfig& config) const {
  const std::string verb = "STREAM.CREATE." + config.name;
  const bool automatic = config.replicas == kAutomaticReplicas;
  const int replicas = automatic ? kClusterReplicas : config.replicas;
  auto made = call(verb, config_json(config, replicas));
  if (!made && automatic && made.error().details.ends_with(kNotClustered)) {
    made = call(verb, config_json(config, 1));
  }
  if (!made) return made;
  const auto info = read_info(json::View(*made));
  if (info.discard == "new" && info.max_bytes == config.max_bytes &&
      info.max_age == config.max_age) {
    return made;
  }
  return Error{Code::internal, "jetstream_error", "NATS made the stream otherwise than asked",
               config.name};
}

Result<StreamInfo> JetStream::stream_info(std::string_view stream) const {
  WEIR_ASSIGN(const std::string answer, call("STREAM.INFO." + std::string(stream), ""));
  return read_info(json::View(answer));
}

Result<std::vector<StreamInfo>> JetStream::streams() const {
  std::vector<StreamInfo> all;
  std::uint64_t total = 1;
  while (all.size() < total) {
    WEIR_ASSIGN(const std::string answer,
                call("STREAM.LIST", "{\"offset\":" + std::to_string(all.size()) + "}"));
    const json::View view(answer);
    total = number(view, "total");
    const std::size_t before = all.size();
    for (const auto stream : view.find("streams").elements()) all.push_back(read_info(stream));
    if (all.size() == before) break;
  }
  return all;
}

Result<void> JetStream::delete_stream(std::string_view stream) const {
  const auto answer = call("STREAM.DELETE." + std::string(stream), "");
  if (!answer) return answer.error();
  return {};
}

Result<void> JetStream::purge_below(std::string_view stream, std::uint64_t sequence) const {
  const auto answer =
      call("STREAM.PURGE." + std::string(stream), "{\"seq\":" + std::to_string(sequence) + "}");
  if (!answer) return answer.error();
  return {};
}

Result<void> JetStream::delete_message(std::string_view stream, std::uint64_t sequence) const {
  const auto answer = call("STREAM.MSG.DELETE." + std::string(stream),
                           "{\"seq\":" + std::to_string(sequence) + ",\"no_erase\":true}");
  if (!answer) return answer.error();
  return {};
}

Result<StoredMessage> JetStream::message(std::string_view stream, std::uint64_t sequence) const {
  WEIR_ASSIGN(const std::string answer, call("STREAM.MSG.GET." + std::string(stream),
                                             "{\"seq\":" + std::to_string(sequence) + "}"));
  return read_message(json::View(answer).find("message"));
}

Result<StoredMessage> JetStream::last_message(std::string_view stream,
                                              std::string_view subject) const {
  WEIR_ASSIGN(const std::string answer, call("STREAM.MSG.GET." + std::string(stream),
                                             "{\"last_by_subj\":" + json::quoted(subject) + "}"));
  return read_message(json::View(answer).find("message"));
}

Result<StoredMessage> JetStream::direct_get(const std::string& subject,
                                            std::string_view body) const {
  WEIR_ASSIGN(Message answer,
              connection_->request("$JS.API.DIRECT.GET." + subject, body, timeout_));
  return read_direct(std::move(answer));
}

Result<StoredMessage> JetStream::direct_message(std::string_view stream,
                                                std::uint64_t sequence) const {
  return direct_get(std::string(stream), "{\"seq\":" + std::to_string(sequence) + "}");
}

Result<StoredMessage> JetStream::direct_last_message(std::string_view stream,
                                                     std::string_view subject) const {
  return direct_get(std::string(stream) + "." + std::string(subject), "");
}

Result<StoredMessage> JetStream::next_message(std::string_view stream, std::string_view filter,
                                              std::uint64_t sequence) const {
  WEIR_ASSIGN(const std::string answer,
              call("STREAM.MSG.GET." + std::string(stream),
                   "{\"seq\":" + std::to_string(sequence) +
                       ",\"next_by_subj\":" + json::quoted(filter) + "}"));
  return read_message(json::View(answer).find("message"));
}

Result<std::uint64_t> JetStream::publish(std::string_view subject, std::string_view data,
                                         const Headers& headers) const {
  WEIR_ASSIGN(const Message answer, connection_->request(subject, data, timeout_, headers));
  WEIR_TRY(json::check(answer.data));
  const json::View view(answer.data);
  if (const auto error = view.find("error"); error.is_object()) {
    return api_error(static_cast<int>(error.find("code").as_int().value_or(0)),
                     static_cast<int>(error.find("err_code").as_int().value_or(0)),
                     error.find("description").as_string().value_or(""));
  }
  return number(view, "seq");
}

}  // namespace weir::nats
