// weir: the program. Names the commands and hands over.
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/serve/serve.hpp"

namespace {

using weir::cli::Command;

std::vector<Command> commands() {
  using namespace weir::cli;
  return {{"serve", "Run a coordinator", run_serve},
          {"submit", "Submit jobs", run_submit},
          {"work", "Run jobs with a command", run_work},
          {"job", "Look at jobs and change their course", run_job},
          {"batch", "Jobs that belong together", run_batch},
          {"queue", "Queues: counts, configuration, pause", run_queue},
          {"schedule", "Jobs that come by themselves", run_schedule},
          {"worker", "Who runs jobs", run_worker},
          {"dlq", "Dead letters", run_dlq},
          {"webhook", "Deliveries of webhooks", run_webhook},
          {"audit", "Who changed what", run_audit},
          {"events", "Follow what happens to jobs", run_events},
          {"key", "API keys", run_key},
          {"payload-key", "Keys for payloads at rest", run_payload_key},
          {"pubsub", "Publish messages and follow topics", run_pubsub},
          {"kv", "Buckets of keys and values", run_kv},
          {"stream", "Native streams and their consumers", run_stream},
          {"room", "Streams of events", run_room},
          {"call", "Run a command of the command API", run_call},
          {"replication", "The coordinators of one log", run_replication},
          {"snapshot", "Stored copies of the state", run_snapshot},
          {"clock", "Set the time of a server for tests", run_clock},
          {"status", "Health of a server", run_status},
          {"doctor", "Find what is wrong, and how to repair it", run_doctor},
          {"bench", "Measure a running server", run_bench},
          {"config", "Show and check the configuration", run_config},
          {"completion", "Shell completion", run_completion}};
}

std::string help() {
  return "Weir " WEIR_VERSION
         ": a job and stream coordinator beside NATS.\n\n"
         "Usage: weir COMMAND [options]\n\nCommands:\n" +
         weir::cli::command_list(commands()) +
         "\n`weir COMMAND --help` tells more. `weir --version` prints the version.\n\n"
         "Examples:\n"
         "  weir submit --queue emails '{\"to\":\"ada@example.org\"}'\n"
         "  weir work --queue emails --exec ./send.sh\n";
}

int run(const std::vector<std::string>& args) {
  const bool wants_help =
      !args.empty() && (args[0] == "--help" || args[0] == "-h" || args[0] == "help");
  if (wants_help && args.size() > 1) {  // weir help job list
    std::vector<std::string> asked(args.begin() + 1, args.end());
    asked.emplace_back("--help");
    return weir::cli::dispatch("weir", commands(), asked);
  }
  if (wants_help) {
    weir::cli::print(help());
    return weir::cli::kOk;
  }
  if (args.empty()) {
    std::fputs(help().c_str(), stderr);
    return weir::cli::kUsage;
  }
  if (args[0] == "--version" || args[0] == "-V" || args[0] == "version") {
    weir::cli::print("weir " WEIR_VERSION "\n");
    return weir::cli::kOk;
  }
  return weir::cli::dispatch("weir", commands(), args);
}

// A result that could not be written is no success; a reader that has enough is none of our worry.
int checked(int code) {
  const int lost = weir::cli::output_error();
  if (code != weir::cli::kOk || lost == 0 || lost == EPIPE) return code;
  std::fprintf(stderr, "weir: cannot write to standard output: %s\n", std::strerror(lost));
  return weir::cli::kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return checked(run(std::vector<std::string>(argv + 1, argv + argc)));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "weir: internal error: %s\n", failure.what());
    return weir::cli::kFailed;
  }
}
