// jobs_bench: what one job costs in the state machine, without log, network and HTTP.
//
//   jobs_bench [jobs=100000] [batch=100] [entries_per_transaction=2] [waiting=1000000]
//
// Drives Machine::apply as the applier does, on a database file, and prints CPU microseconds per
// job and phase; the same for jobs with priorities and keys in a queue with aging, rates and
// limits, in turns with the plain ones; then the cost of one lease with more and more jobs waiting,
// with and without keys, and the memory.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "jobs/machine.hpp"
#include "pkg/base/ids.hpp"

namespace weir::jobs {
namespace {

class NoOutbound final : public replica::Outbound {
 public:
  void deliver(std::string_view, std::string_view, std::string) override {}
  void touch(std::string_view) override {}
  bool anyone_watches() const override { return false; }
};

double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

long resident_kb() {
  std::ifstream statm("/proc/self/statm");
  long size = 0;
  long resident = 0;
  statm >> size >> resident;
  return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

// What jobs there are, and what their queue allows.
struct Load {
  std::string name;
  std::string config = {};  // of the queue; empty: as it comes
  std::size_t keys = 0;
  std::size_t priorities = 1;
};

const Load kPlain{.name = "plain"};
// Limits that are looked at for each job and hold none back.
const Load kLimited{
    .name = "limited",
    .config = R"({"aging_ms":60000,"concurrency":1000000,"rate":{"limit":1000000,"per_ms":1000},)"
              R"("per_key":{"concurrency":1000,"rate":{"limit":100000,"per_ms":1000}}})",
    .keys = 1'000,
    .priorities = 10};
const Load kManyKeys{.name = "keys", .config = R"({"per_key":{"concurrency":2}})", .keys = 10'000};

class Bench {
 public:
  Bench(const std::string& directory, Load load, std::size_t batch, std::size_t entries)
      : load_(std::move(load)), batch_(batch), entries_(entries), ids_(clock_, random_) {
    auto opened = sqlite::Database::open({.path = directory + "/" + load_.name + ".db"});
    db_ = std::move(opened).value();
    db_->migrate("jobs", machine_.migrations()).value();
    db_->transaction([&]() -> Result<void> {
         machine_.open(*db_);
         return {};
       })
        .value();
    if (load_.config.empty()) return;
    apply({{"jobs.queue_config", R"({"queue":"bench","config":)" + load_.config + "}"}});
  }

  // Applies operations, `entries_` to a transaction; answers the replies.
  std::vector<std::string> apply(const std::vector<replica::Operation>& operations) {
    std::vector<std::string> replies;
    for (std::size_t i = 0; i < operations.size();) {
      db_->transaction([&]() -> Result<void> {
           for (std::size_t n = 0; n < entries_ && i < operations.size(); ++n, ++i) {
             clock_.advance(Millis{1});
             replica::ApplyContext context{*db_, ++revision_, clock_.wall(),
                                           true, outbound_,   add_effect_};
             replies.push_back(
                 machine_.apply(operations[i], json::View(operations[i].body), context).value());
           }
           machine_.before_commit(*db_);
           return {};
         })
          .value();
      machine_.after_commit();
    }
    return replies;
  }

  replica::Operation submit_operation() {
    std::string body = "{\"jobs\":[";
    for (std::size_t i = 0; i < batch_; ++i) {
      if (i > 0) body += ',';
      body += "{\"id\":\"" + ids_.next() +
              "\",\"queue\":\"bench\",\"type\":\"hash\",\"payload\":\"" + std::string(254, 'x') +
              '"';
      if (load_.keys > 0) {
        body += R"(,"key":"customer-)" + std::to_string(random_.next() % load_.keys) + '"';
      }
      if (load_.priorities > 1) {
        body += R"(,"priority":)" + std::to_string(random_.next() % load_.priorities);
      }
      body += '}';
    }
    return {"jobs.submit", body + "]}"};
  }

  replica::Operation lease_operation(std::size_t max) {
    return {"jobs.lease",
            R"({"worker":"bench-worker","queues":["bench"],"max":)" + std::to_string(max) +
                ",\"lease_ms\":3600000,\"salt\":" + std::to_string(random_.next() >> 1U) + "}"};
  }

  static replica::Operation complete_operation(const std::string& leased) {
    std::string body = R"({"worker":"bench-worker","salt":1,"complete":[)";
    bool first = true;
    for (const auto job : json::View(leased).find("jobs").elements()) {
      if (!first) body += ',';
      first = false;
      body += "{\"lease\":" + std::string(job.find("lease").raw()) + ",\"result\":{\"ok\":true}}";
    }
    return {"jobs.work", body + "]}"};
  }

  void lifecycle(std::size_t jobs) {
    std::vector<replica::Operation> submits;
    std::vector<replica::Operation> leases;
    for (std::size_t i = 0; i < jobs / batch_; ++i) {
      submits.push_back(submit_operation());
      leases.push_back(lease_operation(batch_));
    }
    const auto count = static_cast<double>(jobs / batch_ * batch_);
    const auto begin = cpu_us();
    apply(submits);
    const auto submitted = cpu_us();
    const auto leased = apply(leases);
    const auto lease_end = cpu_us();
    std::vector<replica::Operation> completes;
    for (const auto& reply : leased) completes.push_back(complete_operation(reply));
    const auto complete_begin = cpu_us();
    apply(completes);
    const auto end = cpu_us();
    const auto submit_us = (submitted - begin) / count;
    const auto lease_us = (lease_end - submitted) / count;
    const auto complete_us = (end - complete_begin) / count;
    std::printf("submit %.2f us  lease %.2f us  complete %.2f us  lifecycle %.2f us  (%.0f jobs)\n",
                submit_us, lease_us, complete_us, submit_us + lease_us + complete_us, count);
  }

  // A rolling load, as workers make it: each round submits, leases and completes one batch. CPU
  // microseconds for each job.
  double rolling(std::size_t jobs) {
    double spent = 0;
    for (std::size_t i = 0; i < jobs / batch_; ++i) {
      const std::vector<replica::Operation> first{submit_operation(), lease_operation(batch_)};
      auto begin = cpu_us();
      const auto replies = apply(first);
      spent += cpu_us() - begin;
      const std::vector<replica::Operation> second{complete_operation(replies[1])};
      begin = cpu_us();
      apply(second);
      spent += cpu_us() - begin;
    }
    return spent / static_cast<double>(jobs / batch_ * batch_);
  }

  // Fills the queue until so many jobs wait, and measures one lease at a time.
  void waiting(std::size_t jobs) {
    while (waiting_ < jobs) {
      std::vector<replica::Operation> submits;
      for (; submits.size() < 100 && waiting_ < jobs; waiting_ += batch_) {
        submits.push_back(submit_operation());
      }
      apply(submits);
    }
    measure_leases(load_.name + ": one lease with " + std::to_string(jobs) + " waiting");
  }

 private:
  void measure_leases(const std::string& what) {
    constexpr std::size_t kRounds = 2'000;
    apply({submit_operation()});
    std::vector<double> costs;
    for (std::size_t i = 0; i < kRounds; ++i) {
      const auto lease = lease_operation(1);
      const auto begin = cpu_us();
      const auto leased = apply({lease});
      costs.push_back(cpu_us() - begin);
      apply({complete_operation(leased[0])});
      if (i % (batch_ / 2) == 0) apply({submit_operation()});
    }
    std::sort(costs.begin(), costs.end());
    std::printf("%s: p50 %.1f us, p99 %.1f us; resident %ld MB, database %.0f MB\n", what.c_str(),
                costs[kRounds / 2], costs[kRounds * 99 / 100], resident_kb() / 1024,
                static_cast<double>(db_->file_bytes()) / 1e6);
  }

  const Load load_;
  std::size_t batch_;
  std::size_t entries_;
  ManualClock clock_;
  SeededRandom random_{7};
  UuidGenerator ids_;
  Machine machine_;
  NoOutbound outbound_;
  std::function<void(replica::Effect)> add_effect_ = [](const replica::Effect&) {};
  std::unique_ptr<sqlite::Database> db_;
  replica::Revision revision_ = 0;
  std::size_t waiting_ = 0;
};

std::size_t argument(int argc, char** argv, int index, std::size_t standard) {
  return argc > index ? static_cast<std::size_t>(std::strtoull(argv[index], nullptr, 10))
                      : standard;
}

// In turns, so that both see the same machine.
void compare(const std::string& directory, std::size_t jobs, std::size_t batch,
             std::size_t entries) {
  constexpr std::size_t kRounds = 7;
  Bench plain(directory, kPlain, batch, entries);
  Bench limited(directory, kLimited, batch, entries);
  std::vector<double> before;
  std::vector<double> after;
  std::vector<double> ratios;
  for (std::size_t round = 0; round < kRounds; ++round) {
    before.push_back(plain.rolling(jobs / 2));
    after.push_back(limited.rolling(jobs / 2));
    ratios.push_back(after.back() / before.back());
  }
  for (auto* values : {&before, &after, &ratios}) std::sort(values->begin(), values->end());
  std::printf("rolling lifecycle: plain %.2f us, limited %.2f us, ratio %.2f (medians of %zu)\n",
              before[kRounds / 2], after[kRounds / 2], ratios[kRounds / 2], kRounds);
}

int run(int argc, char** argv) {
  const auto jobs = argument(argc, argv, 1, 100'000);
  const auto batch = std::max<std::size_t>(2, argument(argc, argv, 2, 100));
  const auto entries = argument(argc, argv, 3, 2);
  const auto waiting = argument(argc, argv, 4, 1'000'000);
  const auto directory =
      std::filesystem::temp_directory_path() / ("weir_jobs_bench_" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  if (jobs > 0) {
    Bench bench(directory.string(), {.name = "phases"}, batch, entries);
    for (int round = 0; round < 3; ++round) bench.lifecycle(jobs);
  }
  if (jobs > 0) compare(directory.string(), jobs, batch, entries);
  for (const Load* load : {&kPlain, &kManyKeys}) {
    Bench bench(directory.string(), {load->name + "-waiting", load->config, load->keys}, batch,
                entries);
    for (const std::size_t part : {100U, 10U, 1U}) {
      if (waiting >= part) bench.waiting(waiting / part);
    }
  }
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace weir::jobs

int main(int argc, char** argv) {
  return weir::jobs::run(argc, argv);
}
