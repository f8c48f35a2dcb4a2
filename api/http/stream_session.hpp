// StreamSession: a connection whose answer goes on (an event stream). It takes the socket over from
// the Session, whose memory is freed: an idle stream costs a socket, a timer and an empty queue. It
// lives as long as something is pending on it. Internal to this folder.
#pragma once

#include <string>

#include "api/http/client_socket.hpp"
#include "api/http/event_stream.hpp"
#include "api/http/shared.hpp"

namespace weir::http {

class StreamSession;

enum class Framing : std::uint8_t {
  chunked,   // HTTP/1.1
  to_close,  // HTTP/1.0: the body ends with the connection
};

// Sends `head`, then what the queue brings until it ends. On the socket's strand.
void start_stream(Shared& shared, ClientSocket socket, std::string head, StreamStart start,
                  Framing framing);
// From any thread: ends the streams properly, or cuts them.
void finish_streams(Shared& shared);
void cut_streams(Shared& shared);

}  // namespace weir::http
