#include "cmd/weir/worker/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace weir::cli {
namespace {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A child that does not read its input must not end us: SIGPIPE is held back in this thread.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~NoPipeSignal() {
    const timespec at_once{0, 0};
    if (::sigismember(&before_, SIGPIPE) == 0) {
      while (::sigtimedwait(&set_, nullptr, &at_once) == SIGPIPE) {
      }
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t set_{};
  sigset_t before_{};
};

struct Pipe {
  Fd read;
  Fd write;
};

Error spawn_failed(const char* what) {
  return {Code::unavailable, "spawn_failed", std::string(what) + " failed", std::strerror(errno)};
}

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return spawn_failed("pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

void set_nonblocking(const Fd& fd) {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

// The environment of this process with additions, as execve wants it.
class Environment {
 public:
  explicit Environment(const std::vector<std::pair<std::string, std::string>>& added) {
    for (char** item = environ; *item != nullptr; ++item) {
      const std::string_view text(*item);
      const auto name = text.substr(0, text.find('='));
      const bool replaced =
          std::ranges::any_of(added, [&](const auto& pair) { return pair.first == name; });
      if (!replaced) texts_.emplace_back(text);
    }
    for (const auto& [name, value] : added) {
      texts_.push_back(name + "=" + value.substr(0, value.find('\0')));
    }
    for (auto& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  char* const* data() const { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const char* command, char* const* environment, int in, int out, int err,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  const char* argv[] = {"sh", "-c", command, nullptr};
  ::execve("/bin/sh", const_cast<char* const*>(argv), environment);
  ::_exit(127);
}

// The parent's side of one running child.
class Running {
 public:
  Running(const ChildSpec& spec, pid_t pid, Fd pidfd, Fd in, Fd out, Fd err)
      : spec_(spec),
        pid_(pid),
        pidfd_(std::move(pidfd)),
        in_(std::move(in)),
        out_(std::move(out)),
        err_(std::move(err)) {
    for (const Fd* fd : {&in_, &out_, &err_}) set_nonblocking(*fd);
    if (spec.input.empty()) in_.close();
  }

  ChildEnd wait(std::atomic<int>& wanted, int event_fd) {
    bool ended = false;
    while (!ended) {
      std::array<pollfd, 5> fds{{{pidfd_.get(), POLLIN, 0},
                                 {event_fd, POLLIN, 0},
                                 {in_.get(), POLLOUT, 0},
                                 {out_.get(), POLLIN, 0},
                                 {err_.get(), POLLIN, 0}}};
      ::poll(fds.data(), fds.size(), timeout_ms());
      ended = (fds[0].revents & POLLIN) != 0;
      if ((fds[1].revents & POLLIN) != 0) drain_event(event_fd);
      obey(wanted.load());
      if (fds[2].revents != 0) feed();
      if (fds[3].revents != 0) read_output();
      if (fds[4].revents != 0) read_error();
    }
    // What the pipes still hold; descendants that keep them open are not waited for.
    read_output();
    read_error();
    return reap();
  }

 private:
  int timeout_ms() const {
    if (!kill_at_) return -1;
    const auto left = std::chrono::ceil<Millis>(*kill_at_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
  }

  static void drain_event(int event_fd) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_fd, &count, sizeof count);
  }

  void obey(int wanted) {
    const auto now = std::chrono::steady_clock::now();
    if (wanted == 1 && !kill_at_) {
      ::kill(-pid_, SIGTERM);
      kill_at_ = now + spec_.kill_grace;
    }
    const bool due = kill_at_ && now >= *kill_at_;
    if (wanted == 2 || due) {
      ::kill(-pid_, SIGKILL);
      kill_at_ = now + Millis{1000};
    }
  }

  void feed() {
    while (fed_ < spec_.input.size()) {
      const auto wrote = ::write(in_.get(), spec_.input.data() + fed_, spec_.input.size() - fed_);
      if (wrote < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (wrote < 0) break;  // it does not read: its right
      fed_ += static_cast<std::size_t>(wrote);
    }
    in_.close();
  }

  // False when nothing is there now; closes `fd` at its end.
  static bool read_some(Fd& fd, std::string& to) {
    std::array<char, 16384> buffer;
    if (!fd.open()) return false;
    const auto got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      to.append(buffer.data(), static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) fd.close();
    return false;
  }

  void read_output() {
    while (read_some(out_, end_.output)) {
      if (end_.output.size() <= spec_.max_output_bytes) continue;
      end_.overflowed = true;
      end_.output.resize(spec_.max_output_bytes);
    }
  }

  void read_error() {
    auto before = end_.error_tail.size();
    while (read_some(err_, end_.error_tail)) {
      const auto size = end_.error_tail.size();
      if (spec_.on_error) spec_.on_error(std::string_view(end_.error_tail).substr(before));
      if (size > spec_.error_tail_bytes) end_.error_tail.erase(0, size - spec_.error_tail_bytes);
      before = end_.error_tail.size();
    }
  }

  ChildEnd reap() {
    int state = 0;
    while (::waitpid(pid_, &state, 0) < 0 && errno == EINTR) {
    }
    if (kill_at_) ::kill(-pid_, SIGKILL);
    if (WIFSIGNALED(state)) {
      end_.signal = WTERMSIG(state);
      end_.exit_code = 128 + end_.signal;
    } else {
      end_.exit_code = WEXITSTATUS(state);
    }
    return std::move(end_);
  }

  const ChildSpec& spec_;
  pid_t pid_;
  Fd pidfd_;
  Fd in_;
  Fd out_;
  Fd err_;
  std::size_t fed_ = 0;
  std::optional<MonoTime> kill_at_;
  ChildEnd end_;
};

}  // namespace

ChildStopper::ChildStopper() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ChildStopper::~ChildStopper() {
  if (event_fd_ >= 0) ::close(event_fd_);
}

void ChildStopper::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto wrote = ::write(event_fd_, &one, sizeof one);
}

void ChildStopper::terminate() {
  int none = 0;
  wanted_.compare_exchange_strong(none, 1);
  wake();
}

void ChildStopper::kill() {
  wanted_ = 2;
  wake();
}

Result<ChildEnd> run_child(const ChildSpec& spec, ChildStopper& stopper) {
  if (stopper.event_fd_ < 0) return spawn_failed("eventfd");
  WEIR_ASSIGN(auto in, make_pipe());
  WEIR_ASSIGN(auto out, make_pipe());
  WEIR_ASSIGN(auto err, make_pipe());
  const NoPipeSignal no_pipe_signal;
  const Environment environment(spec.environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return spawn_failed("fork");
  if (pid == 0) {
    become(spec.command.c_str(), environment.data(), in.read.get(), out.write.get(),
           err.write.get(), parent);
  }
  ::setpgid(pid, pid);  // also here, so that no signal is sent before the child has done it
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.open()) {
    const auto error = spawn_failed("pidfd_open");
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return error;
  }
  in.read.close();
  out.write.close();
  err.write.close();
  Running running(spec, pid, std::move(pidfd), std::move(in.write), std::move(out.read),
                  std::move(err.read));
  return running.wait(stopper.wanted_, stopper.event_fd_);
}

}  // namespace weir::cli
