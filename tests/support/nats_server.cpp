#include "tests/support/nats_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "pkg/base/assert.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, ':');) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// Every thread has state T in /proc: the signal takes a moment to reach those that run.
bool all_stopped(pid_t pid) {
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    const auto stat = read_file((thread.path() / "stat").string());
    const auto after_name = stat.rfind(") ");
    if (after_name == std::string::npos || stat.at(after_name + 2) != 'T') return false;
  }
  return true;
}

}  // namespace

// "nats-server: v2.10.27" as numbers to compare.
NatsVersion nats_server_version(const std::string& program) {
  const std::string text = run({.argv = {program, "--version"}}).out;
  NatsVersion version{};
  const auto at = text.rfind('v');
  if (at != std::string::npos) {
    std::sscanf(text.c_str() + at, "v%d.%d.%d", &version[0], &version[1], &version[2]);
  }
  return version;
}

std::vector<std::string> nats_server_programs() {
  if (const char* given = std::getenv("WEIR_NATS_SERVERS"); given != nullptr && *given != '\0') {
    return split(given);
  }
  const char* path = std::getenv("PATH");
  for (const auto& folder : split(std::string(path == nullptr ? "" : path) + ":/usr/sbin")) {
    const std::string program = folder + "/nats-server";
    if (::access(program.c_str(), X_OK) == 0) return {program};
  }
  std::fputs("no nats-server: install it, or set WEIR_NATS_SERVERS\n", stderr);
  std::abort();
}

std::string newest_nats_server() {
  static const auto* newest = [] {
    std::string best;
    for (const auto& program : nats_server_programs()) {
      if (best.empty() || nats_server_version(program) > nats_server_version(best)) best = program;
    }
    return new std::string(best);
  }();
  return *newest;
}

NatsServer::NatsServer(std::string program, std::string config)
    : program_(std::move(program)), config_(std::move(config)), port_(free_port()) {}

void NatsServer::start() {
  // A server that finds its port taken ends at once: another test was quicker, so try another one.
  for (int attempt = 0; attempt < 5; ++attempt) {
    write_file(directory_.file("server.conf"),
               "listen: \"127.0.0.1:" + std::to_string(port_) + "\"\njetstream { store_dir: \"" +
                   directory_.file("store") + "\" }\n" + config_ + "\n");
    child_ = std::make_unique<Child>(Command{
        .argv = {program_, "-c", directory_.file("server.conf")},
        .error_file = directory_.file("log"),
    });
    const bool settled = wait_until(
        [this] { return !child_->running() || !exchange_raw(port_, "", Millis{50}).empty(); });
    if (settled && child_->running()) return;
    child_->kill();
    if (std::filesystem::exists(directory_.file("store/jetstream"))) break;  // others know the port
    port_ = free_port();
  }
  std::fprintf(stderr, "%s does not start:\n%s\n", program_.c_str(), log().c_str());
  std::abort();
}

void NatsServer::stop() {
  child_->signal(SIGTERM);
  WEIR_ASSERT(child_->wait().has_value());
}

void NatsServer::kill() {
  child_->kill();
}

void NatsServer::suspend() {
  child_->signal(SIGSTOP);
  WEIR_ASSERT(wait_until([this] { return all_stopped(child_->pid()); }));
}

void NatsServer::resume() {
  child_->signal(SIGCONT);
}

void NatsServer::wipe() {
  std::filesystem::remove_all(directory_.file("store"));
}

void NatsServer::save_store() {
  std::filesystem::remove_all(directory_.file("saved"));
  std::filesystem::copy(directory_.file("store"), directory_.file("saved"),
                        std::filesystem::copy_options::recursive);
}

void NatsServer::go_back_to_saved_store() {
  wipe();
  std::filesystem::copy(directory_.file("saved"), directory_.file("store"),
                        std::filesystem::copy_options::recursive);
}

void NatsServer::cut_newest_block(const std::string& stream, std::uintmax_t bytes) {
  std::filesystem::path newest;
  int number = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory_.file("store"))) {
    const auto& path = entry.path();
    if (path.extension() != ".blk" || path.parent_path().parent_path().filename() != stream)
      continue;
    if (const int at = std::stoi(path.stem()); at > number) {
      number = at;
      newest = path;
    }
  }
  const auto size = std::filesystem::file_size(newest);
  std::filesystem::resize_file(newest, size - std::min(size, bytes));
}

std::string NatsServer::log() const {
  return read_file(directory_.file("log"));
}

std::string version_name(const testing::TestParamInfo<std::string>& program) {
  const auto version = nats_server_version(program.param);
  return "nats_" + std::to_string(version[0]) + "_" + std::to_string(version[1]) + "_" +
         std::to_string(version[2]);
}

}  // namespace weir::test
