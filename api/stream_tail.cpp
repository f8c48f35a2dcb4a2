#include "api/stream_tail.hpp"

#include "api/http/event_stream.hpp"
#include "api/stream_requests.hpp"
#include "pkg/streams/names.hpp"
#include "pkg/streams/tails.hpp"

namespace weir::api {
namespace {

class Follower final : public nats::Watcher {
 public:
  Follower(http::EventStream stream, std::string subject)
      : stream_(std::move(stream)), subject_(std::move(subject)) {}

  Taken take(const nats::Change& change) override {
    const bool message = !change.key.empty();
    if (message && !subject_.empty() && !streams::subject_matches(subject_, change.key)) {
      return Taken::yes;
    }
    switch (stream_.queue()->try_push(
        http::event_frame({.id = change.id, .type = change.operation, .data = change.json}))) {
      case http::SubscriberQueue::Tried::queued:
        return Taken::yes;
      case http::SubscriberQueue::Tried::full:
        return Taken::full;
      case http::SubscriberQueue::Tried::gone:
        break;
    }
    return Taken::gone;
  }
  void on_room(std::function<void()> room) override { stream_.queue()->on_room(std::move(room)); }
  void ended() override { stream_.finish(); }

 private:
  const http::EventStream stream_;
  const std::string subject_;
};

// Where a follower begins: after the event it saw last, at `from`, or with what comes from now on.
Result<nats::WatchRequest> beginning(const http::Request& request, const streams::Read& wish,
                                     const streams::Tails::Followed& followed) {
  nats::WatchRequest out{.name = wish.subject};
  const auto last = followed.info.last_sequence;
  const auto seen = request.header("last-event-id");
  if (!seen.empty()) {
    const auto position = nats::parse_position(seen, followed.feed->source().made, last);
    if (!position) return bad_parameter("Last-Event-ID", "the id of an event");
    out.reset = position->other_stream;
    out.after = position->other_stream ? 0 : position->revision;
  } else if (wish.from > 0) {
    out.after = wish.from - 1;
  } else if (wish.last > 0) {
    out.after = last > wish.last ? last - wish.last : 0;
  } else if (!request.query_value("from")) {
    out.after = last;
  }
  return out;
}

}  // namespace

Result<void> follow_stream(Services& services, const Call& call) {
  const auto& request = call.request();
  WEIR_ASSIGN(const auto wish, read_page_query(request));
  if (!wish.subject.empty()) {
    WEIR_TRY(streams::check_subject(wish.subject, streams::Wildcards::allowed));
  }
  WEIR_ASSIGN(const auto followed, services.tails.feed(std::string(call.param("stream"))));
  WEIR_ASSIGN(auto watch, beginning(request, wish, followed));
  const auto stream = http::EventStream::open(call.responder(), {});
  const auto follower = std::make_shared<Follower>(stream, wish.subject);
  followed.feed->watch(std::move(watch), followed.info.last_sequence, follower);
  stream.queue()->on_closed([weak = std::weak_ptr(followed.feed), key = follower.get()] {
    if (const auto feed = weak.lock()) feed->remove(key);
  });
  return {};
}

}  // namespace weir::api
