#include "api/http/socket_input.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace weir::http {

std::ptrdiff_t receive_now(boost::asio::ip::tcp::socket& socket, void* into, std::size_t size) {
  const auto got = ::recv(socket.native_handle(), into, size, MSG_DONTWAIT);
  if (got == 0) return kInputEnded;
  const bool nothing_yet = got < 0 && (errno == EAGAIN || errno == EINTR);
  return nothing_yet ? 0 : got;
}

}  // namespace weir::http
