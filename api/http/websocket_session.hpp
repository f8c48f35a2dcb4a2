// WebSocketSession: a connection that has become a WebSocket. It takes the socket over from the
// Session, whose memory is freed. It lives as long as something is pending on it. Internal to this
// folder.
#pragma once

#include <string>

#include "api/http/client_socket.hpp"
#include "api/http/shared.hpp"
#include "api/http/websocket.hpp"
#include "api/http/wire.hpp"

namespace weir::http {

// Answers the handshake `head`, which was checked, and goes on until the socket ends. On the
// socket's strand.
void start_websocket(Shared& shared, ClientSocket socket, const BeastRequest& head,
                     std::string request_id, WebSocketStart start);
// From any thread: ends the sockets properly, or cuts them.
void finish_sockets(Shared& shared);
void cut_sockets(Shared& shared);

}  // namespace weir::http
