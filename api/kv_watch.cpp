#include "api/kv_watch.hpp"

#include "api/http/event_stream.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::api {
namespace {

class StreamWatcher final : public nats::Watcher {
 public:
  explicit StreamWatcher(http::EventStream stream) : stream_(std::move(stream)) {}

  Taken take(const nats::Change& change) override {
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
};

}  // namespace

Result<KvWatch> open_kv_watch(Services& services, const KvWatchOptions& options) {
  if (!options.key.empty()) WEIR_TRY(kv::check_key(options.key));
  KvWatch watch;
  WEIR_ASSIGN(watch.feed, services.kv.feed(options.bucket));
  WEIR_ASSIGN(const auto info, watch.feed->source().bucket.info());
  watch.request.key = options.key;
  if (!options.key.empty()) watch.request.name = kv::encode_key(options.key);
  watch.request.prefix = options.prefix;
  watch.last_revision = info.last_revision;
  if (options.after.empty()) {
    watch.request.after = options.updates ? info.last_revision : 0;
    return watch;
  }
  const auto position =
      nats::parse_position(options.after, watch.feed->source().made, info.last_revision);
  if (!position) return bad_parameter("after", "a revision, or the id of an event");
  watch.request.reset = position->other_stream;
  watch.request.after = position->other_stream ? 0 : position->revision;
  return watch;
}

Result<void> follow_keys(Services& services, const Call& call) {
  const auto& request = call.request();
  KvWatchOptions options{.bucket = std::string(call.param("bucket")),
                         .key = std::string(call.param("key")),
                         .prefix = std::string(request.query_value("prefix").value_or("")),
                         .after = std::string(request.header("last-event-id"))};
  if (options.after.empty()) options.after = std::string(request.query_value("after").value_or(""));
  WEIR_ASSIGN(options.updates, query_bool(request, "updates"));
  WEIR_ASSIGN(auto watch, open_kv_watch(services, options));
  const auto stream = http::EventStream::open(call.responder(), {});
  const auto watcher = std::make_shared<StreamWatcher>(stream);
  watch.feed->watch(std::move(watch.request), watch.last_revision, watcher);
  stream.queue()->on_closed([weak = std::weak_ptr(watch.feed), key = watcher.get()] {
    if (const auto feed = weak.lock()) feed->remove(key);
  });
  return {};
}

}  // namespace weir::api
