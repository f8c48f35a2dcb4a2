// kv.watch and kv.unwatch of the command API: changes of keys, pushed to the socket.
#include "api/kv/kv_rpc.hpp"
#include "api/kv/kv_watch.hpp"
#include "api/live/session_watcher.hpp"
#include "api/live/session_watches.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using json::Writer;

constexpr std::size_t kMaxWatches = 100;  // of one socket
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kMaxPositionBytes = 64;

class SocketWatcher final : public SessionWatcher {
 public:
  SocketWatcher(std::weak_ptr<rpc::Session> session, std::string watch, std::string bucket,
                std::shared_ptr<nats::Feed> feed)
      : SessionWatcher(std::move(session)),
        watch_(std::move(watch)),
        bucket_(std::move(bucket)),
        feed_(std::move(feed)) {}

  void leave() const { feed_->remove(this); }

 private:
  std::string frame_of(const nats::Change& change) const override {
    Writer out(change.json.size() + 160);
    out.begin_object().member("type", "kv").member("watch", watch_).member("bucket", bucket_);
    out.member("id", change.id).raw_member("change", change.json);
    return out.end_object().take();
  }
  std::string end_frame() const override {
    Writer out;
    out.begin_object().member("type", "kv_ended").member("watch", watch_);
    return out.member("bucket", bucket_).end_object().take();
  }

  const std::string watch_;
  const std::string bucket_;
  const std::shared_ptr<nats::Feed> feed_;
};

// `after` is an id, or a revision as a number.
std::string after_of(rpc::Payload& payload) {
  if (const auto number = payload.raw("after").as_int(); number && *number >= 0)
    return std::to_string(*number);
  return payload.text("after", kMaxPositionBytes).value_or("");
}

void watch(Services& services, SessionWatches& sockets, const rpc::Call& call,
           const rpc::Reply& reply) {
  rpc::Payload payload(call.payload());
  KvWatchOptions options{.bucket = kv_commands::bucket_of(payload),
                         .key = payload.text("key", kv::kMaxKeyBytes).value_or(""),
                         .prefix = payload.text("prefix", kv::kMaxKeyBytes).value_or(""),
                         .after = after_of(payload),
                         .updates = payload.flag("updates", false)};
  const auto name = payload.text("watch", kMaxNameBytes).value_or(call.request_id());
  if (const auto done = payload.done(); !done) return reply(done.error());
  auto opened = open_kv_watch(services, options);
  if (!opened) return reply(opened.error());
  const auto& session = call.caller().session;
  const auto watcher = std::make_shared<SocketWatcher>(session, name, options.bucket, opened->feed);
  const auto added = sockets.add(session, name, [watcher] { watcher->leave(); });
  if (!added) return reply(added.error());
  Writer out;
  out.begin_object().member("success", true).member("watch", name);
  out.member("bucket", options.bucket).member("revision", opened->last_revision);
  reply(out.end_object().take());  // before its first change
  opened->feed->watch(std::move(opened->request), opened->last_revision, watcher);
  // The socket may have ended meanwhile, and nobody would forget the watch any more.
  if (!sockets.has(session.get(), name)) watcher->leave();
}

}  // namespace

void add_kv_watch_rpc(rpc::CommandTable& table, Services& services) {
  const auto sockets = std::make_shared<SessionWatches>(kMaxWatches);
  table.push_back({.name = "kv.watch",
                   .scope = Scope::kv_read,
                   .summary = "Push changes of keys to this socket",
                   .payload = {{"key", "one key; all when not given"},
                               {"prefix", "or those that begin so"},
                               {"after", "go on after this id or revision"},
                               {"updates", "only what is written from now on"},
                               {"watch", "its name in the frames; the request id when not given"},
                               {"bucket", "the bucket; `default` when not given"}},
                   .answer = "success, watch, bucket, revision; then frames of type kv",
                   .needs_session = true,
                   .handler = [&services, sockets](const rpc::Call& call, const rpc::Reply& reply) {
                     watch(services, *sockets, call, reply);
                   }});
  table.push_back({.name = "kv.unwatch",
                   .scope = Scope::kv_read,
                   .summary = "End a watch of this socket",
                   .payload = {{"watch", "its name", true}},
                   .answer = "success: whether there was one",
                   .needs_session = true,
                   .handler = [sockets](const rpc::Call& call, const rpc::Reply& reply) {
                     rpc::Payload payload(call.payload());
                     const auto name = payload.required_text("watch", kMaxNameBytes);
                     if (const auto done = payload.done(); !done) return reply(done.error());
                     const bool had = sockets->remove(call.caller().session.get(), name);
                     reply(kv_commands::flag_answer("success", had));
                   }});
}

}  // namespace weir::api
