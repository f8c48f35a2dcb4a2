#include "api/admin/nats_probe.hpp"

#include <algorithm>

namespace weir::api {
namespace {

// A question that takes longer is given up; the next one starts afresh.
constexpr Millis kQuestionTimeout{1000};
constexpr std::chrono::seconds kIdlePeriod{3};
constexpr std::string_view kBucketPrefix = "KV_";  // of the stream that carries a KV bucket

void sort_out(const std::vector<nats::StreamInfo>& streams, SystemFacts& facts) {
  facts.streams.clear();
  facts.kv_buckets.clear();
  facts.clustered = false;
  for (const auto& stream : streams) {
    facts.clustered = facts.clustered || stream.clustered;
    if (stream.name.starts_with(kBucketPrefix)) {
      // One subject per key; a deleted key counts until its marker goes.
      facts.kv_buckets.push_back({.name = stream.name.substr(kBucketPrefix.size()),
                                  .keys = stream.subjects,
                                  .bytes = stream.bytes,
                                  .replicas = stream.replicas,
                                  .replicas_current = stream.replicas_current});
    } else {
      facts.streams.push_back({.name = stream.name,
                               .messages = stream.messages,
                               .bytes = stream.bytes,
                               .consumers = stream.consumers,
                               .subjects = stream.subjects,
                               .replicas = stream.replicas,
                               .replicas_current = stream.replicas_current,
                               .discard = stream.discard,
                               .max_bytes = stream.max_bytes,
                               .max_messages = stream.max_messages,
                               .max_age = stream.max_age});
    }
  }
  std::sort(facts.streams.begin(), facts.streams.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::sort(facts.kv_buckets.begin(), facts.kv_buckets.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
}

// The reason is worth telling where it is ours to repair: a refused password, a certificate.
std::string problem_of(const Error& error) {
  const bool told = error.reason == "nats_unavailable" && !error.details.empty();
  return told ? error.message + ": " + error.details : error.message;
}

// How far the server's clock is from ours, when that is more than the time the answer took.
std::optional<Millis> skew_of(const std::vector<nats::StreamInfo>& streams, Timestamp before,
                              Timestamp after) {
  if (streams.empty() || !streams.front().answered_at) return std::nullopt;
  const Timestamp server = *streams.front().answered_at;
  if (server < before) return server - before;
  return std::max(server - after, Millis{0});
}

}  // namespace

NatsProbe::NatsProbe(std::shared_ptr<nats::Connection> connection, const Clock& clock,
                     std::optional<bool> sync_always)
    : jetstream_(std::move(connection), kQuestionTimeout), clock_(clock) {
  facts_.sync_always = sync_always;
  facts_.problem = "NATS was not asked yet";
}

Result<void> NatsProbe::start() {
  const std::lock_guard lock(mutex_);
  if (running_) return {};
  running_ = true;
  thread_ = std::thread([this] { loop(); });
  return {};
}

void NatsProbe::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    thread = std::move(thread_);
  }
  wanted_.notify_all();
  answered_.notify_all();
  if (thread.joinable()) thread.join();
}

SystemFacts NatsProbe::refresh(Millis wait) {
  std::unique_lock lock(mutex_);
  const std::uint64_t question = ++questions_;
  wanted_.notify_all();
  answered_.wait_for(lock, wait, [&] { return answers_ >= question || !running_; });
  SystemFacts facts = facts_;
  if (answers_ < question) {
    facts.fresh = false;
    if (facts.problem.empty()) {
      facts.problem = "NATS did not answer within " + std::to_string(wait.count()) + " ms";
    }
  }
  return facts;
}

SystemFacts NatsProbe::last_known() const {
  const std::lock_guard lock(mutex_);
  return facts_;
}

void NatsProbe::loop() {
  std::unique_lock lock(mutex_);
  while (running_) {
    const std::uint64_t question = questions_;
    lock.unlock();
    ask();
    lock.lock();
    answers_ = question;
    answered_.notify_all();
    wanted_.wait_for(lock, kIdlePeriod, [&] { return questions_ > answers_ || !running_; });
  }
}

void NatsProbe::ask() {
  const auto& connection = jetstream_.connection();
  const auto before = clock_.mono();
  const auto wall_before = clock_.wall();
  const auto streams = jetstream_.streams();
  const auto took = clock_.mono() - before;
  const std::string url = connection.url();
  const std::string version = connection.server_version();
  const std::lock_guard lock(mutex_);
  if (!url.empty()) facts_.nats_url = url;
  if (!version.empty()) facts_.nats_version = version;
  facts_.fresh = streams.has_value();
  facts_.problem = streams ? "" : problem_of(streams.error());
  if (!streams) return;
  facts_.taken_at = clock_.wall();
  if (const auto skew = skew_of(*streams, wall_before, facts_.taken_at)) facts_.clock_skew = skew;
  facts_.latency_ms = std::chrono::duration<double, std::milli>(took).count();
  sort_out(*streams, facts_);
}

}  // namespace weir::api
