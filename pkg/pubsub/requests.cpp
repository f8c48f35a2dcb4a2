#include "pkg/pubsub/requests.hpp"

#include <charconv>

#include "pkg/json/writer.hpp"
#include "pkg/pubsub/message_json.hpp"
#include "pkg/pubsub/topic.hpp"

namespace weir::pubsub {
namespace {

Error no_reply(const std::string& topic) {
  return {Code::deadline_exceeded, "no_reply", "Nobody replied in time.",
          "a NATS client that replies subscribes to " + subject_of(topic)};
}

Error no_responders(const std::string& topic) {
  return {Code::unavailable, "no_responders", "Nothing answers on this NATS subject",
          subject_of(topic)};
}

Error shutting_down() {
  return {Code::unavailable, "shutting_down", "The coordinator stops.", ""};
}

std::string answer_of(const std::string& topic, const nats::Message& reply) {
  json::Writer out(reply.data.size() + 64);
  out.begin_object().member("topic", topic).raw_member("message", body_json(reply));
  if (!reply.headers.empty()) {
    out.key("headers").begin_object();
    for (const auto& [name, value] : reply.headers) out.member(name, value);
    out.end_object();
  }
  return out.end_object().take();
}

}  // namespace

Requests::Requests(std::shared_ptr<nats::Connection> connection)
    : connection_(std::move(connection)), inbox_(connection_->new_inbox() + ".") {}

Result<void> Requests::start() {
  if (subscription_) return {};
  WEIR_ASSIGN(subscription_,
              connection_->subscribe(inbox_ + "*",
                                     [this](const nats::Message& message) { replied(message); }));
  const std::lock_guard lock(mutex_);
  stopped_ = false;
  return {};
}

void Requests::stop() {
  subscription_.reset();
  std::unordered_map<std::uint64_t, Waiting> left;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    left.swap(waiting_);
  }
  for (const auto& [number, waiting] : left) waiting.answered(shutting_down());
}

Result<std::uint64_t> Requests::ask(const Publication& publication, Answered answered) {
  WEIR_TRY(check_topic(publication.topic));
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return shutting_down();
    if (waiting_.size() >= kMaxRequests) {
      return Error{Code::too_many_requests, "too_many_pending", "Too many requests wait already.",
                   "at most " + std::to_string(kMaxRequests)};
    }
    number = ++last_;
    waiting_.emplace(number, Waiting{std::string(publication.topic), std::move(answered)});
  }
  nats::Headers headers;
  if (!publication.metadata.empty()) headers.emplace_back(kMetadataHeader, publication.metadata);
  const auto sent = connection_->publish(
      subject_of(publication.topic), inbox_ + std::to_string(number), publication.message, headers);
  // Answered already: by a stop.
  if (!sent && take(number).answered) return sent.error();
  return number;
}

void Requests::give_up(std::uint64_t number) {
  if (const auto waiting = take(number); waiting.answered)
    waiting.answered(no_reply(waiting.topic));
}

void Requests::replied(const nats::Message& message) {
  std::uint64_t number = 0;
  const auto* const end = message.subject.data() + message.subject.size();
  if (message.subject.size() <= inbox_.size() ||
      std::from_chars(message.subject.data() + inbox_.size(), end, number).ptr != end)
    return;
  const auto waiting = take(number);
  if (!waiting.answered) return;  // a second reply, or one that came too late
  if (message.status == "503") return waiting.answered(no_responders(waiting.topic));
  waiting.answered(answer_of(waiting.topic, message));
}

Requests::Waiting Requests::take(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  auto node = waiting_.extract(number);
  return node.empty() ? Waiting{} : std::move(node.mapped());
}

}  // namespace weir::pubsub
