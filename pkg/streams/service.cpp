#include "pkg/streams/service.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "pkg/json/writer.hpp"
#include "pkg/streams/names.hpp"

namespace weir::streams {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr int kClusterReplicas = 3;
constexpr std::string_view kEverything = ">";
constexpr std::array kSafePurge{2, 9, 12};  // older ones lose other messages on a filtered purge

// "2.9.10" -> {2,9,10}; zeros for what is not a number.
std::array<int, 3> version_of(std::string_view text) {
  std::array<int, 3> out{};
  for (auto& part : out) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), part);
    if (problem != std::errc{}) break;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return out;
}

bool says(const Error& error, std::string_view number) {
  return error.details.ends_with("(NATS error " + std::string(number) + ")");
}

Error not_in_stream(const std::string& name, const std::string& subject) {
  return {Code::conflict, "not_in_stream", "The subject is not one of this stream.",
          "subject: " + subject + "; stream: " + name};
}

Result<void> check_settings(const StreamSettings& settings) {
  for (const auto& subject : settings.subjects) {
    WEIR_TRY(check_subject(subject, Wildcards::allowed));
  }
  return {};
}

bool may_read(json::View info) {
  const auto name = info.find("config").find("name").as_string().value_or("");
  return check_stream(name, Access::read).has_value();
}

nats::Headers headers_of(const std::string& name, const Publish& message) {
  auto headers = message.headers;
  headers.emplace_back("Nats-Expected-Stream", name);
  if (!message.id.empty()) headers.emplace_back("Nats-Msg-Id", message.id);
  if (message.expected_sequence) {
    headers.emplace_back("Nats-Expected-Last-Sequence", std::to_string(*message.expected_sequence));
  }
  if (message.expected_subject_sequence) {
    headers.emplace_back("Nats-Expected-Last-Subject-Sequence",
                         std::to_string(*message.expected_subject_sequence));
  }
  return headers;
}

// What JetStream acknowledged, or its error.
Result<json::View> acknowledged(const std::string& data) {
  WEIR_TRY(json::check(data));
  const json::View view(data);
  const auto error = view.find("error");
  if (!error.is_object()) return view;
  return nats::api_error(static_cast<int>(error.find("code").as_int().value_or(0)),
                         static_cast<int>(error.find("err_code").as_int().value_or(0)),
                         error.find("description").as_string().value_or(""));
}

std::uint64_t unsigned_at(json::View object, std::string_view name) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, object.find(name).as_int().value_or(0)));
}

}  // namespace

Error refused(Error error) {
  if (error.reason != "jetstream_error") return error;
  if (says(error, "10065")) {
    return {Code::conflict, "subject_taken", "Another stream has such a subject.", error.details};
  }
  return {Code::invalid, "stream_refused", "JetStream does not take these settings.",
          error.details};
}

Service::Service(std::shared_ptr<nats::Connection> connection, Millis timeout)
    : jetstream_(std::move(connection), timeout) {}

Result<std::string> Service::info(const std::string& name) const {
  return jetstream_.call("STREAM.INFO." + name, "");
}

