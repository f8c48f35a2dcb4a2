// `weir work`: runs a command for each job.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <thread>

#include "cmd/weir/cli/commands.hpp"
#include "cmd/weir/cli/values.hpp"
#include "cmd/weir/worker/worker.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/log/log.hpp"
#include "pkg/process/file_limit.hpp"

namespace weir::cli {
namespace {

Usage work_usage() {
  return {
      .command = "weir work",
      .synopsis = "--exec COMMAND",
      .summary =
          "Leases jobs and runs a shell command for each: the payload comes on standard input, "
          "WEIR_JOB_ID, WEIR_JOB_TYPE, WEIR_JOB_QUEUE, WEIR_JOB_ATTEMPT, WEIR_JOB_MAX_ATTEMPTS, "
          "WEIR_JOB_DEADLINE and WEIR_JOB_HEADERS in the environment.\n"
          "Exit code 0 completes the job with standard output as the result (JSON as JSON, other "
          "text as a string); 100 fails it for good; any other fails it, to be tried again, with "
          "the end of standard error as the message.\n"
          "Each line of standard error goes into the log of the job (`weir job logs`).\n"
          "Heartbeats go by themselves. SIGTERM or SIGINT: what runs is finished, the rest is "
          "given "
          "back; a second one kills what runs and gives it back.",
      .options = with_common(
          {{"e,exec", "COMMAND", "Shell command to run for each job"},
           {"q,queue", "A,B", "Queues in order of preference; may be repeated (default: default)"},
           {"type", "A,B", "Only jobs of these types; may be repeated (default: all)"},
           {"label", "KEY=VALUE", "Say this of itself, for jobs with a target; may be repeated"},
           {"c,concurrency", "N", "Jobs at a time, 1 to 1000 (default 1)"},
           {"lease", "TIME", "Time without a heartbeat until others may take a job (default 30s)"},
           {"grace", "TIME", "Between SIGTERM and SIGKILL for a cancelled job (default 10s)"},
           {"max-result", "BYTES", "Longest result (default 524288)"},
           {"text", "", "Pass a payload that is a JSON string without its quotes"},
           {"no-logs", "", "Keep standard error out of the job's log"},
           {"name", "NAME", "Name of this worker (default: HOST-PID-RANDOM)"},
           {"once", "", "End when nothing is ready"},
           {"drain", "", "End when nothing is ready, scheduled or running in these queues"},
           {"log-level", "LEVEL", "debug, info, warn, error or off (default info)"}}),
      .examples = {"weir work --queue emails --exec ./send.sh --concurrency 8",
                   "weir work -q sums --exec 'jq add' --drain",
                   "weir work -q media --type resize,crop --exec ./image.sh",
                   "weir work -q backups --label region=eu.west.1 --exec ./backup.sh",
                   "weir work -q thumbs --text --exec 'xargs -d \"\\n\" ./thumbnail'"}};
}

std::string default_name() {
  std::array<char, 65> host{};
  ::gethostname(host.data(), host.size() - 1);
  SystemRandom random;
  return std::string(host.data()) + "-" + std::to_string(::getpid()) + "-" + random_hex(random, 4);
}

// Each occurrence may be a comma list.
std::vector<std::string> names(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const auto& text : given) {
    for (auto& name : comma_list(text)) out.push_back(std::move(name));
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> labels(
    const std::vector<std::string>& given) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& text : given) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return bad_argument("\"" + text + "\" of --label is not KEY=VALUE");
    }
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Result<WorkerOptions> options_of(const Parsed& parsed) {
  WorkerOptions out;
  out.command = parsed.text("exec");
  if (out.command.empty()) return bad_argument("--exec is missing", "try `weir work --help`");
  if (parsed.has("once") && parsed.has("drain")) return bad_argument("give --once or --drain");
  if (parsed.has("once")) out.until = Until::empty;
  if (parsed.has("drain")) out.until = Until::drained;
  WEIR_ASSIGN(out.client, client_options(parsed));
  out.name = parsed.text("name", default_name());
  out.queues = names(parsed.all("queue"));
  if (out.queues.empty()) out.queues = {"default"};
  out.types = names(parsed.all("type"));
  WEIR_ASSIGN(out.labels, labels(parsed.all("label")));
  if (!out.types.empty() && out.until == Until::drained) {
    return bad_argument("--drain looks at whole queues, not at types", "--once goes with --type");
  }
  WEIR_ASSIGN(const auto concurrency, parsed.number("concurrency", 1, 1, 1000));
  out.concurrency = static_cast<std::size_t>(concurrency);
  WEIR_ASSIGN(out.lease, parsed.duration("lease", out.lease));
  if (out.lease < Millis{1000}) return bad_argument("--lease wants at least 1s");
  WEIR_ASSIGN(out.kill_grace, parsed.duration("grace", out.kill_grace));
  WEIR_ASSIGN(const auto bytes, parsed.number("max-result", 512 << 10, 0, 64 << 20));
  out.max_result_bytes = static_cast<std::size_t>(bytes);
  out.text_payloads = parsed.has("text");
  out.logs = !parsed.has("no-logs");
  WEIR_ASSIGN(const auto level, log::parse_level(parsed.text("log-level", "info")));
  log::configure(level, log::Format::text);
  return out;
}

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  return set;
}

// Turns SIGTERM and SIGINT into stop() and abort(), until `over`. The signals are blocked in every
// thread, so that only this one gets them.
void watch_signals(Worker& worker, const std::atomic<bool>& over) {
  const auto set = stop_signals();
  int asked = 0;
  while (!over) {
    const timespec tick{0, 100'000'000};
    if (::sigtimedwait(&set, nullptr, &tick) > 0) {
      ++asked;
      log::info(asked == 1 ? "stopping" : "aborting", {{"signals", asked}});
    }
    // Again at each tick: a long poll that was about to start is broken too.
    if (asked == 1) worker.stop();
    if (asked > 1) worker.abort();
  }
}

}  // namespace

int run_work(Args args) {
  return run_local(work_usage(), args, [](const Parsed& parsed) -> Result<int> {
    WEIR_ASSIGN(auto options, options_of(parsed));
    process::raise_file_limit();  // a child needs three pipes for a moment, then seven of ours
    const auto set = stop_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    Worker worker(std::move(options));
    std::atomic<bool> over{false};
    std::thread watcher([&] { watch_signals(worker, over); });
    const auto totals = worker.run();
    over = true;
    watcher.join();
    if (!totals) return totals.error();
    if (parsed.has("json")) {
      print(pretty({{"completed", totals->completed},
                    {"failed", totals->failed},
                    {"released", totals->released},
                    {"lost", totals->lost}}));
    } else {
      log::info("worker_ended", {{"completed", totals->completed},
                                 {"failed", totals->failed},
                                 {"released", totals->released},
                                 {"lost", totals->lost}});
    }
    return kOk;
  });
}

}  // namespace weir::cli
