#include "pkg/streams/tails.hpp"

#include "pkg/streams/message.hpp"
#include "pkg/streams/names.hpp"

namespace weir::streams {
namespace {

constexpr std::chrono::seconds kPeriod{1};

nats::Change change_of(nats::BucketRecord record) {
  nats::StoredMessage message{.sequence = record.revision,
                              .subject = std::move(record.key),
                              .time_ns = record.time_ns,
                              .data = std::move(record.value),
                              .headers = std::move(record.headers)};
  auto json = message_json(message);
  return {.revision = message.sequence,
          .key = std::move(message.subject),
          .id = {},
          .operation = "message",
          .json = std::move(json)};
}

}  // namespace

Result<void> Tails::start() {
  const std::lock_guard lock(mutex_);
  if (running_ || stopped_) return {};
  running_ = true;
  thread_ = std::thread([this] { loop(); });
  return {};
}

void Tails::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  feeds_.stop();
}

Result<Tails::Followed> Tails::feed(const std::string& stream) {
  WEIR_TRY(check_stream(stream, Access::read));
  WEIR_ASSIGN(auto info, jetstream_.stream_info(stream));
  WEIR_ASSIGN(auto feed, feeds_.get(stream,
                                    {.bucket = nats::Bucket::over(jetstream_, stream, ""),
                                     .made = nats::made_text(info.created),
                                     .change_of = change_of},
                                    info.last_sequence));
  return Followed{std::move(feed), std::move(info)};
}

void Tails::loop() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    wake_.wait_for(lock, kPeriod, [this] { return stopped_; });
    if (stopped_) return;
    lock.unlock();
    feeds_.tend();
    lock.lock();
  }
}

}  // namespace weir::streams
