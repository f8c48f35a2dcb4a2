#include "api/kv/kv_watch.hpp"

#include "api/live/feed_stream.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::api {
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
  if (!watch.feed->go_on_after(watch.request, options.after, info.last_revision)) {
    return bad_parameter("after", "a revision, or the id of an event");
  }
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
  answer_with_feed(call, watch.feed, std::move(watch.request), watch.last_revision);
  return {};
}

}  // namespace weir::api
