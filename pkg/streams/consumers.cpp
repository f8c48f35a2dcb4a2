#include "pkg/streams/consumers.hpp"

#include <algorithm>

#include "pkg/base/time_text.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/streams/names.hpp"
#include "pkg/streams/service.hpp"

namespace weir::streams {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

// "There is no such consumer" comes as the 404 of something.
Error of_consumer(Error error, const std::string& consumer) {
  if (error.code == Code::not_found && error.reason != "stream_not_found") {
    return {Code::not_found, "consumer_not_found", "The stream has no such consumer.",
            "consumer: " + consumer};
  }
  return refused(std::move(error));
}

Result<void> check_names(const std::string& stream, const std::string& consumer) {
  WEIR_TRY(check_stream(stream, Access::read));
  return check_consumer(consumer);
}

void write_start(json::Writer& out, const ConsumerSettings& settings) {
  if (settings.start_sequence) {
    out.member("deliver_policy", "by_start_sequence");
    out.member("opt_start_seq", *settings.start_sequence);
  } else if (settings.start_at) {
    out.member("deliver_policy", "by_start_time");
    out.member("opt_start_time", *settings.start_at);
  } else {
    out.member("deliver_policy", settings.deliver.value_or("all"));
  }
}

std::string new_consumer(const std::string& stream, const std::string& name,
                         const ConsumerSettings& settings) {
  json::Writer out;
  out.begin_object().member("stream_name", stream).key("config").begin_object();
  out.member("durable_name", name);
  if (settings.description) out.member("description", *settings.description);
  write_start(out, settings);
  out.member("ack_policy", settings.ack.value_or("explicit")).member("replay_policy", "instant");
  out.member("ack_wait", settings.ack_wait.value_or(Millis{30'000}).count() * kNsPerMs);
  out.member("max_deliver", settings.max_deliver.value_or(-1));
  if (settings.ack.value_or("explicit") != "none") {
    out.member("max_ack_pending", settings.max_ack_pending.value_or(1'000));
  }
  if (settings.filter_subjects.size() == 1) {
    out.member("filter_subject", settings.filter_subjects[0]);
  } else if (settings.filter_subjects.size() > 1) {
    out.key("filter_subjects").begin_array();
    for (const auto& subject : settings.filter_subjects) out.value(subject);
    out.end_array();
  }
  return out.end_object().end_object().take();
}

// A server that does not know several filters leaves them out without a word.
bool has_filters(json::View info, const ConsumerSettings& settings) {
  if (settings.filter_subjects.size() < 2) return true;
  std::size_t count = 0;
  for (const auto filter : info.find("config").find("filter_subjects").elements()) {
    count += filter.is_string() ? 1U : 0U;
  }
  return count == settings.filter_subjects.size();
}

std::vector<std::string_view> tokens_of(std::string_view subject) {
  std::vector<std::string_view> out;
  while (true) {
    const auto dot = subject.find('.');
    out.push_back(subject.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    subject.remove_prefix(dot + 1);
  }
}

}  // namespace

// $JS.ACK.<stream>.<consumer>.<5 numbers>, or with domain and account before and perhaps one token
// more after them.
bool is_ack_of(std::string_view token, std::string_view stream, std::string_view consumer) {
  const auto tokens = tokens_of(token);
  if (tokens.size() < 9 || tokens.size() > 12 || tokens[0] != "$JS" || tokens[1] != "ACK") {
    return false;
  }
  const bool clean = std::all_of(tokens.begin(), tokens.end(), [](std::string_view each) {
    return !each.empty() && each != "*" && each != ">" &&
           std::none_of(each.begin(), each.end(),
                        [](char c) { return static_cast<unsigned char>(c) <= ' '; });
  });
  const std::size_t at = tokens.size() == 9 ? 2 : 4;
  return clean && tokens[at] == stream && tokens[at + 1] == consumer;
}

Result<std::string> Consumers::info(const std::string& stream, const std::string& consumer) const {
  auto answer = jetstream_.call("CONSUMER.INFO." + stream + "." + consumer, "");
  if (!answer) return of_consumer(std::move(answer).error(), consumer);
  return answer;
}

Result<std::string> Consumers::list(const std::string& stream) const {
  WEIR_TRY(check_stream(stream, Access::read));
  json::Writer out(512);
  out.begin_object().key("items").begin_array();
  std::int64_t seen = 0;
  std::int64_t total = 1;
  while (seen < total) {
    WEIR_ASSIGN(const auto answer, jetstream_.call("CONSUMER.LIST." + stream,
                                                   "{\"offset\":" + std::to_string(seen) + "}"));
    const json::View view(answer);
    total = view.find("total").as_int().value_or(0);
    const auto before = seen;
    for (const auto consumer : view.find("consumers").elements()) {
      ++seen;
      out.raw(consumer_json(consumer));
    }
    if (seen == before) break;
  }
  return out.end_array().end_object().take();
}

Result<std::string> Consumers::get(const std::string& stream, const std::string& consumer) const {
  WEIR_TRY(check_names(stream, consumer));
  WEIR_ASSIGN(const auto answer, info(stream, consumer));
  return consumer_json(json::View(answer));
}

Result<Consumers::Made> Consumers::put(const std::string& stream, const std::string& consumer,
                                       const ConsumerSettings& settings) const {
  WEIR_TRY(check_names(stream, consumer));
  for (const auto& subject : settings.filter_subjects) {
    WEIR_TRY(check_subject(subject, Wildcards::allowed));
  }
  const auto known = info(stream, consumer);
  if (!known && known.error().reason != "consumer_not_found") return known.error();
  auto made = jetstream_.call("CONSUMER.DURABLE.CREATE." + stream + "." + consumer,
                              new_consumer(stream, consumer, settings));
  if (!made) return of_consumer(std::move(made).error(), consumer);
  if (!has_filters(json::View(*made), settings)) {
    if (!known) WEIR_TRY(remove(stream, consumer));
    return Error{
        Code::conflict, "too_old_server",
        "This nats-server takes one filter subject for a consumer.",
        "nats-server " + jetstream_.connection().server_version() + "; several need 2.10 or later"};
  }
  return Made{consumer_json(json::View(*made)), !known};
}

Result<void> Consumers::remove(const std::string& stream, const std::string& consumer) const {
  WEIR_TRY(check_names(stream, consumer));
  auto answer = jetstream_.call("CONSUMER.DELETE." + stream + "." + consumer, "");
  if (!answer) return of_consumer(std::move(answer).error(), consumer);
  return {};
}

Result<void> Consumers::answer(const std::string& stream, const std::string& consumer,
                               const std::string& token, std::string_view word,
                               Millis delay) const {
  WEIR_TRY(check_names(stream, consumer));
  if (!is_ack_of(token, stream, consumer)) {
    return Error{Code::invalid, "bad_ack_token", "The token is not of a message of this consumer.",
                 "consumer: " + consumer};
  }
  std::string body(word);
  if (word == kNak && delay.count() > 0) {
    body += " {\"delay\":" + std::to_string(delay.count() * kNsPerMs) + "}";
  }
  const auto heard = jetstream_.request(token, body);
  if (!heard) return heard.error();
  return {};
}

}  // namespace weir::streams
