#include "tests/fault/coordinator/load.hpp"

#include <chrono>

#include "pkg/json/writer.hpp"

namespace weir::test {
namespace {

constexpr std::string_view kPayload = R"({"order":4711,"note":"a payload of some bytes"})";

// A few tenths of a second between tries while the server is away.
void pause_after_failure() {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

struct Held {
  std::string id;
  std::string lease;
};

std::string work_body(std::size_t worker, const LoadPlan& plan, const std::vector<Held>& held,
                      bool lease_more) {
  json::Writer out(8'192);
  out.begin_object().member("worker", "w" + std::to_string(worker)).key("complete").begin_array();
  for (const auto& job : held) {
    out.begin_object().member("lease", job.lease).raw_member("result", "{\"ok\":1}").end_object();
  }
  out.end_array();
  if (lease_more) {
    out.key("lease").begin_object().key("queues").begin_array().value(plan.queue).end_array();
    out.member("max", static_cast<std::int64_t>(plan.lease))
        .member("lease_ms", plan.lease_ms)
        .member("wait_ms", 200)
        .end_object();
  }
  out.end_object();
  return out.take();
}

}  // namespace

void Record::accepted(const std::vector<std::string>& ids) {
  const std::lock_guard lock(mutex_);
  accepted_.insert(ids.begin(), ids.end());
}

void Record::completed(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ++completed_[id];
}

void Record::refused(const std::string&) {
  const std::lock_guard lock(mutex_);
  ++refusals_;
}

void Record::unexpected(std::string what) {
  const std::lock_guard lock(mutex_);
  if (complaints_.size() < 20) complaints_.push_back(std::move(what));
}

std::size_t Record::accepted_count() const {
  const std::lock_guard lock(mutex_);
  return accepted_.size();
}

std::size_t Record::completed_count() const {
  const std::lock_guard lock(mutex_);
  return completed_.size();
}

std::set<std::string> Record::accepted_ids() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

std::vector<std::string> Record::completed_twice() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [id, times] : completed_) {
    if (times > 1) out.push_back(id);
  }
  return out;
}

std::vector<std::string> Record::complaints() const {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

std::size_t Record::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

Load::Load(const WeirServer& server, LoadPlan plan)
    : port_(server.port()), key_(server.key()), plan_(std::move(plan)) {
  threads_.emplace_back([this] { submit(); });
  for (std::size_t i = 0; i < plan_.workers; ++i) threads_.emplace_back([this, i] { work(i); });
}

Load::~Load() {
  stop();
}

void Load::stop() {
  stopping_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Load::submit() {
  HttpClient client(port_, key_);
  for (std::size_t next = 0; next < plan_.jobs && !stopping_;) {
    std::vector<std::string> ids;
    json::Writer body(plan_.batch * 128);
    body.begin_object().key("jobs").begin_array();
    for (std::size_t i = next; i < std::min(next + plan_.batch, plan_.jobs); ++i) {
      ids.push_back(plan_.queue + "-" + std::to_string(i));
      body.begin_object()
          .member("id", ids.back())
          .member("queue", plan_.queue)
          .raw_member("payload", kPayload)
          .end_object();
    }
    body.end_array().end_object();
    const auto answer = client.post("/v1/jobs/batch", body.take());
    if (answer.status == 0 || answer.status == 503) {
      pause_after_failure();
      continue;
    }
    if (answer.status != 201) {
      record_.unexpected("submit: " + std::to_string(answer.status) + " " + answer.body);
      return;
    }
    std::size_t position = 0;
    for (const auto result : answer.json().find("results").elements()) {
      if (result.find("id").as_string() != ids[position++]) record_.unexpected("submit: order");
    }
    if (position != ids.size()) record_.unexpected("submit: results are missing");
    record_.accepted(ids);
    next += ids.size();
  }
  submitted_ = true;
}

void Load::work(std::size_t number) {
  HttpClient client(port_, key_);
  std::vector<Held> held;
  while (!stopping_ || !held.empty()) {
    const auto answer = client.post("/v1/work", work_body(number, plan_, held, !stopping_));
    if (answer.status == 0 || answer.status == 503) {
      pause_after_failure();
      continue;
    }
    if (answer.status != 200) {
      record_.unexpected("work: " + std::to_string(answer.status) + " " + answer.body);
      return;
    }
    std::size_t position = 0;
    for (const auto result : answer.json().find("complete").elements()) {
      const auto& id = held.at(position++).id;
      if (result.find("ok").as_bool().value_or(false)) {
        record_.completed(id);
      } else if (result.find("reason").as_string() == "lease_lost") {
        record_.refused(id);
      } else {
        record_.unexpected("complete: " + std::string(result.raw()));
      }
    }
    if (position != held.size()) record_.unexpected("work: results are missing");
    held.clear();
    for (const auto job : answer.json().find("jobs").elements()) {
      held.push_back(
          {job.find("id").as_string().value_or(""), job.find("lease").as_string().value_or("")});
    }
  }
}

}  // namespace weir::test
