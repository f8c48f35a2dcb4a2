#include "pkg/nats/embedded_server.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <sstream>
#include <thread>

#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"
#include "pkg/nats/server_greeting.hpp"
#include "pkg/process/child.hpp"
#include "pkg/process/host.hpp"

namespace weir::nats {
namespace {

constexpr Millis kReadyTimeout{15'000};
constexpr std::uint64_t kStartTries = 3;  // a server that dies so often at once will not come up
constexpr Millis kOrphanWait{10'000};     // for the server of a killed parent to end
constexpr Millis kStopGrace{5000};
constexpr Millis kFirstBackoff{100};
constexpr Millis kMaxBackoff{5000};
constexpr Millis kHealthyAfter{10'000};
constexpr std::size_t kMaxLogBytes = 8U << 20U;
constexpr const char* kUser = "weir";

class EmbeddedServerImpl final : public EmbeddedServer {
 public:
  EmbeddedServerImpl(EmbeddedOptions options, ServerProgram program, std::string folder, int lock)
      : options_(std::move(options)),
        program_(std::move(program)),
        folder_(std::move(folder)),
        lock_(lock) {}
  ~EmbeddedServerImpl() override {
    stop();
    ::close(lock_);
    if (store_lock_ >= 0) ::close(store_lock_);
  }

  Result<void> prepare() {
    SystemRandom random;
    const std::string client = process::read_file(folder_ + "/client.json");
    if (json::check(client)) {
      const json::View view(client);
      password_ = view.find("password").as_string().value_or("");
      port_ = static_cast<std::uint16_t>(view.find("port").as_int().value_or(0));
    }
    if (password_.empty()) password_ = random_hex(random, 32);
    if (options_.port != 0) port_ = options_.port;
    if (port_ == 0) {
      WEIR_ASSIGN(port_, process::free_loopback_port());
    }
    return {};
  }

  Result<void> start() override {
    if (keeper_.joinable()) return {};
    WEIR_TRY(take_store());
    WEIR_TRY(take_port());
    WEIR_TRY(write_files());
    stopping_ = false;
    restarts_ = 0;
    keeper_ = std::thread([this] { keep(); });
    const MonoTime deadline = SystemClock().mono() + kReadyTimeout;
    while (SystemClock().mono() < deadline && restarts_ < kStartTries) {
      if (fetch_server_version(url(), Millis{200}) && pid_ != 0) return {};
      std::this_thread::sleep_for(Millis{20});
    }
    stop();
    return Error{Code::unavailable, "nats_not_started", "The embedded nats-server does not start",
                 last_words() + " (" + folder_ + "/nats-server.log)"};
  }

  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (keeper_.joinable()) keeper_.join();
  }

  ConnectOptions connect_options() const override {
    ConnectOptions options;
    options.urls = {url()};
    options.user = kUser;
    options.password = password_;
    return options;
  }
  const ServerProgram& program() const override { return program_; }
  bool syncs_always() const override {
    return options_.sync_always &&
           (program_.major > 2 || (program_.major == 2 && program_.minor >= 10));
  }
  int pid() const override { return pid_.load(); }
  std::uint64_t restarts() const override { return restarts_.load(); }

 private:
  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

  // Held by the child too: a parent that was killed may leave its server behind for a moment, and
  // two servers on one store would ruin it.
  Result<void> take_store() {
    if (store_lock_ < 0) {
      store_lock_ = ::open((folder_ + "/store.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    const MonoTime deadline = SystemClock().mono() + kOrphanWait;
    while (store_lock_ >= 0) {
      if (::flock(store_lock_, LOCK_EX | LOCK_NB) == 0) return {};
      if (SystemClock().mono() >= deadline) break;
      std::this_thread::sleep_for(Millis{20});
    }
    std::string pid = process::read_file(folder_ + "/nats-server.pid");
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return Error{Code::conflict, "nats_store_in_use",
                 "The nats-server of a former run still uses the store",
                 "end its process" + (pid.empty() ? "" : " " + pid) + ", then start again"};
  }

  // The newest line of its log that tells of a failure.
  std::string last_words() const {
    std::istringstream log(process::read_file(folder_ + "/nats-server.log"));
    std::string last;
    std::string failure;
    for (std::string line; std::getline(log, line);) {
      const auto fatal = line.find("[FTL]");
      if (fatal != std::string::npos) failure = line.substr(fatal + 6);
      if (!line.empty()) last = line;
    }
    return failure.empty() ? last : failure;
  }

  // The port of the last run, unless somebody else has it now. A server of a killed parent may need
  // a moment to go.
  Result<void> take_port() {
    const MonoTime deadline = SystemClock().mono() + Millis{3000};
    while (!process::is_port_free(port_) && SystemClock().mono() < deadline) {
      std::this_thread::sleep_for(Millis{20});
    }
    if (process::is_port_free(port_)) return {};
    if (options_.port != 0) {
      return Error{Code::conflict, "port_in_use", "The port of the embedded NATS is in use",
                   "127.0.0.1:" + std::to_string(port_) + ": choose another with --nats-port"};
    }
    WEIR_ASSIGN(port_, process::free_loopback_port());
    return {};
  }

  Result<void> write_files() const {
    const auto quoted = [](const std::string& text) { return json::quoted(text); };
    std::string config =
        "server_name: \"weir-embedded\"\nlisten: \"127.0.0.1:" + std::to_string(port_) + "\"\n";
    config += "pid_file: " + quoted(folder_ + "/nats-server.pid") + "\n";
    config += "max_payload: " + std::to_string(options_.max_payload) + "\n";
    config += "max_pending: " +
              std::to_string(std::max<std::size_t>(64U << 20U, options_.max_payload * 2)) + "\n";
    config += "authorization { user: \"" + std::string(kUser) +
              "\", password: " + quoted(password_) + " }\n";
    config += "jetstream {\n  store_dir: " + quoted(folder_ + "/jetstream") + "\n";
    if (syncs_always()) config += "  sync_interval: always\n";
    config += "}\n";
    WEIR_TRY(process::write_private_file(folder_ + "/nats-server.conf", config));
    json::Writer client;
    client.begin_object().member("url", url()).member("user", kUser).member("password", password_);
    client.member("port", static_cast<std::int64_t>(port_)).end_object();
    return process::write_private_file(folder_ + "/client.json", client.str());
  }

  // Runs the child from one thread that lives as long as it may: see process::Child.
  void keep() {
    Millis backoff = kFirstBackoff;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      trim_log();
      auto child =
          process::Child::spawn({.arguments = {program_.path, "-c", folder_ + "/nats-server.conf"},
                                 .output_file = folder_ + "/nats-server.log",
                                 .keep_open = store_lock_});
      if (!child) log::error("nats_server_not_spawned", {{"error", child.error().details}});
      const MonoTime started = SystemClock().mono();
      pid_ = child ? (*child)->pid() : 0;
      lock.lock();
      while (!stopping_ && child && !(*child)->try_wait()) wake_.wait_for(lock, Millis{50});
      pid_ = 0;
      if (stopping_) {
        lock.unlock();
        if (child) (*child)->terminate(kStopGrace);
        return;
      }
      if (SystemClock().mono() - started > kHealthyAfter) backoff = kFirstBackoff;
      log::warn("nats_server_died",
                {{"restart_in_ms", backoff.count()}, {"log", folder_ + "/nats-server.log"}});
      ++restarts_;
      wake_.wait_for(lock, backoff, [this] { return stopping_; });
      backoff = std::min(backoff * 2, kMaxBackoff);
    }
  }

  void trim_log() const {
    const std::string path = folder_ + "/nats-server.log";
    std::error_code error;
    if (std::filesystem::file_size(path, error) > kMaxLogBytes && !error) {
      std::filesystem::rename(path, path + ".1", error);
    }
  }

  const EmbeddedOptions options_;
  const ServerProgram program_;
  const std::string folder_;
  const int lock_;
  int store_lock_ = -1;
  std::string password_;
  std::uint16_t port_ = 0;
  std::atomic<int> pid_{0};
  std::atomic<std::uint64_t> restarts_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread keeper_;
};

}  // namespace

Result<std::unique_ptr<EmbeddedServer>> EmbeddedServer::make(const EmbeddedOptions& options) {
  WEIR_ASSIGN(ServerProgram program, find_server(options.program, options.versions_dir));
  std::error_code error;
  const std::string folder =
      std::filesystem::absolute(options.data_dir, error).lexically_normal().string() + "/nats";
  std::filesystem::create_directories(folder, error);
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error) {
    return Error{Code::out_of_space, "data_dir_not_writable",
                 "The data directory cannot be written", folder + ": " + error.message()};
  }
  const int lock = ::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (lock >= 0) ::close(lock);
    return Error{Code::conflict, "data_dir_in_use", "Another weir serve uses this data directory",
                 options.data_dir};
  }
  auto server = std::make_unique<EmbeddedServerImpl>(options, std::move(program), folder, lock);
  WEIR_TRY(server->prepare());
  return std::unique_ptr<EmbeddedServer>(std::move(server));
}

}  // namespace weir::nats
