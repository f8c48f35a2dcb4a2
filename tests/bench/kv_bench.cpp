// kv_bench: the key-value service over HTTP beside the same operations made with bare nats.c, in
// the same run, from as many threads, on the same nats-server.
//
//   kv_bench [threads=8] [operations of each thread=2000] [runs=3]
#include <nats/nats.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "cmd/weir/bench/bench_http.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Plan {
  std::size_t threads = 8;
  std::size_t operations = 2'000;
  std::size_t runs = 3;
};

void must(bool ok, const std::string& what) {
  if (ok) return;
  std::fprintf(stderr, "kv_bench: %s\n", what.c_str());
  std::exit(1);
}
void must(natsStatus status, const char* what) {
  must(status == NATS_OK, std::string(what) + ": " + natsStatus_GetText(status));
}

// One thread's way to the bucket.
class Access {
 public:
  virtual ~Access() = default;
  virtual void set(const std::string& key, const std::string& value) = 0;
  virtual void get(const std::string& key, const std::string& value) = 0;
};

class Bare final : public Access {
 public:
  explicit Bare(const std::string& url) {
    must(natsConnection_ConnectTo(&connection_, url.c_str()), "connect");
    must(natsConnection_JetStream(&jetstream_, connection_, nullptr), "JetStream");
    kvConfig config;
    kvConfig_Init(&config);
    config.Bucket = "bare";
    config.History = 1;
    if (js_KeyValue(&store_, jetstream_, "bare") != NATS_OK) {
      must(js_CreateKeyValue(&store_, jetstream_, &config), "bucket");
    }
  }
  ~Bare() override {
    kvStore_Destroy(store_);
    jsCtx_Destroy(jetstream_);
    natsConnection_Destroy(connection_);
  }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  void set(const std::string& key, const std::string& value) override {
    must(kvStore_PutString(nullptr, store_, key.c_str(), value.c_str()), "put");
  }
  void get(const std::string& key, const std::string& value) override {
    kvEntry* entry = nullptr;
    must(kvStore_Get(&entry, store_, key.c_str()), "get");
    must(value == kvEntry_ValueString(entry), "another value");
    kvEntry_Destroy(entry);
  }

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* jetstream_ = nullptr;
  kvStore* store_ = nullptr;
};

// With the client of `weir bench`, which costs half of httplib's.
class OverHttp final : public Access {
 public:
  explicit OverHttp(const WeirServer& server)
      : target_(cli::bench_target(server.url(), server.key()).value()),
        connection_(cli::BenchConnection::open(target_).value()) {}

  void set(const std::string& key, const std::string& value) override {
    ask("/kv/set", R"({"key":")" + key + R"(","value":")" + value + R"("})");
  }
  void get(const std::string& key, const std::string& value) override {
    const auto body = ask("/kv/get", R"({"key":")" + key + R"("})");
    must(body.find(value) != std::string_view::npos, std::string(body));
  }

 private:
  std::string_view ask(std::string_view path, const std::string& body) {
    const auto answer =
        connection_->ask(cli::bench_request(target_, "POST", path, body), kPatience);
    must(answer && answer->status == 200, answer ? std::string(answer->body) : "no answer");
    return answer->body;
  }

  static constexpr Millis kPatience{10'000};
  const cli::BenchTarget target_;
  const std::unique_ptr<cli::BenchConnection> connection_;
};

using Accesses = std::vector<std::unique_ptr<Access>>;
using Operation = std::function<void(Access&, const std::string& key, const std::string& value)>;

double per_second(const Plan& plan, const Accesses& accesses, const Operation& operation) {
  const std::string value(256, 'v');
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < plan.threads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < plan.operations; ++i) {
        operation(*accesses[t], "k" + std::to_string(t) + "-" + std::to_string(i % 500), value);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return static_cast<double>(plan.threads * plan.operations) /
         std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void measure(const Plan& plan) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  Accesses bare;
  Accesses http;
  for (std::size_t t = 0; t < plan.threads; ++t) {
    bare.push_back(std::make_unique<Bare>(nats.url()));
    http.push_back(std::make_unique<OverHttp>(server));
  }
  const Operation set = [](Access& a, const auto& key, const auto& value) { a.set(key, value); };
  const Operation get = [](Access& a, const auto& key, const auto& value) { a.get(key, value); };
  std::vector<double> figures[4];
  for (std::size_t i = 0; i < plan.runs; ++i) {
    figures[0].push_back(per_second(plan, bare, set));
    figures[1].push_back(per_second(plan, http, set));
    figures[2].push_back(per_second(plan, bare, get));
    figures[3].push_back(per_second(plan, http, get));
  }
  const char* names[] = {"set", "get"};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto theirs = median(figures[2 * i]);
    const auto ours = median(figures[2 * i + 1]);
    std::printf("%s: nats.c %.0f/s, Weir over HTTP %.0f/s, ratio %.2f\n", names[i], theirs, ours,
                ours / theirs);
  }
}

}  // namespace
}  // namespace weir::test

int main(int argc, char** argv) {
  weir::test::Plan plan;
  std::size_t* const numbers[] = {&plan.threads, &plan.operations, &plan.runs};
  for (int i = 1; i < argc && i <= 3; ++i) *numbers[i - 1] = std::stoul(argv[i]);
  weir::test::measure(plan);
}
