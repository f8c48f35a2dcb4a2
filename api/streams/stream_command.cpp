#include "api/streams/stream_command.hpp"

namespace weir::api {

Command stream_command(std::string_view name, std::string_view method, std::string_view path,
                       Services& services, StreamWork work) {
  Command command{.name = name, .method = method, .path = path};
  command.tag = "Streams";
  command.scope = method == "GET" ? auth::Scope::streams_read : auth::Scope::streams_write;
  command.handler = [&services, work = std::move(work)](const Call& call) {
    if (const auto done = work(services, call); !done) call.fail(done.error());
  };
  command.errors = {{Code::unavailable, "nats_unavailable"},
                    {Code::unavailable, "no_responders"},
                    {Code::deadline_exceeded, "nats_timeout"}};
  if (path == kStreams) return command;
  command.errors.push_back({Code::invalid, "bad_stream_name"});
  command.errors.push_back({Code::forbidden, "internal_stream"});
  command.errors.push_back({Code::forbidden, "stream_not_allowed"});
  command.errors.push_back({Code::not_found, "stream_not_found"});
  return command;
}

std::string stream_of(const Call& call) {
  return std::string(call.param("stream"));
}

}  // namespace weir::api
