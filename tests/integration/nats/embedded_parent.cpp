// embedded_parent NATS_SERVER DATA_DIR: keeps an embedded server, tells its process id, and waits
// to be killed.
#include <unistd.h>

#include <cstdio>

#include "pkg/nats/embedded_server.hpp"

int main(int count, char** arguments) {
  if (count != 3) return 2;
  auto server = weir::nats::EmbeddedServer::make(
      {.data_dir = arguments[2], .program = arguments[1], .versions_dir = ""});
  if (!server) {
    std::fprintf(stderr, "%s\n", describe(server.error()).c_str());
    return 1;
  }
  if (const auto up = (*server)->start(); !up) {
    std::fprintf(stderr, "%s\n", describe(up.error()).c_str());
    return 1;
  }
  std::puts("up");
  std::fflush(stdout);
  for (;;) ::pause();
}
