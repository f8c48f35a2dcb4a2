#include "api/streams/stream_tail.hpp"

#include "api/live/feed_stream.hpp"
#include "api/streams/stream_requests.hpp"
#include "pkg/streams/names.hpp"
#include "pkg/streams/tails.hpp"

namespace weir::api {
namespace {

// Where a follower begins: after the event it saw last, at `from`, or with what comes from now on.
Result<nats::WatchRequest> beginning(const http::Request& request, const streams::Read& wish,
                                     const streams::Tails::Followed& followed) {
  nats::WatchRequest out{.name = wish.subject};
  const auto last = followed.info.last_sequence;
  const auto seen = request.header("last-event-id");
  if (!seen.empty()) {
    if (!followed.feed->go_on_after(out, seen, last)) {
      return bad_parameter("Last-Event-ID", "the id of an event");
    }
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
  WantsChange wants;
  if (!wish.subject.empty()) {
    wants = [subject = wish.subject](const nats::Change& change) {
      return change.key.empty() || streams::subject_matches(subject, change.key);
    };
  }
  answer_with_feed(call, followed.feed, std::move(watch), followed.info.last_sequence,
                   std::move(wants));
  return {};
}

}  // namespace weir::api
