#include "tests/fault/cluster/traffic_client.hpp"

#include <algorithm>
#include <functional>
#include <thread>

#include "pkg/json/writer.hpp"

namespace weir::test {
namespace {

constexpr Millis kPause{50};

}  // namespace

TrafficClient::TrafficClient(std::vector<std::uint16_t> ports, std::string key, Millis limit,
                             std::size_t number)
    : ports_(std::move(ports)),
      key_(std::move(key)),
      limit_(limit),
      number_(number),
      at_(number % ports_.size()) {
  connect();
}

void TrafficClient::connect() {
  client_ = std::make_unique<HttpClient>(ports_[at_], key_, limit_);
}

void TrafficClient::go_on() {
  std::this_thread::sleep_for(kPause);
  at_ = (at_ + 1) % ports_.size();
  connect();
}

HttpAnswer TrafficClient::send(const std::string& method, const std::string& path,
                               const std::string& body) {
  std::multimap<std::string, std::string> headers;
  if (!body.empty()) headers.emplace("Content-Type", "application/json");
  if (method == "GET") headers.emplace("Weir-Min-Revision", std::to_string(revision_));
  from_us_ = History::now_us();
  auto answer = client_->send(method, path, body, headers);
  to_us_ = History::now_us();
  revision_ = std::max(revision_, revision_of(answer));
  return answer;
}

Event TrafficClient::event(Event event) const {
  event.client = number_;
  event.from_us = from_us_;
  event.to_us = to_us_;
  return event;
}

std::int64_t revision_of(const HttpAnswer& answer) {
  const std::string text = answer.header("weir-revision");
  return text.empty() ? 0 : std::stoll(text);
}

Told told_by(int status) {
  if (status == 200 || status == 201) return Told::yes;
  if (status == 202) return Told::kept;
  return status >= 400 && status < 500 && status != 429 ? Told::no : Told::unknown;
}

Act plan_for(const Held& job) {
  if (fence_of(job.lease) > 1) return Act::complete;
  switch (std::hash<std::string>{}(job.id) % 16) {
    case 0:
      return Act::fail;
    case 1:
      return Act::release;
    case 2:
      return Act::heartbeat;
    default:
      return Act::complete;
  }
}

std::string work_body(const std::string& worker, const Round& round, const LeasePlan& lease) {
  json::Writer out(8'192);
  out.begin_object().member("worker", worker);
  for (const auto& [act, reports] : round) {
    out.key(name_of(act)).begin_array();
    for (const auto& report : reports) {
      out.begin_object().member("lease", report.lease);
      if (act == Act::fail) out.member("retry_after_ms", 0);
      out.end_object();
    }
    out.end_array();
  }
  if (lease.max > 0) {
    out.key("lease").begin_object().key("queues").begin_array().value(lease.queue).end_array();
    out.member("max", static_cast<std::int64_t>(lease.max))
        .member("lease_ms", lease.lease_ms)
        .member("wait_ms", 200)
        .end_object();
  }
  return out.end_object().take();
}

std::string submit_body(const std::string& queue, const std::vector<std::string>& ids) {
  json::Writer out(ids.size() * 96 + 64);
  out.begin_object().key("jobs").begin_array();
  for (const auto& id : ids) {
    out.begin_object().member("id", id).member("queue", queue);
    out.raw_member("payload", R"({"order":4711})").end_object();
  }
  return out.end_array().end_object().take();
}

}  // namespace weir::test
