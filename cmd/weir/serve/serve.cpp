#include "cmd/weir/serve/serve.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "cmd/weir/cli/context.hpp"
#include "cmd/weir/cli/exit_code.hpp"
#include "cmd/weir/cli/output.hpp"
#include "cmd/weir/serve/coordinator.hpp"
#include "cmd/weir/serve/serve_arguments.hpp"
#include "pkg/config/serve_config.hpp"
#include "pkg/log/log.hpp"
#include "pkg/process/file_limit.hpp"

namespace weir::cli {
namespace {

constexpr long kPollNs = 200'000'000;

Usage serve_usage() {
  return {
      .command = "weir serve",
      .summary =
          "Runs a coordinator. Without --nats-url it starts a NATS server of its own in the data "
          "directory. The first start prints an admin key and keeps it in <data-dir>/admin-key.",
      .options = serve_options(),
      .examples = {"weir serve", "weir serve --http 127.0.0.1:8080 --data-dir /var/lib/weir",
                   "weir serve --nats-url nats://n1:4222 --nats-url nats://n2:4222"}};
}

// Blocked in every thread started from here on, so that only wait_for_signal() sees them.
// SIGHUP asks for certificate and payload keys to be read again; where there are none it ends the
// program, as a closed terminal should.
sigset_t block_signals(bool reloads) {
  sigset_t set;
  sigemptyset(&set);
  if (reloads) sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

// The signal that came within a short while; 0 or less when none did.
int wait_for_signal(const sigset_t& set) {
  const timespec wait{0, kPollNs};
  return sigtimedwait(&set, nullptr, &wait);
}

Result<int> serve(const Parsed& parsed) {
  WEIR_ASSIGN(const auto values, serve_values(parsed));
  WEIR_ASSIGN(const auto config, config::make_serve_config(values));
  log::configure(config.log_level, config.log_format);
  const sigset_t signals = block_signals(config.has_tls() || config.encrypts());
  process::raise_file_limit();
  ::umask(0077);  // job payloads and key hashes are nobody else's to read

  WEIR_ASSIGN(auto coordinator, Coordinator::make(config, [] { ::kill(::getpid(), SIGTERM); }));
  WEIR_TRY(coordinator->start());
  log::info("serving", {{"at", coordinator->where()}, {"version", WEIR_VERSION}});
  print("weir " WEIR_VERSION " serves " + coordinator->where() + "\n");
  if (config.dev_no_auth)
    print("Authentication is OFF (--dev-no-auth): everybody on this machine is admin.\n");
  if (config.test_clock)
    print("TEST CLOCK (--test-clock): the time is what /v1/test/clock says.\n");

  bool finished = false;
  bool key_shown = false;
  for (int signal = 0; signal != SIGTERM && signal != SIGINT; signal = wait_for_signal(signals)) {
    signal == SIGHUP ? coordinator->reload_files() : coordinator->refresh_files();
    if (finished) continue;
    finished = coordinator->finish_start();
    if (const auto key = coordinator->new_admin_key(); key && !key_shown) {
      key_shown = true;
      print("Admin key (shown once, kept in " + config.data_dir + "/admin-key): " + *key + "\n");
    }
  }
  log::info("stopping", {});
  coordinator->stop();
  log::info("stopped", {});
  return kOk;
}

}  // namespace

int run_serve(Args args) {
  return run_local(serve_usage(), args, serve);
}

}  // namespace weir::cli
