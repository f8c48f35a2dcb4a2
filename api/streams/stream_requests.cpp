#include "api/streams/stream_requests.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "jobs/fields.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/streams/message.hpp"

namespace weir::api {
namespace {

constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
constexpr Millis kLongest = std::chrono::hours(24 * 365 * 10);
constexpr Millis kLongestFetch{30'000};
constexpr std::size_t kMaxAcks = 1'000;
constexpr std::size_t kMaxSubjects = 100;
constexpr std::size_t kMaxHeaders = 64;
constexpr std::size_t kMaxHeaderBytes = 4'096;

using jobs::FieldErrors;
using jobs::Fields;

std::vector<std::string> read_subjects(Fields& fields, std::string_view name) {
  std::vector<std::string> out;
  std::size_t index = 0;
  for (const auto subject : fields.array(name, kMaxSubjects).elements()) {
    auto text = subject.as_string();
    if (!text) {
      fields.errors().wrong_type(std::string(name) + "[" + std::to_string(index) + "]", "a string",
                                 subject);
    }
    out.push_back(std::move(text).value_or(""));
    ++index;
  }
  return out;
}

std::optional<std::string> one_of(Fields& fields, std::string_view name,
                                  std::initializer_list<std::string_view> words) {
  auto text = fields.text(name, 32);
  if (!text || std::find(words.begin(), words.end(), *text) != words.end()) return text;
  std::string list;
  for (const auto word : words) list.append(list.empty() ? "" : ", ").append(word);
  fields.complain(name, "must be one of: " + list);
  return std::nullopt;
}

std::optional<Millis> duration(Fields& fields, std::string_view name, Millis least) {
  const auto ms = fields.duration_ms(name, least, kLongest);
  return ms ? std::optional(Millis{*ms}) : std::nullopt;
}

std::optional<std::uint64_t> natural(Fields& fields, std::string_view name, std::int64_t least) {
  const auto number = fields.integer(name, least, kMost);
  return number ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

bool is_header_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != ':';
  });
}

bool is_header_value(std::string_view value) {
  return value.size() <= kMaxHeaderBytes && std::none_of(value.begin(), value.end(), [](char c) {
           return c == '\r' || c == '\n' || c == '\0';
         });
}

// These have fields of their own.
bool is_ours(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower.starts_with("nats-expected-") || lower == "nats-msg-id";
}

nats::Headers read_headers(Fields& fields) {
  nats::Headers out;
  for (const auto& member : fields.object("headers").members()) {
    const auto name = member.key();
    const auto value = member.value.as_string();
    const auto field = "headers." + name.substr(0, 128);
    if (!is_header_name(name)) {
      fields.errors().invalid(field, "is not the name of a header");
    } else if (is_ours(name)) {
      fields.errors().invalid(field, "is said by id, expected_sequence, expected_subject_sequence");
    } else if (!value || !is_header_value(*value)) {
      fields.errors().invalid(field, "must be a text of one line, at most 4096 bytes");
    } else {
      out.emplace_back(name, *value);
    }
  }
  if (out.size() > kMaxHeaders) fields.complain("headers", "at most 64");
  return out;
}

}  // namespace

