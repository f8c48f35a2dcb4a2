#include "tests/support/child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "pkg/base/assert.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) out.push_back(text);
  }
  for (const auto& [name, value] : added) out.push_back(name + "=" + value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// An unnamed file that holds the text, read from its start.
int file_with(const std::string& text) {
  std::string name = (std::filesystem::temp_directory_path() / "weir_input_XXXXXX").string();
  const int file = ::mkstemp(name.data());
  WEIR_ASSERT(file >= 0);
  ::unlink(name.c_str());
  WEIR_ASSERT(::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::lseek(file, 0, SEEK_SET);
  return file;
}

int open_output(const std::string& path) {
  const char* name = path.empty() ? "/dev/null" : path.c_str();
  return ::open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

}  // namespace

Child::Child(const Command& command) {
  auto argv_texts = command.argv;
  auto env_texts = merged_environment(command.env);
  auto argv = pointers(argv_texts);
  auto env = pointers(env_texts);
  const int in = file_with(command.input);
  const int out = open_output(command.output_file);
  const int err = open_output(command.error_file);
  WEIR_ASSERT(out >= 0 && err >= 0);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  WEIR_ASSERT(pid_ >= 0);
  if (pid_ == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    ::close(in);
    if (!command.directory.empty() && ::chdir(command.directory.c_str()) != 0) ::_exit(126);
    ::execvpe(argv[0], argv.data(), env.data());
    ::_exit(127);
  }
  ::setpgid(pid_, pid_);
  for (const int file : {in, out, err}) ::close(file);
}

Child::~Child() {
  kill();
}

bool Child::reap() {
  if (status_) return true;
  int raw = 0;
  if (::waitpid(pid_, &raw, WNOHANG) != pid_) return false;
  status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  return true;
}

bool Child::running() {
  return !reap();
}

void Child::signal(int number) {
  if (!reap()) ::kill(pid_, number);
}

std::optional<int> Child::wait(Millis limit) {
  wait_until([this] { return reap(); }, limit);
  return status_;
}

void Child::kill() {
  // The group may outlive its leader; its id is not given away while a member lives.
  ::kill(-pid_, SIGKILL);
  if (!status_) static_cast<void>(wait());
}

Finished run(Command command, Millis limit) {
  const TempDir files;
  command.output_file = files.file("out");
  command.error_file = files.file("err");
  Child child(command);
  const auto code = child.wait(limit);
  if (!code) child.kill();
  return {code.value_or(-1), read_file(command.output_file), read_file(command.error_file)};
}

}  // namespace weir::test
