// Reading what a client sends while nobody expects it. Internal to this folder.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>

namespace weir::http {

inline constexpr std::ptrdiff_t kInputEnded = -2;
// What the client has sent already: its bytes, 0 when nothing, kInputEnded or another negative
// number when nothing will come.
std::ptrdiff_t receive_now(boost::asio::ip::tcp::socket& socket, void* into, std::size_t size);

}  // namespace weir::http
