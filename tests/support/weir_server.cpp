#include "tests/support/weir_server.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "pkg/base/ids.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

constexpr Millis kReadyLimit = std::chrono::seconds(30);

std::string made_key() {
  SystemRandom random;
  return "weir_" + random_hex(random, 12) + "_" + random_hex(random, 64);
}

}  // namespace

std::string weir_binary() {
  return WEIR_BINARY;
}

WeirServer::WeirServer(WeirOptions options)
    : options_(std::move(options)),
      port_(free_port()),
      key_(options_.key.empty() ? made_key() : options_.key) {}

void WeirServer::launch() {
  Command command{
      .argv = {weir_binary(), "serve", "--http", "127.0.0.1:" + std::to_string(port_), "--data-dir",
               data_dir()},
      .env = options_.env,
      .output_file = directory_.file("out"),
      .error_file = directory_.file("log"),
  };
  command.env["WEIR_API_KEY"] = key_;
  if (!options_.nats_url.empty()) {
    command.argv.insert(command.argv.end(), {"--nats-url", options_.nats_url});
  } else if (!options_.env.contains("WEIR_NATS_URL")) {
    command.argv.insert(command.argv.end(), {"--nats-server", newest_nats_server()});
  }
  command.argv.insert(command.argv.end(), options_.flags.begin(), options_.flags.end());
  command.argv.insert(command.argv.begin(), options_.under.begin(), options_.under.end());
  child_ = std::make_unique<Child>(command);
}

bool WeirServer::wait_ready() {
  bool ready = false;
  wait_until(
      [&] {
        ready = make_client("", std::chrono::seconds(2)).get("/ready").status == 200;
        return ready || !child_->running();
      },
      kReadyLimit);
  return ready;
}

void WeirServer::start() {
  launch();
  if (wait_ready()) return;
  std::fprintf(stderr, "weir serve is not ready:\n%s\n", log().c_str());
  std::abort();
}

int WeirServer::stop() {
  child_->signal(SIGTERM);
  const auto code = child_->wait();
  if (!code) child_->kill();
  return code.value_or(-1);
}

void WeirServer::kill() {
  child_->kill();
}

void WeirServer::pause() {
  child_->signal(SIGSTOP);
}

void WeirServer::resume() {
  child_->signal(SIGCONT);
}

void WeirServer::wipe() {
  std::filesystem::remove_all(data_dir());
}

std::string WeirServer::log() const {
  return read_file(directory_.file("log"));
}

std::string WeirServer::url() const {
  return (options_.tls.ca_file.empty() ? "http" : "https") +
         ("://127.0.0.1:" + std::to_string(port_));
}

Finished WeirServer::cli(std::vector<std::string> arguments, const std::string& input) const {
  arguments.insert(arguments.begin(), weir_binary());
  return run({.argv = std::move(arguments),
              .env = {{"WEIR_URL", url()},
                      {"WEIR_API_KEY", key_},
                      {"WEIR_CA", options_.tls.ca_file},
                      {"WEIR_CLIENT_CERT", options_.tls.cert_file},
                      {"WEIR_CLIENT_KEY", options_.tls.key_file}},
              .input = input});
}

}  // namespace weir::test
