#include "pkg/kv/service.hpp"

#include <algorithm>

#include "pkg/log/log.hpp"

namespace weir::kv {
namespace {

constexpr std::chrono::seconds kCheckAgain{30};
constexpr std::chrono::minutes kIndexIdle{10};
constexpr std::chrono::minutes kFeedIdle{1};
constexpr std::chrono::seconds kSweepPeriod{1};
constexpr std::size_t kSweepBatch = 500;
constexpr std::size_t kMostIndexes = 100;
constexpr Millis kSyncWait{900};
constexpr int kLongestHistory = 64;

Error bucket_not_found(std::string_view name) {
  return {Code::not_found, "bucket_not_found", "No such bucket.", "bucket: " + std::string(name)};
}

// What a call meets on a bucket that is gone or was made anew with other features.
bool is_other_bucket(const Error& error) {
  return error.reason == "stream_not_found" || error.reason == "no_responders" ||
         error.reason == "message_ttl_disabled";
}

}  // namespace

Result<void> check_bucket(std::string_view name) {
  if (!nats::Bucket::is_valid_name(name)) {
    return Error{Code::invalid,
                 "bad_bucket_name",
                 "The name of the bucket is not acceptable.",
                 "1 to 64 of A-Z a-z 0-9 _ -",
                 {{"bucket", "1 to 64 of A-Z a-z 0-9 _ -"}}};
  }
  if (!name.starts_with(kReservedPrefix)) return {};
  return Error{Code::forbidden, "reserved_bucket", "This bucket is the coordinator's own.",
               "bucket: " + std::string(name)};
}

Service::Service(std::shared_ptr<nats::Connection> connection, const Clock& clock, Options options)
    : jetstream_(std::move(connection), options.timeout),
      clock_(clock),
      options_(options),
      feeds_(clock, kFeedIdle) {}

Result<void> Service::start() {
  const std::lock_guard lock(mutex_);
  if (running_) return {};
  running_ = true;
  feeds_.start();
  thread_ = std::thread([this] { loop(); });
  return {};
}

void Service::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
    thread = std::move(thread_);
  }
  wake_.notify_all();
  if (thread.joinable()) thread.join();
  std::map<std::string, Indexed, std::less<>> indexes;
  {
    const std::lock_guard lock(mutex_);
    indexes.swap(indexes_);
  }
  feeds_.stop();
}

Result<std::shared_ptr<const Store>> Service::open(std::string_view name, Missing missing) {
  WEIR_TRY(check_bucket(name));
  const auto now = clock_.mono();
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(name);
    if (found != known_.end() && now - found->second.checked < kCheckAgain) {
      return found->second.store;
    }
  }
  nats::Bucket bucket(jetstream_, std::string(name));
  auto info = bucket.info();
  if (!info && info.error().reason == "stream_not_found") {
    if (missing == Missing::refuse) return bucket_not_found(name);
    info = bucket.create({.replicas = options_.replicas});
    // Two that need it at once make it at once.
    if (!info && info.error().code == Code::conflict) info = bucket.info();
  }
  if (!info) return std::move(info).error();
  auto store = std::make_shared<const Store>(std::move(bucket), std::move(*info), clock_);
  // Somebody has to remove what ends, where the server does not.
  if (!server_expires(store->info())) (void)index_of(*store);
  const std::lock_guard lock(mutex_);
  known_.insert_or_assign(std::string(name), Known{store, now});
  return store;
}

void Service::forget(std::string_view bucket) {
  const std::lock_guard lock(mutex_);
  if (const auto found = known_.find(bucket); found != known_.end()) known_.erase(found);
}

Result<void> Service::with(std::string_view bucket, Missing missing, const Work& work) {
  operations_.fetch_add(1, std::memory_order_relaxed);
  for (int attempt = 0;; ++attempt) {
    WEIR_ASSIGN(const auto store, open(bucket, missing));
    auto done = work(*store);
    if (done || attempt > 0 || !is_other_bucket(done.error())) return done;
    forget(bucket);
  }
}

Result<nats::BucketInfo> Service::create_bucket(std::string_view name, nats::BucketConfig config) {
  WEIR_TRY(check_bucket(name));
  if (config.history < 1 || config.history > kLongestHistory) {
    return Error{Code::invalid,
                 "bad_bucket",
                 "The bucket cannot be made so.",
                 "history: 1 to 64",
                 {{"history", "1 to 64"}}};
  }
  if (config.replicas == 0) config.replicas = options_.replicas;
  auto made = nats::Bucket(jetstream_, std::string(name)).create(config);
  forget(name);
  if (!made && made.error().reason == "stream_exists") {
    return Error{Code::conflict, "bucket_exists", "The bucket exists with another configuration.",
                 "bucket: " + std::string(name)};
  }
  return made;
}

