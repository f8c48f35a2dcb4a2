#include "api/events/event_feed.hpp"

#include <algorithm>

#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kRecentEvents = 1024;  // kept for those who are about to go live
constexpr std::int64_t kPageRows = 200;

constexpr std::string_view kJobType = "weir.job.";
constexpr std::string_view kBatchType = "weir.batch.";
constexpr std::string_view kBatchWord = "batch_";

// "completed" of "weir.job.completed", "batch_failed" of "weir.batch.failed".
std::string word_of(const std::string& type) {
  if (type.starts_with(kJobType)) return type.substr(kJobType.size());
  if (!type.starts_with(kBatchType)) return type;
  return std::string(kBatchWord) + type.substr(kBatchType.size());
}

std::string type_of(const std::string& word) {
  if (!word.starts_with(kBatchWord)) return std::string(kJobType) + word;
  return std::string(kBatchType) + word.substr(kBatchWord.size());
}

// The job of a job's event, else nothing.
std::string subject_of(json::View event, const std::string& type) {
  if (!type.starts_with(kJobType)) return {};
  return event.find("subject").as_string().value_or("");
}

std::string gap_frame(jobs::EventPosition after, std::int64_t oldest) {
  json::Writer data(160);
  data.begin_object()
      .member("reason", "events_dropped")
      .member("after", after.revision)
      .member("oldest", oldest)
      .member("message", "events between these revisions are not kept")
      .end_object();
  return http::event_frame({.type = "gap", .data = data.str()});
}

}  // namespace

// An event as the filters need it, and as it is sent.
struct EventFeed::LiveEvent {
  replica::Revision revision = 0;
  jobs::EventPosition position;
  std::string queue;
  std::string word;
  std::string job;
  http::SubscriberQueue::Frame frame;

  static std::shared_ptr<const LiveEvent> of(const replica::Publication& event) {
    const json::View view(event.json);
    const auto id = view.find("id").as_string().value_or("");
    const auto type = view.find("type").as_string().value_or("");
    return std::make_shared<const LiveEvent>(
        LiveEvent{.revision = event.revision,
                  .position = jobs::parse_event_position(id).value_or(jobs::EventPosition{}),
                  .queue = view.find("data").find("queue").as_string().value_or(""),
                  .word = word_of(type),
                  .job = subject_of(view, type),
                  .frame = std::make_shared<const std::string>(
                      http::event_frame({.id = id, .type = type, .data = event.json}))});
  }
};

struct EventFeed::Subscriber {
  Subscriber(EventRequest asked, http::EventStream answer)
      : request(std::move(asked)), stream(std::move(answer)) {}

  bool wants(std::string_view queue, std::string_view word) const {
    if (!request.filter.queue.empty() && request.filter.queue != queue) return false;
    return request.filter.takes_word(word) && request.principal->allows_queue(queue);
  }

  const EventRequest request;
  const http::EventStream stream;
  // Guarded by the feed's mutex. Live: events go to the stream as they are heard. Otherwise
  // catch_up() owns `position`.
  bool live = false;
  bool told_of_gap = false;
  std::optional<replica::Revision> complete_to;  // live: has everything up to here; empty: any
  jobs::EventPosition position;                  // replaying: has everything up to here
};

bool ends_job(std::string_view word) {
  return word == "completed" || word == "failed" || word == "cancelled" ||
         word == "dead_lettered" || word == "removed";
}

void EventFeed::subscribe(EventRequest request, const http::EventStream& stream) {
  auto subscriber = std::make_shared<Subscriber>(std::move(request), stream);
  const bool replays = subscriber->request.after.has_value();
  if (replays) subscriber->position = *subscriber->request.after;
  subscriber->live = !replays;
  bool refused = false;
  {
    const std::lock_guard lock(mutex_);
    refused = closed_;
    if (!refused) {
      subscribers_.push_back(subscriber);
      if (!listening_) {
        listening_ =
            services_.instance.listen([weak = weak_from_this()](const replica::EventBatch& batch) {
              if (const auto self = weak.lock()) self->heard(batch);
            });
      }
    }
  }
  if (refused) return stream.finish();
  stream.queue()->on_closed([weak = weak_from_this(), gone = subscriber.get()] {
    if (const auto self = weak.lock()) self->remove(gone);
  });
  if (replays) catch_up(subscriber);
}

void EventFeed::remove(const Subscriber* subscriber) {
  std::shared_ptr<void> listening;  // destroyed outside of the lock
  SubscriberPtr gone;
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(subscribers_.begin(), subscribers_.end(),
                                  [&](const auto& other) { return other.get() == subscriber; });
  if (found == subscribers_.end()) return;
  gone = std::move(*found);
  subscribers_.erase(found);
  if (!subscribers_.empty()) return;
  listening.swap(listening_);
  recent_.clear();
  recent_after_.reset();
}

