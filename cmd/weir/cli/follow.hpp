// Following what the server tells as Server-Sent Events, over lost connections. One thread, like
// the context.
#pragma once

#include <functional>
#include <string>

#include "cmd/weir/cli/context.hpp"
#include "cmd/weir/cli/event_parser.hpp"

namespace weir::cli {

struct Followed {
  std::string path;        // with the query
  std::string since = {};  // where the first connection begins, as Last-Event-ID; may be empty
  bool resumes = true;     // false: the ids of events are no positions, each connection is new
  // Shows an event. False: it is the last one.
  std::function<bool(const EventParser::Event&)> show;
};

// Shows events until the last one, until the server says that there is no more (204), or until
// nobody reads standard output any more. A lost connection is made again, at the next server when
// there are several, and goes on after the last event that was shown; one that was never made is
// given up after --retry-for. Errors: those of Client::stream.
Result<int> follow(Context& context, const Followed& followed);

}  // namespace weir::cli
