#include "api/live/feed_stream.hpp"

#include "api/http/event_stream.hpp"

namespace weir::api {
namespace {

class StreamWatcher final : public nats::Watcher {
 public:
  StreamWatcher(http::EventStream stream, WantsChange wants)
      : stream_(std::move(stream)), wants_(std::move(wants)) {}

  Taken take(const nats::Change& change) override {
    if (wants_ && !wants_(change)) return Taken::yes;
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
  const WantsChange wants_;
};

}  // namespace

void answer_with_feed(const Call& call, const std::shared_ptr<nats::Feed>& feed,
                      nats::WatchRequest request, std::uint64_t last_revision, WantsChange wants) {
  const auto stream = call.open_stream({});
  const auto watcher = std::make_shared<StreamWatcher>(stream, std::move(wants));
  feed->watch(std::move(request), last_revision, watcher);
  stream.queue()->on_closed([weak = std::weak_ptr(feed), key = watcher.get()] {
    if (const auto open = weak.lock()) open->remove(key);
  });
}

}  // namespace weir::api
