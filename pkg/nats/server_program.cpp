// Which nats-server to run.
#include <sys/wait.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <tuple>

#include "pkg/nats/embedded_server.hpp"
#include "pkg/process/host.hpp"

namespace weir::nats {
namespace {

bool newer(const ServerProgram& a, const ServerProgram& b) {
  return std::tie(a.major, a.minor, a.patch) > std::tie(b.major, b.minor, b.patch);
}

Result<ServerProgram> ask_version(const std::string& path) {
  std::string quoted = "'";
  for (const char c : path) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      ::popen((quoted + "' --version 2>&1").c_str(), "r"), ::pclose);
  std::string output;
  char buffer[256];
  while (pipe && std::fgets(buffer, sizeof buffer, pipe.get()) != nullptr) output += buffer;
  return parse_version(path, output);
}

}  // namespace

std::string ServerProgram::version() const {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

Result<ServerProgram> parse_version(std::string path, std::string_view output) {
  ServerProgram program{std::move(path), 0, 0, 0};
  const auto from = output.find_first_of("0123456789");
  const char* at = output.data() + (from == std::string_view::npos ? output.size() : from);
  const char* const end = output.data() + output.size();
  for (int* part : {&program.major, &program.minor, &program.patch}) {
    const auto [next, error] = std::from_chars(at, end, *part);
    if (error != std::errc{}) {
      return Error{Code::invalid, "bad_nats_version",
                   "This program does not tell a nats-server version",
                   program.path + ": " + std::string(output)};
    }
    at = next < end && *next == '.' ? next + 1 : next;
  }
  return program;
}

Result<ServerProgram> find_server(const std::string& program, const std::string& versions_dir) {
  if (!program.empty()) {
    if (std::error_code error; !std::filesystem::exists(program, error)) {
      return Error{Code::not_found, "nats_server_not_found", "The given nats-server does not exist",
                   program};
    }
    return ask_version(program);
  }
  std::vector<std::string> candidates;
  std::error_code error;
  if (!versions_dir.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(versions_dir, error)) {
      const auto path = entry.path() / "nats-server";
      if (std::filesystem::exists(path, error)) candidates.push_back(path.string());
    }
  }
  if (const auto found = process::find_program("nats-server")) candidates.push_back(*found);
  Result<ServerProgram> best =
      Error{Code::not_found, "nats_server_not_found", "No nats-server was found",
            "install the package nats-server, or name one with --nats-server, or "
            "use a running NATS with --nats-url"};
  for (const auto& candidate : candidates) {
    auto program_there = ask_version(candidate);
    if (program_there && (!best || newer(*program_there, *best))) best = std::move(program_there);
  }
  return best;
}

}  // namespace weir::nats
