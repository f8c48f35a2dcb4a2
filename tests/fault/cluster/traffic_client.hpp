// TrafficClient: one client of several coordinators that moves to the next one when it is refused
// or not answered, and knows the times of its last call. Round: what a worker reports with its next
// call. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/history.hpp"
#include "tests/support/http_client.hpp"

namespace weir::test {

class TrafficClient {
 public:
  TrafficClient(std::vector<std::uint16_t> ports, std::string key, Millis limit,
                std::size_t number);

  // Asks for a state at least as new as what this client has seen.
  HttpAnswer send(const std::string& method, const std::string& path, const std::string& body);
  // After an answer that was none: a short pause, then the next coordinator.
  void go_on();
  Event event(Event event) const;  // with the number of the client and the times of the last call

 private:
  void connect();

  const std::vector<std::uint16_t> ports_;
  const std::string key_;
  const Millis limit_;
  const std::size_t number_;
  std::size_t at_;
  std::unique_ptr<HttpClient> client_;
  std::int64_t revision_ = 0;
  std::int64_t from_us_ = 0;
  std::int64_t to_us_ = 0;
};

std::int64_t revision_of(const HttpAnswer& answer);  // 0: it does not tell
// yes, kept, no, or unknown: what a status means for the whole call.
Told told_by(int status);

struct Held {
  std::string id;
  std::string lease;
};

// Reports by kind, in the order in which the call has them.
using Round = std::map<Act, std::vector<Held>>;

// What a worker does with a job: most it completes, some it first gives back, fails or is slow
// with.
Act plan_for(const Held& job);

struct LeasePlan {
  std::string queue;
  std::size_t max = 0;  // 0: no new jobs
  std::int64_t lease_ms = 0;
};
std::string work_body(const std::string& worker, const Round& round, const LeasePlan& lease);
std::string submit_body(const std::string& queue, const std::vector<std::string>& ids);

}  // namespace weir::test
