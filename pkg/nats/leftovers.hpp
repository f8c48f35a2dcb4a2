// What a deleted stream leaves to the next one of its name.
//
// A server answers a delete before the stream's files are gone; a stream of the same name that is
// made meanwhile may begin with the old one's messages (seen with nats-server 2.10.27 and 2.15.1,
// once in six times when made at once; not with 2.9.10). So a bucket that was emptied by deleting
// it could show its old keys again.
#pragma once

#include <string_view>

#include "pkg/nats/jetstream.hpp"

namespace weir::nats {

// `created` is the answer to STREAM.CREATE: messages older than the new stream are removed. True
// when there were any. Errors: of JetStream::purge_below.
Result<bool> drop_leftovers(const JetStream& jetstream, std::string_view created);

// Whether time `a` is before `b`: RFC 3339 in UTC with any number of digits after the second, as
// NATS writes times.
bool is_before(std::string_view a, std::string_view b);

}  // namespace weir::nats