Result<void> Service::delete_bucket(std::string_view name) {
  WEIR_TRY(check_bucket(name));
  const auto gone = nats::Bucket(jetstream_, std::string(name)).destroy();
  forget(name);
  std::shared_ptr<Index> dropped;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = indexes_.find(name); found != indexes_.end()) {
      dropped = std::move(found->second.index);
      indexes_.erase(found);
    }
  }
  if (gone) feeds_.end(name);
  if (!gone && gone.error().reason == "stream_not_found") return bucket_not_found(name);
  return gone;
}

std::shared_ptr<Index> Service::index_of(const Store& store) {
  const auto& name = store.info().name;
  std::shared_ptr<Index> dropped;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  const auto now = clock_.mono();
  auto found = indexes_.find(name);
  if (found != indexes_.end() && found->second.created == store.info().created) {
    found->second.used = now;
    return found->second.index;
  }
  if (found == indexes_.end() && indexes_.size() >= kMostIndexes) {
    found = std::min_element(indexes_.begin(), indexes_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    });
  }
  if (found != indexes_.end()) {
    dropped = std::move(found->second.index);
    indexes_.erase(found);
  }
  auto index = std::make_shared<Index>(store, clock_);
  indexes_.emplace(name, Indexed{index, store.info().created, now});
  return index;
}

Result<std::shared_ptr<Index>> Service::indexed(std::string_view bucket) {
  operations_.fetch_add(1, std::memory_order_relaxed);
  for (int attempt = 0;; ++attempt) {
    WEIR_ASSIGN(const auto store, open(bucket, Missing::refuse));
    auto index = index_of(*store);
    const auto synced = index->sync(kSyncWait);
    if (synced) return index;
    if (attempt > 0 || !is_other_bucket(synced.error())) return synced.error();
    forget(bucket);
  }
}

Result<std::shared_ptr<nats::Feed>> Service::feed(std::string_view bucket) {
  const auto missing = bucket == kDefaultBucket ? Missing::create : Missing::refuse;
  for (int attempt = 0;; ++attempt) {
    WEIR_ASSIGN(const auto store, open(bucket, missing));
    const auto info = store->bucket().info();
    if (!info || info->created != store->info().created) {
      if (attempt > 0 || (!info && !is_other_bucket(info.error()))) {
        return info ? bucket_not_found(bucket) : info.error();
      }
      forget(bucket);
      continue;
    }
    return feeds_.get(bucket, feed_source(store->bucket(), *info), info->last_revision);
  }
}

Result<BucketStats> Service::stats(std::string_view bucket) {
  WEIR_ASSIGN(const auto index, indexed(bucket));
  WEIR_ASSIGN(auto info, nats::Bucket(jetstream_, std::string(bucket)).info());
  return BucketStats{std::move(info), index->live()};
}

Result<std::vector<nats::BucketInfo>> Service::buckets() {
  WEIR_ASSIGN(auto all, nats::list_buckets(jetstream_));
  std::erase_if(all, [](const auto& info) { return info.name.starts_with(kReservedPrefix); });
  return all;
}

Result<Page> Service::page(std::string_view bucket, std::string_view prefix, std::string_view after,
                           std::size_t limit, std::string_view pattern) {
  WEIR_ASSIGN(const auto index, indexed(bucket));
  return index->page(prefix, after, limit, pattern);
}

void Service::loop() {
  std::unique_lock lock(mutex_);
  while (running_) {
    wake_.wait_for(lock, kSweepPeriod, [this] { return !running_; });
    if (!running_) return;
    lock.unlock();
    measure();
    sweep();
    for (const auto& name : feeds_.tend()) forget(name);
    lock.lock();
  }
}

void Service::measure() {
  constexpr double kWeight = 0.5;  // of the last second
  const auto now = operations();
  const auto latest = static_cast<double>(now - measured_);
  measured_ = now;
  rate_ = rate_.load() * (1 - kWeight) + latest * kWeight;
}

void Service::sweep() {
  std::vector<std::pair<std::string, std::shared_ptr<Index>>> all;
  std::vector<std::shared_ptr<Index>> idle;  // destroyed without the lock
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.mono();
    for (auto each = indexes_.begin(); each != indexes_.end();) {
      if (now - each->second.used > kIndexIdle && !each->second.index->has_endings()) {
        idle.push_back(std::move(each->second.index));
        each = indexes_.erase(each);
        continue;
      }
      all.emplace_back(each->first, each->second.index);
      ++each;
    }
  }
  for (const auto& [name, index] : all) {
    for (const auto& ended : index->take_ended(kSweepBatch)) {
      const auto store = open(name, Missing::refuse);
      if (!store || server_expires((*store)->info())) continue;
      const auto swept = (*store)->sweep(ended.key, ended.revision);
      if (!swept) log::debug("kv_sweep_failed", {{"error", describe(swept.error())}});
    }
  }
}

}  // namespace weir::kv