std::optional<std::uint64_t> parse_sequence(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Result<streams::StreamSettings> read_stream_settings(json::View body) {
  FieldErrors errors;
  Fields fields(errors, body);
  streams::StreamSettings out;
  out.subjects = read_subjects(fields, "subjects");
  out.description = fields.text("description", 4'096);
  out.retention = one_of(fields, "retention", {"limits", "interest", "workqueue"});
  out.storage = one_of(fields, "storage", {"file", "memory"});
  out.discard = one_of(fields, "discard", {"old", "new"});
  out.max_age = duration(fields, "max_age_ms", Millis{0});
  out.max_bytes = fields.integer("max_bytes", -1, kMost);
  out.max_messages = fields.integer("max_messages", -1, kMost);
  out.max_messages_per_subject = fields.integer("max_messages_per_subject", -1, kMost);
  out.max_message_bytes = fields.integer("max_message_bytes", -1, 1LL << 30U);
  out.duplicate_window = duration(fields, "duplicate_window_ms", Millis{0});
  if (const auto replicas = fields.integer("replicas", 0, 5)) {
    out.replicas = static_cast<int>(*replicas);
  }
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_stream", "The stream cannot be made so.");
  return out;
}

Result<streams::Purge> read_purge(json::View body) {
  FieldErrors errors;
  Fields fields(errors, body);
  streams::Purge out;
  out.subject = fields.text("subject", 1'024).value_or("");
  out.below = natural(fields, "below", 1).value_or(0);
  out.keep = natural(fields, "keep", 1).value_or(0);
  if (out.below > 0 && out.keep > 0) fields.complain("keep", "does not go with below");
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_request", "The purge cannot be done so.");
  return out;
}

Result<streams::Publish> read_publish(json::View body) {
  FieldErrors errors;
  Fields fields(errors, body);
  streams::Publish out;
  out.subject = fields.text("subject", 1'024).value_or("");
  out.headers = read_headers(fields);
  out.id = fields.text("id", 256).value_or("");
  if (!is_header_value(out.id)) fields.complain("id", "must be a text of one line");
  out.expected_sequence = natural(fields, "expected_sequence", 0);
  out.expected_subject_sequence = natural(fields, "expected_subject_sequence", 0);
  const auto encoding = one_of(fields, "encoding", {"json", "text", "base64"});
  const auto data = fields.raw("data");
  if (data.is_missing()) fields.complain("data", "is required");
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_message", "The message cannot be stored so.");
  WEIR_ASSIGN(out.data, streams::bytes_of(data, encoding.value_or("")));
  return out;
}

Result<streams::Read> read_page_query(const http::Request& request) {
  streams::Read out;
  WEIR_ASSIGN(const auto limit,
              query_int(request, "limit", 100, 1, static_cast<std::int64_t>(streams::kMaxPage)));
  out.limit = static_cast<std::size_t>(limit);
  WEIR_ASSIGN(const auto from, query_int(request, "from", 0, -kMost, kMost));
  if (from < 0) {
    out.last = static_cast<std::uint64_t>(-from);
  } else {
    out.from = static_cast<std::uint64_t>(from);
  }
  out.subject = request.query_value("subject").value_or("");
  if (const auto since = request.query_value("since")) {
    const auto time = parse_rfc3339(*since);
    if (!time) return bad_parameter("since", "a time such as 2026-11-21T10:00:00Z");
    if (from != 0) return bad_parameter("since", "not together with from");
    out.since = *time;
  }
  return out;
}

Result<streams::ConsumerSettings> read_consumer_settings(json::View body) {
  FieldErrors errors;
  Fields fields(errors, body);
  streams::ConsumerSettings out;
  out.description = fields.text("description", 4'096);
  out.filter_subjects = read_subjects(fields, "filter_subjects");
  out.deliver = one_of(fields, "deliver", {"all", "last", "new", "last_per_subject"});
  out.start_sequence = natural(fields, "start_sequence", 1);
  if (const auto at = fields.time_ms("start_at")) out.start_at = from_unix_ms(*at);
  if ((out.deliver ? 1 : 0) + (out.start_sequence ? 1 : 0) + (out.start_at ? 1 : 0) > 1) {
    fields.complain("deliver", "give one of deliver, start_sequence and start_at");
  }
  if (out.deliver == "last_per_subject" && out.filter_subjects.empty()) {
    fields.complain("filter_subjects", "is required for deliver last_per_subject");
  }
  out.ack = one_of(fields, "ack", {"explicit", "all", "none"});
  out.ack_wait = duration(fields, "ack_wait_ms", Millis{100});
  out.max_deliver = fields.integer("max_deliver", -1, 1'000'000);
  out.max_ack_pending = fields.integer("max_ack_pending", -1, 1'000'000);
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_consumer", "The consumer cannot be made so.");
  return out;
}

Result<FetchWish> read_fetch(json::View body) {
  FieldErrors errors;
  Fields fields(errors, body);
  FetchWish out;
  out.max = static_cast<std::size_t>(fields.integer("max", 1, 1'000).value_or(1));
  out.wait = Millis{fields.duration_ms("wait_ms", Millis{0}, kLongestFetch).value_or(0)};
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_request", "The request is not valid.");
  return out;
}

Result<Acks> read_acks(json::View body, bool takes_delay) {
  FieldErrors errors;
  Fields fields(errors, body);
  Acks out;
  std::size_t index = 0;
  for (const auto token : fields.array("acks", kMaxAcks).elements()) {
    auto text = token.as_string();
    if (!text || text->empty() || text->size() > 1'024) {
      errors.invalid("acks[" + std::to_string(index) + "]", "must be the ack of a message");
    }
    out.tokens.push_back(std::move(text).value_or(""));
    ++index;
  }
  if (index == 0) fields.complain("acks", "must name at least one message");
  if (takes_delay) {
    out.delay = Millis{fields.duration_ms("delay_ms", Millis{0}, kLongest).value_or(0)};
  }
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_request", "The request is not valid.");
  return out;
}

}  // namespace weir::api
