// kv::Service: the KV buckets of a NATS account. It finds (or makes) the bucket of each call,
// notices when one was deleted or made anew by somebody else, keeps the indexes of buckets that are
// listed, and sweeps out entries that have ended where the server does not.
//
// Lifecycle of a Service; works before start(), without sweeping. Thread-safe. Calls block for as
// long as NATS takes, at most about a second.
//
// Errors of calls, besides those of Store: not_found / bucket_not_found; invalid / bad_bucket_name;
// forbidden / reserved_bucket; conflict / bucket_exists.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "pkg/base/service.hpp"
#include "pkg/kv/index.hpp"
#include "pkg/kv/store.hpp"
#include "pkg/nats/feed_book.hpp"

namespace weir::kv {

inline constexpr std::string_view kDefaultBucket = "default";
// Of this program itself: not to be read or written by callers.
inline constexpr std::string_view kReservedPrefix = "weir-";

enum class Missing : std::uint8_t {
  refuse,  // bucket_not_found
  create,  // with the defaults
};

struct BucketStats {
  nats::BucketInfo info;
  std::size_t keys = 0;  // live ones
};

class Service final : public weir::Service {
 public:
  struct Options {
    int replicas = nats::kAutomaticReplicas;  // of buckets made here
    Millis timeout{800};
  };
  Service(std::shared_ptr<nats::Connection> connection, const Clock& clock, Options options);
  ~Service() override { stop(); }

  Result<void> start() override;
  void stop() override;

  using Work = std::function<Result<void>(const Store&)>;
  // Runs `work` on the bucket; once more when the bucket turned out to be another one by now.
  Result<void> with(std::string_view bucket, Missing missing, const Work& work);

  Result<nats::BucketInfo> create_bucket(std::string_view name, nats::BucketConfig config);
  Result<void> delete_bucket(std::string_view name);
  Result<BucketStats> stats(std::string_view bucket);
  Result<std::vector<nats::BucketInfo>> buckets();  // without the reserved ones
  Result<Page> page(std::string_view bucket, std::string_view prefix, std::string_view after,
                    std::size_t limit, std::string_view pattern = {});

  // For who watches; the default bucket is made when there is none. A feed ends when the bucket is
  // deleted or made anew (looked at every second, once started), and with stop().
  Result<std::shared_ptr<nats::Feed>> feed(std::string_view bucket);
  std::size_t watchers() const { return feeds_.watchers(); }

  // Calls of with() and lists since the start, and per second of late.
  std::uint64_t operations() const { return operations_.load(std::memory_order_relaxed); }
  double operations_per_second() const { return rate_.load(std::memory_order_relaxed); }

 private:
  struct Indexed {
    std::shared_ptr<Index> index;
    std::string created;
    MonoTime used{};
  };
  struct Known {
    std::shared_ptr<const Store> store;
    MonoTime checked{};
  };

  Result<std::shared_ptr<const Store>> open(std::string_view bucket, Missing missing);
  void forget(std::string_view bucket);
  Result<std::shared_ptr<Index>> indexed(std::string_view bucket);
  std::shared_ptr<Index> index_of(const Store& store);
  void loop();
  void sweep();
  void measure();

  const nats::JetStream jetstream_;
  const Clock& clock_;
  const Options options_;
  std::atomic<std::uint64_t> operations_{0};
  std::atomic<double> rate_{0};
  std::uint64_t measured_ = 0;  // of the sweeping thread
  nats::FeedBook feeds_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Known, std::less<>> known_;      // guarded by mutex_
  std::map<std::string, Indexed, std::less<>> indexes_;  // guarded by mutex_
  bool running_ = false;                                 // guarded by mutex_
  std::thread thread_;
};

Result<void> check_bucket(std::string_view name);

}  // namespace weir::kv
