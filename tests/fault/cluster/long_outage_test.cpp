// NATS is away for a while under a steady rate of submits: each is answered 2xx, and when it is
// back the jobs of each queue and priority are given out in the order in which they were submitted.
// WEIR_FAULT_OUTAGE=60 is the length in seconds, then at 1,000 submits a second.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kClients = 8;  // each has a queue of its own, so that its order is known
constexpr std::size_t kPriorities = 3;

struct Rate {
  std::chrono::seconds outage{4};
  std::size_t submits_per_s = 400;
};

Rate rate_of_this_run() {
  const char* seconds = std::getenv("WEIR_FAULT_OUTAGE");
  return seconds == nullptr ? Rate{} : Rate{std::chrono::seconds(std::atoi(seconds)), 1'000};
}

// A submitter with its queue: ids count up.
class Stream {
 public:
  Stream(const WeirServer& server, std::size_t number, std::size_t per_s)
      : queue_("q" + std::to_string(number)), every_(1'000'000 / per_s) {
    thread_ = std::thread([this, port = server.port(), key = server.key()] {
      HttpClient client(port, key);
      run(client);
    });
  }
  ~Stream() { stop(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const std::string& queue() const { return queue_; }
  std::size_t submitted() const { return submitted_; }
  std::size_t kept() const { return kept_; }
  // After stop().
  const std::vector<std::string>& refusals() const { return refusals_; }
  Millis slowest() const { return slowest_; }

 private:
  void run(HttpClient& client) {
    auto next = Clock::now();
    for (; !stopping_; ++submitted_) {
      const auto began = Clock::now();
      const auto answer =
          client.post("/v1/jobs", R"({"queue":")" + queue_ + R"(","id":")" + queue_ + "-" +
                                      std::to_string(submitted_) + R"(","priority":)" +
                                      std::to_string(submitted_ % kPriorities) + "}");
      slowest_ = std::max(slowest_, std::chrono::duration_cast<Millis>(Clock::now() - began));
      if (answer.status == 202) ++kept_;
      if (answer.status != 201 && answer.status != 202) {
        refusals_.push_back(std::to_string(answer.status) + " " + answer.body);
      }
      next = std::max(next + every_, Clock::now() - std::chrono::seconds(1));
      std::this_thread::sleep_until(next);
    }
  }

  const std::string queue_;
  const std::chrono::microseconds every_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> submitted_{0};
  std::atomic<std::size_t> kept_{0};
  Millis slowest_{0};
  std::vector<std::string> refusals_;
  std::thread thread_;
};

// Leases and completes the whole queue; what was out of order.
std::vector<std::string> drain_in_order(const WeirServer& server, const Stream& stream) {
  HttpClient client(server.port(), server.key());
  std::vector<std::string> complaints;
  std::map<std::size_t, std::size_t> next;  // by priority
  for (std::size_t priority = 0; priority < kPriorities; ++priority) next[priority] = priority;
  std::string complete;
  for (std::size_t done = 0; done < stream.submitted() || !complete.empty();) {
    const auto answer = client.post("/v1/work", R"({"worker":"w","complete":[)" + complete +
                                                    R"(],"lease":{"queues":[")" + stream.queue() +
                                                    R"("],"max":500,"wait_ms":1000}})");
    if (answer.status != 200) {
      if (answer.status != 503) complaints.push_back(answer.body);
      if (complaints.size() > 10) return complaints;
      std::this_thread::sleep_for(Millis{20});
      continue;
    }
    complete.clear();
    for (const auto job : answer.json().find("jobs").elements()) {
      const auto id = job.find("id").as_string().value_or("");
      const std::size_t number = std::stoul(id.substr(id.find('-') + 1));
      std::size_t& expected = next[number % kPriorities];
      if (number != expected) {
        complaints.push_back(id + " instead of number " + std::to_string(expected));
      }
      expected = number + kPriorities;
      complete += (complete.empty() ? R"({"lease":")" : R"(,{"lease":")") +
                  job.find("lease").as_string().value_or("") + R"("})";
      ++done;
    }
    if (complaints.size() > 10) return complaints;
  }
  return complaints;
}

TEST(LongOutage, EverySubmitIsTakenAndEachQueueKeepsItsOrder) {
  const Rate rate = rate_of_this_run();
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  std::vector<std::unique_ptr<Stream>> streams;
  for (std::size_t i = 0; i < kClients; ++i) {
    streams.push_back(std::make_unique<Stream>(server, i, rate.submits_per_s / kClients));
  }
  const auto sum = [&](auto figure) {
    std::size_t all = 0;
    for (const auto& stream : streams) all += figure(*stream);
    return all;
  };
  const auto submitted = [&] { return sum([](const Stream& s) { return s.submitted(); }); };
  ASSERT_TRUE(wait_until([&] { return submitted() > rate.submits_per_s / 2; }));

  nats.kill();
  const auto before = submitted();
  std::this_thread::sleep_for(rate.outage);
  const auto during = submitted() - before;
  nats.start();
  const auto back = Clock::now();
  const auto kept = sum([](const Stream& s) { return s.kept(); });
  EXPECT_TRUE(wait_until(
      [&] {
        const auto status = server.client().get("/health/status");
        return status.json().find("outbox").find("operations").as_int() == 0;
      },
      std::chrono::seconds(60)));
  const std::chrono::duration<double> drained = Clock::now() - back;
  for (const auto& stream : streams) stream->stop();

  Millis slowest{0};
  for (const auto& stream : streams) {
    EXPECT_THAT(stream->refusals(), IsEmpty());
    slowest = std::max(slowest, stream->slowest());
  }
  std::vector<std::thread> workers;
  std::vector<std::vector<std::string>> complaints(streams.size());
  for (std::size_t i = 0; i < streams.size(); ++i) {
    workers.emplace_back([&, i] { complaints[i] = drain_in_order(server, *streams[i]); });
  }
  for (auto& worker : workers) worker.join();
  for (const auto& of_one : complaints) EXPECT_THAT(of_one, IsEmpty());
  const auto status = server.client().get("/health/status");
  EXPECT_EQ(status.json().find("jobs").find("completed").as_int(),
            static_cast<std::int64_t>(submitted()));
  EXPECT_GE(during, rate.submits_per_s * static_cast<std::size_t>(rate.outage.count()) / 2)
      << "the rate was kept";
  std::printf(
      "%zu submits, %zu of them (%.0f a second) while NATS was away, %zu kept, slowest answer "
      "%lld ms, outbox empty %.1f s after NATS was back\n",
      submitted(), during, static_cast<double>(during) / static_cast<double>(rate.outage.count()),
      kept, static_cast<long long>(slowest.count()), drained.count());
}

}  // namespace
}  // namespace weir::test
