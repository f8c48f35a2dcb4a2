// Rooms as the commands and the routes show them: one request, one answer.
#pragma once

#include <string>
#include <string_view>

#include "api/core/services.hpp"
#include "pkg/rooms/rooms.hpp"

namespace weir::api {

// Negative: that of so many events before the end.
Result<std::uint64_t> offset_of(Services& services, std::string_view room, std::int64_t from);

// {"event_id","offset","subscribers_notified"}
Result<std::string> publish_event_json(Services& services, const rooms::NewEvent& event);
// {"room","events":[...],"oldest_offset","newest_offset"}
Result<std::string> history_json(Services& services, const rooms::HistoryRequest& request);
// {"room","events":[...],"next_offset"}
Result<std::string> consume_json(Services& services, const rooms::ConsumeRequest& request);
// {"rooms":[{"room","newest_offset","last_activity"}],"total","next_cursor"}: of a page those that
// the key is for.
Result<std::string> rooms_json(Services& services, const auth::Principal& principal,
                               std::string_view after, std::size_t limit);
// {"room","message_count","oldest_offset","newest_offset","subscribers","bytes",
// "last_activity"}
Result<std::string> room_stats_json(Services& services, std::string_view room);

// That a follower has all that there was, which nobody is told.
bool is_ready(const nats::Change& change);
// {"type":"event","room","offset","event_id","event_type","data","timestamp"}
std::string event_frame_of(const nats::Change& event);

}  // namespace weir::api