Result<std::string> Service::list() const {
  json::Writer out(1'024);
  out.begin_object().key("items").begin_array();
  std::uint64_t seen = 0;
  std::uint64_t total = 1;
  while (seen < total) {
    WEIR_ASSIGN(const auto answer,
                jetstream_.call("STREAM.LIST", "{\"offset\":" + std::to_string(seen) + "}"));
    const json::View view(answer);
    total = unsigned_at(view, "total");
    const auto before = seen;
    for (const auto stream : view.find("streams").elements()) {
      ++seen;
      if (may_read(stream)) out.raw(stream_json(stream));
    }
    if (seen == before) break;
  }
  return out.end_array().end_object().take();
}

Result<std::string> Service::get(const std::string& name) const {
  WEIR_TRY(check_stream(name, Access::read));
  WEIR_ASSIGN(const auto answer, info(name));
  return stream_json(json::View(answer));
}

// A cluster gets three replicas, a server that stands alone one.
Result<std::string> Service::create(const std::string& name, const StreamSettings& settings) const {
  const int asked = settings.replicas.value_or(0);
  const std::string verb = "STREAM.CREATE." + name;
  auto made =
      jetstream_.call(verb, new_config(name, settings, asked > 0 ? asked : kClusterReplicas));
  if (!made && asked == 0 && says(made.error(), "10074")) {
    made = jetstream_.call(verb, new_config(name, settings, 1));
  }
  return made;
}

Result<Service::Made> Service::put(const std::string& name, const StreamSettings& settings) const {
  WEIR_TRY(check_stream(name, Access::write));
  WEIR_TRY(check_settings(settings));
  if (settings.subjects.empty()) WEIR_TRY(check_subject(name, Wildcards::refused));
  const auto known = info(name);
  if (!known && known.error().reason != "stream_not_found") return known.error();
  auto made = known ? jetstream_.call("STREAM.UPDATE." + name,
                                      changed_config(json::View(*known).find("config"), settings))
                    : create(name, settings);
  if (!made) return refused(std::move(made).error());
  WEIR_ASSIGN(const auto now, info(name));
  return Made{stream_json(json::View(now)), !known};
}

Result<void> Service::remove(const std::string& name) const {
  WEIR_TRY(check_stream(name, Access::write));
  return jetstream_.delete_stream(name);
}

Result<std::uint64_t> Service::purge(const std::string& name, const Purge& purge) const {
  WEIR_TRY(check_stream(name, Access::write));
  json::Writer body;
  body.begin_object();
  if (!purge.subject.empty()) {
    WEIR_TRY(check_subject(purge.subject, Wildcards::allowed));
    const auto version = jetstream_.connection().server_version();
    if (version_of(version) < kSafePurge) {
      return Error{Code::conflict, "purge_unsafe",
                   "This nats-server may lose other messages when it purges by subject.",
                   "nats-server " + version + "; 2.9.12 and later do not"};
    }
    body.member("filter", purge.subject);
  }
  if (purge.below > 0) body.member("seq", purge.below);
  if (purge.keep > 0) body.member("keep", purge.keep);
  auto answer = jetstream_.call("STREAM.PURGE." + name, body.end_object().take());
  if (!answer) return refused(std::move(answer).error());
  return unsigned_at(json::View(*answer), "purged");
}

Result<std::string> Service::subject_for(const std::string& name, const std::string& wanted) const {
  if (!wanted.empty()) {
    WEIR_TRY(check_subject(wanted, Wildcards::refused));
    return wanted;
  }
  WEIR_ASSIGN(const auto answer, info(name));
  std::vector<std::string> subjects;
  for (const auto subject : json::View(answer).find("config").find("subjects").elements()) {
    subjects.push_back(subject.as_string().value_or(""));
  }
  if (subjects.size() == 1 && check_subject(subjects[0], Wildcards::refused)) return subjects[0];
  return Error{Code::invalid,
               "subject_required",
               "The stream has more than one subject: say which.",
               "stream: " + name,
               {{"subject", "is required here"}}};
}

Result<Published> Service::publish(const std::string& name, const Publish& message) const {
  WEIR_TRY(check_stream(name, Access::write));
  WEIR_ASSIGN(const auto subject, subject_for(name, message.subject));
  const auto answer = jetstream_.request(subject, message.data, headers_of(name, message));
  if (!answer) {
    // Nobody listens to the subject: no stream has it, or JetStream is away, which this tells.
    if (answer.error().reason != "no_responders") return answer.error();
    WEIR_TRY(info(name));
    return not_in_stream(name, subject);
  }
  const auto ack = acknowledged(answer->data);
  if (!ack) return says(ack.error(), "10060") ? not_in_stream(name, subject) : refused(ack.error());
  if (ack->find("stream").as_string().value_or("") != name) return not_in_stream(name, subject);
  return Published{subject, unsigned_at(*ack, "seq"),
                   ack->find("duplicate").as_bool().value_or(false)};
}

Result<nats::StoredMessage> Service::message(const std::string& name,
                                             std::uint64_t sequence) const {
  WEIR_TRY(check_stream(name, Access::read));
  return jetstream_.message(name, sequence);
}

Result<void> Service::remove_message(const std::string& name, std::uint64_t sequence) const {
  WEIR_TRY(check_stream(name, Access::write));
  auto removed = jetstream_.delete_message(name, sequence);
  if (!removed) return refused(std::move(removed).error());
  return {};
}

Result<std::uint64_t> Service::sequence_at(const std::string& name, const nats::StreamInfo& info,
                                           Timestamp since) const {
  const auto wanted_ns = to_unix_ms(since) * kNsPerMs;
  auto low = info.first_sequence;
  auto high = info.last_sequence + 1;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto found = jetstream_.next_message(name, kEverything, middle);
    if (!found && found.error().reason != "message_not_found") return found.error();
    if (!found || found->time_ns >= wanted_ns) {
      high = middle;
    } else {
      low = found->sequence + 1;
    }
  }
  return low;
}

Result<Page> Service::read(const std::string& name, const Read& read) const {
  WEIR_TRY(check_stream(name, Access::read));
  if (!read.subject.empty()) WEIR_TRY(check_subject(read.subject, Wildcards::allowed));
  WEIR_ASSIGN(const auto info, jetstream_.stream_info(name));
  auto sequence = std::max<std::uint64_t>(read.from, 1);
  if (read.since) {
    WEIR_ASSIGN(sequence, sequence_at(name, info, *read.since));
  } else if (read.last > 0) {
    sequence = info.last_sequence > read.last ? info.last_sequence - read.last + 1 : 1;
  }
  const std::string_view filter = read.subject.empty() ? kEverything : read.subject;
  Page page{.last_sequence = info.last_sequence};
  std::size_t bytes = 0;
  while (sequence <= info.last_sequence) {
    if (page.messages.size() == std::min(read.limit, kMaxPage) || bytes >= kMaxPageBytes) {
      page.next = sequence;
      break;
    }
    auto found = jetstream_.next_message(name, filter, sequence);
    if (!found && found.error().reason == "message_not_found") break;
    if (!found) return std::move(found).error();
    sequence = found->sequence + 1;
    bytes += found->data.size();
    page.messages.push_back(std::move(*found));
  }
  return page;
}

}  // namespace weir::streams
