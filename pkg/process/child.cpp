#include "pkg/process/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace weir::process {
namespace {

constexpr Millis kPoll{10};

// Between fork and exec: async-signal-safe calls only. `failure` closes by itself when exec works;
// else it carries errno to the parent.
[[noreturn]] void become(char* const* arguments, int output, int keep_open, int failure,
                         pid_t parent) {
  // The parent's handlers would swallow a SIGTERM until exec.
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE}) ::signal(number, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);  // the parent died before the line above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0);  // a Ctrl-C at the terminal is the parent's to handle
  const int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  if (keep_open >= 0) ::fcntl(keep_open, F_SETFD, 0);  // clears FD_CLOEXEC
  ::execv(arguments[0], arguments);
  const int code = errno;
  const auto told = ::write(failure, &code, sizeof code);
  ::_exit(told == sizeof code ? 127 : 126);
}

Error spawn_failed(const std::string& what) {
  return Error{Code::internal, "spawn_failed", "A program could not be started",
               what + ": " + std::strerror(errno)};
}

}  // namespace

Result<std::unique_ptr<Child>> Child::spawn(const SpawnOptions& options) {
  std::vector<char*> arguments;
  for (const auto& argument : options.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  int output = -1;
  if (!options.output_file.empty()) {
    output = ::open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (output < 0) return spawn_failed(options.output_file);
  }
  int failure[2];
  if (::pipe2(failure, O_CLOEXEC) != 0) {
    const auto error = spawn_failed("pipe");
    if (output >= 0) ::close(output);
    return error;
  }
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(arguments.data(), output, options.keep_open, failure[1], parent);
  const int fork_errno = errno;
  if (output >= 0) ::close(output);
  ::close(failure[1]);
  int code = 0;
  ssize_t told = 0;
  while (pid > 0 && (told = ::read(failure[0], &code, sizeof code)) < 0 && errno == EINTR) {
  }
  ::close(failure[0]);
  if (pid > 0 && told != sizeof code) return std::unique_ptr<Child>(new Child(pid));
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  errno = pid > 0 ? code : fork_errno;
  return spawn_failed(options.arguments.front());
}

Child::~Child() {
  terminate(Millis{0});
}

std::optional<int> Child::try_wait() {
  if (status_) return status_;
  int status = 0;
  const pid_t got = ::waitpid(pid_, &status, WNOHANG);
  if (got == pid_ || (got < 0 && errno == ECHILD)) status_ = status;
  return status_;
}

void Child::terminate(Millis grace) {
  if (try_wait()) return;
  ::kill(pid_, SIGTERM);
  const MonoTime deadline = SystemClock().mono() + grace;
  while (!try_wait() && SystemClock().mono() < deadline) std::this_thread::sleep_for(kPoll);
  if (status_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = status;
}

}  // namespace weir::process
