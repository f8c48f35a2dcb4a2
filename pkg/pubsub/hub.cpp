#include "pkg/pubsub/hub.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/pubsub/message_json.hpp"
#include "pkg/pubsub/topic.hpp"

namespace weir::pubsub {
namespace {

std::string frame_of(std::string_view topic, const nats::Message& message) {
  json::Writer out(message.data.size() + 128);
  out.begin_object().member("type", "message").member("topic", topic);
  out.raw_member("message", body_json(message));
  if (const auto id = header_of(message, kIdHeader); !id.empty()) out.member("message_id", id);
  const auto metadata = header_of(message, kMetadataHeader);
  if (!metadata.empty() && json::check(metadata) && json::View(metadata).is_object())
    out.raw_member("metadata", metadata);
  return out.end_object().take();
}

}  // namespace

Hub::Hub(std::shared_ptr<nats::Connection> connection, const Clock& clock, Random& random)
    : connection_(std::move(connection)),
      clock_(clock),
      ids_(clock, random),
      requests_(connection_) {}

Hub::~Hub() {
  stop();
}

Result<void> Hub::start() {
  if (subscription_) return {};
  WEIR_TRY(requests_.start());
  WEIR_ASSIGN(subscription_,
              connection_->subscribe(std::string(kSubjectPrefix) + ">",
                                     [this](nats::Message message) { heard(std::move(message)); }));
  return {};
}

void Hub::stop() {
  subscription_.reset();
  requests_.stop();
}

Result<Published> Hub::publish(const Publication& publication) {
  WEIR_TRY(check_topic(publication.topic));
  Published out{.id = ids_.next()};
  nats::Headers headers{{std::string(kIdHeader), out.id}};
  if (!publication.metadata.empty()) headers.emplace_back(kMetadataHeader, publication.metadata);
  WEIR_TRY(connection_->publish(subject_of(publication.topic), "", publication.message, headers));
  ++published_;
  const std::shared_lock lock(mutex_);
  out.matched = matching(std::string(publication.topic)).size();
  return out;
}

void Hub::heard(nats::Message message) {
  const std::string topic(topic_of(message.subject));
  if (!check_topic(topic)) return;  // a subject that no client of ours can name
  ++received_;
  Listeners listeners;
  {
    const std::unique_lock lock(mutex_);
    const auto found = known_.find(topic);
    if (found != known_.end() || known_.size() < kMaxKnownTopics) {
      auto& known = found != known_.end() ? found->second : known_[topic];
      ++known.messages;
      known.last = clock_.wall();
    }
    listeners = matching(topic);
  }
  if (listeners.empty()) return;
  const Delivery delivery{.topic = topic,
                          .id = std::string(header_of(message, kIdHeader)),
                          .frame = std::make_shared<const std::string>(frame_of(topic, message))};
  for (const auto& listener : listeners) {
    const auto taken = listener->take(delivery);
    if (taken == Subscriber::Taken::yes) ++delivered_;
    if (taken == Subscriber::Taken::dropped) ++dropped_;
  }
}

// With the lock held. Each subscriber once.
Hub::Listeners Hub::matching(const std::string& topic) const {
  Listeners out;
  if (const auto found = plain_.find(topic); found != plain_.end()) out = found->second;
  bool several = false;
  for (const auto& [pattern, listeners] : wild_) {
    if (!matches(pattern, topic)) continue;
    several = several || !out.empty();
    out.insert(out.end(), listeners.begin(), listeners.end());
  }
  if (several) {
    std::ranges::sort(out);
    const auto doubles = std::ranges::unique(out);
    out.erase(doubles.begin(), doubles.end());
  }
  return out;
}

Result<void> Hub::subscribe(const std::shared_ptr<Subscriber>& subscriber,
                            const std::vector<std::string>& patterns) {
  for (const auto& pattern : patterns) WEIR_TRY(check_pattern(pattern));
  const std::unique_lock lock(mutex_);
  const auto found = listeners_.find(subscriber.get());
  std::set<std::string, std::less<>> all;
  if (found != listeners_.end()) all = found->second.patterns;
  all.insert(patterns.begin(), patterns.end());
  if (all.size() > kMaxPatterns) {
    return Error{Code::too_many_requests, "too_many_subscriptions",
                 "One connection cannot subscribe to more.",
                 "at most " + std::to_string(kMaxPatterns) + " topics and patterns; use wildcards"};
  }
  auto& listener = listeners_[subscriber.get()];
  listener.subscriber = subscriber;
  for (const auto& pattern : all) {
    if (!listener.patterns.insert(pattern).second) continue;
    (is_plain(pattern) ? plain_ : wild_)[pattern].push_back(subscriber);
  }
  return {};
}

void Hub::drop_pattern(ByPattern& from, const std::string& pattern, const Subscriber* subscriber) {
  const auto found = from.find(pattern);
  if (found == from.end()) return;
  std::erase_if(found->second, [&](const auto& each) { return each.get() == subscriber; });
  if (found->second.empty()) from.erase(found);
}

std::size_t Hub::unsubscribe(const Subscriber* subscriber,
                             const std::vector<std::string>& patterns) {
  std::shared_ptr<Subscriber> last;  // dropped without the lock
  const std::unique_lock lock(mutex_);
  const auto found = listeners_.find(subscriber);
  if (found == listeners_.end()) return 0;
  auto& had = found->second.patterns;
  const auto leaving =
      patterns.empty() ? std::vector<std::string>(had.begin(), had.end()) : patterns;
  std::size_t count = 0;
  for (const auto& pattern : leaving) {
    if (had.erase(pattern) == 0) continue;
    ++count;
    drop_pattern(is_plain(pattern) ? plain_ : wild_, pattern, subscriber);
  }
  if (had.empty()) {
    last = std::move(found->second.subscriber);
    listeners_.erase(found);
  }
  return count;
}

std::string Hub::topics_json(std::string_view pattern) const {
  const std::shared_lock lock(mutex_);
  std::map<std::string_view, Known> all;
  for (const auto& [topic, known] : known_) all.emplace(topic, known);
  for (const auto& [topic, listeners] : plain_) all.emplace(topic, Known{});
  json::Writer out;
  out.begin_object().key("topics").begin_array();
  std::uint64_t total = 0;
  for (const auto& [topic, known] : all) {
    if (!pattern.empty() && !matches(pattern, topic)) continue;
    ++total;
    out.begin_object().member("topic", topic).member("messages", known.messages);
    out.member("subscribers", static_cast<std::uint64_t>(matching(std::string(topic)).size()));
    out.key("last_message_at");
    known.messages == 0 ? out.null() : out.value(known.last);
    out.end_object();
  }
  out.end_array().member("total", total);
  return out.member("truncated", known_.size() >= kMaxKnownTopics).end_object().take();
}

std::string Hub::stats_json() const {
  json::Writer out;
  out.begin_object().member("total_topics", static_cast<std::uint64_t>(topics()));
  out.member("total_subscribers", static_cast<std::uint64_t>(subscribers()));
  {
    const std::shared_lock lock(mutex_);
    std::size_t count = 0;
    for (const auto& [key, listener] : listeners_) count += listener.patterns.size();
    out.member("subscriptions", static_cast<std::uint64_t>(count));
  }
  out.member("published", published_.load()).member("received", received_.load());
  out.member("delivered", delivered_.load()).member("dropped", dropped_.load());
  return out.member("connected", connection_->connected()).end_object().take();
}

std::size_t Hub::topics() const {
  const std::shared_lock lock(mutex_);
  const auto unheard = std::ranges::count_if(
      plain_, [this](const auto& entry) { return !known_.contains(entry.first); });
  return known_.size() + static_cast<std::size_t>(unheard);
}

std::size_t Hub::subscribers() const {
  const std::shared_lock lock(mutex_);
  return listeners_.size();
}

}  // namespace weir::pubsub
