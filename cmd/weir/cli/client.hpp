// Client: the CLI's connection to a server, over HTTP with keep-alive. The only place of the CLI
// that knows httplib.
//
// Lifecycle: make(), then call() from one thread at a time; stop() from any thread. Not copyable.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::cli {

enum class Repeat : std::uint8_t {
  never,  // not sent twice once the server may have seen it
  safe,   // repeating it changes nothing: also retried when the outcome is unknown
};

struct Call {
  std::string method = "GET";
  std::string path;  // with the query, already encoded
  std::string body = {};
  std::string content_type = "application/json";
  Repeat repeat = Repeat::safe;
  Millis wait{0};  // how much longer than usual the server may take (long poll)
  std::vector<std::pair<std::string, std::string>> headers = {};  // more of them
};

struct Answer {
  int status = 0;
  std::string body;
  std::string date;       // the Date header, may be empty
  Millis retry_after{0};  // the Retry-After header; 0 = not given
};

class Client {
 public:
  struct Options {
    // One, or several with commas: coordinators of one log. A client stays with one of them until
    // it is refused or not answered, and then goes on at the next.
    std::string server = "http://127.0.0.1:7080";
    std::string key = {};            // API key; empty = none
    std::string ca_file = {};        // authorities for https; empty = the system's
    std::string cert_file = {};      // shown to an https server that asks for one; empty = none
    std::string cert_key_file = {};  // of cert_file
    Millis timeout{30'000};          // for one request, beyond Call::wait
    Millis retry_for{5'000};         // total time spent on retries
    Millis first_backoff{50};        // doubled up to 1 s
  };

  // Errors: invalid / bad_server_url, bad_api_key, unreadable_file.
  static Result<std::unique_ptr<Client>> make(Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The answer when its status is 2xx. Retries what may be retried: a refused connection and
  // 429/503 (as Retry-After says) always, a lost answer only for Repeat::safe. Errors: the code and
  // reason of the server's envelope; unavailable / unreachable; deadline_exceeded /
  // outcome_unknown; unavailable / stopped after stop(). The next server is asked without a pause.
  Result<Answer> call(const Call& call);
  // Any status is an answer; no retries. Errors: as above without the envelope's.
  Result<Answer> once(const Call& call);

  // Follows an answer that goes on, handing on its bytes as they come: nothing at first, when the
  // server has agreed; `receive` says false when it has enough. The status (200 or 204) when it
  // ended properly. `last_event_id` may be empty. Call::wait is the longest silence. No retries.
  // Errors: as call().
  Result<int> stream(const Call& call, const std::string& last_event_id,
                     const std::function<bool(std::string_view)>& receive);

  // Breaks a call in flight; every later call fails at once. Idempotent, any thread.
  void stop();
  const std::string& server() const { return servers_[at_]; }  // the one that it stays with
  std::size_t server_count() const { return servers_.size(); }
  Millis retry_for() const { return options_.retry_for; }

 private:
  struct Http;
  explicit Client(Options options);
  Error lost_error(int failure) const;
  bool pause(MonoTime give_up, Millis asked, Millis& backoff);
  void go_on() { at_ = (at_ + 1) % servers_.size(); }

  Options options_;
  std::vector<std::string> servers_;
  std::vector<std::unique_ptr<Http>> http_;  // one for each server
  std::size_t at_ = 0;
  std::atomic<bool> stopped_{false};
};

// The servers of Client::Options::server.
std::vector<std::string> split_servers(const std::string& text);

// The error that an answer outside 2xx carries.
Error error_of(const Answer& answer);

// Percent-encodes everything but letters, digits and -._~ : for one path segment or query value.
std::string encode(std::string_view text);

}  // namespace weir::cli