void EventFeed::close_all() {
  std::vector<SubscriberPtr> all;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    all = subscribers_;
  }
  for (const auto& subscriber : all) subscriber->stream.finish();
}

std::size_t EventFeed::subscribers() const {
  const std::lock_guard lock(mutex_);
  return subscribers_.size();
}

// --- live ----------------------------------------------------------------------------------------

void EventFeed::offer(Subscriber& subscriber, const LiveEvent& event) const {
  const auto& filter = subscriber.request.filter;
  if (!filter.job.empty() && filter.job != event.job) return;
  if (!subscriber.wants(event.queue, event.word)) return;
  subscriber.stream.send(event.frame);
  if (subscriber.request.until_finished && ends_job(event.word)) subscriber.stream.finish();
}

// Applier thread.
void EventFeed::heard(const replica::EventBatch& batch) {
  std::vector<std::shared_ptr<const LiveEvent>> events;
  for (const auto& event : batch.events) events.push_back(LiveEvent::of(event));
  std::vector<SubscriberPtr> behind;
  const std::lock_guard lock(mutex_);
  for (const auto& subscriber : subscribers_) {
    if (!subscriber->live) continue;
    if (subscriber->complete_to && *subscriber->complete_to >= batch.last) continue;
    const bool missed =
        !batch.complete || (subscriber->complete_to && *subscriber->complete_to + 1 < batch.first);
    if (missed && subscriber->complete_to) {
      subscriber->live = false;
      subscriber->position = {.revision = static_cast<std::int64_t>(*subscriber->complete_to)};
      behind.push_back(subscriber);
      continue;
    }
    for (const auto& event : events) {
      if (subscriber->complete_to && event->revision <= *subscriber->complete_to) continue;
      offer(*subscriber, *event);
    }
    if (subscriber->request.after) subscriber->complete_to = batch.last;
  }
  if (!batch.complete || !recent_after_) {
    recent_.clear();
    recent_after_ = batch.complete ? batch.first - 1 : batch.last;
  }
  heard_to_ = batch.last;
  for (auto& event : events) recent_.push_back(std::move(event));
  while (recent_.size() > kRecentEvents) {
    recent_after_ = recent_.front()->revision;
    recent_.pop_front();
  }
  for (const auto& subscriber : behind) catch_up(subscriber);
}

// --- replay --------------------------------------------------------------------------------------

void EventFeed::catch_up(const SubscriberPtr& subscriber) {
  const bool queued =
      services_.workers.run([self = shared_from_this(), subscriber] { self->read_on(subscriber); });
  if (!queued) subscriber->stream.finish();  // busy: it comes again with Last-Event-ID
}

void EventFeed::read_on(const SubscriberPtr& subscriber) {
  if (subscriber->stream.queue()->closed()) return;
  jobs::EventPage page;
  const auto seen = services_.instance.read([&](sqlite::Database& db) -> Result<void> {
    if (!subscriber->told_of_gap) {
      WEIR_ASSIGN(const auto gap,
                  jobs::find_event_gap(db, subscriber->request.filter.queue, subscriber->position));
      subscriber->told_of_gap = true;
      if (gap) {
        subscriber->stream.send(std::make_shared<const std::string>(
            gap_frame(subscriber->position, gap->oldest_revision)));
      }
    }
    page = jobs::read_events(db, subscriber->request.filter, subscriber->position, kPageRows);
    return {};
  });
  if (!seen) {
    log::warn("events_not_read", {{"error", describe(seen.error())}});
    return subscriber->stream.finish();
  }
  for (const auto& event : page.events) {
    if (!subscriber->wants(event.queue, event.word)) continue;
    const std::string id =
        std::to_string(event.position.revision) + "-" + std::to_string(event.position.ordinal);
    subscriber->stream.send({.id = id, .type = type_of(event.word), .data = event.text});
    if (subscriber->request.until_finished && ends_job(event.word)) subscriber->stream.finish();
  }
  subscriber->position = page.through;
  if (!page.more && go_live(subscriber, *seen)) return;
  // The next page when this one is on its way.
  subscriber->stream.queue()->on_room([weak = weak_from_this(), subscriber] {
    if (const auto self = weak.lock()) self->catch_up(subscriber);
  });
}

// True when the newest batches follow what was read: then those and all others go to the stream.
bool EventFeed::go_live(const SubscriberPtr& subscriber, replica::Revision seen) {
  const std::lock_guard lock(mutex_);
  if (recent_after_ && *recent_after_ > seen) return false;
  for (const auto& event : recent_) {
    if (event->revision > seen) offer(*subscriber, *event);
  }
  subscriber->complete_to = recent_after_ ? std::max(seen, heard_to_) : seen;
  subscriber->live = true;
  return true;
}

}  // namespace weir::api
