#include "pkg/nats/publisher.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "pkg/json/view.hpp"
#include "pkg/nats/jetstream.hpp"

namespace weir::nats {
namespace {

constexpr Millis kSweepInterval{50};

Error unknown(const std::string& why) {
  return Error{Code::deadline_exceeded, "outcome_unknown", "NATS did not acknowledge the message",
               why};
}

Result<PublishAck> read_ack(const Message& message) {
  if (message.status == "503") {
    return Error{Code::unavailable, "no_responders", "No stream takes this subject now",
                 "JetStream is off or has no leader"};
  }
  WEIR_TRY(json::check(message.data));
  const json::View view(message.data);
  if (const auto error = view.find("error"); error.is_object()) {
    return api_error(static_cast<int>(error.find("code").as_int().value_or(0)),
                     static_cast<int>(error.find("err_code").as_int().value_or(0)),
                     error.find("description").as_string().value_or(""));
  }
  const auto sequence = view.find("seq").as_int();
  if (!sequence) return unknown("the acknowledgement has no sequence");
  return PublishAck{static_cast<std::uint64_t>(*sequence),
                    view.find("duplicate").as_bool().value_or(false)};
}

class PublisherImpl final : public Publisher {
 public:
  explicit PublisherImpl(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)), prefix_(connection_->new_inbox()) {}

  ~PublisherImpl() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (sweeper_.joinable()) sweeper_.join();
    listener_.reset();
    acks_.reset();
    fail_all("the publisher stops");
  }

  Result<void> begin() {
    auto acks =
        connection_->subscribe(prefix_ + ".*", [this](Message message) { on_ack(message); });
    if (!acks) return std::move(acks).error();
    acks_ = std::move(*acks);
    listener_ = connection_->on_state([this](State state) {
      if (state != State::connected) fail_all("the connection to NATS was lost");
    });
    sweeper_ = std::thread([this] { sweep_loop(); });
    return {};
  }

  void publish(std::string_view subject, std::string_view message_id, std::string_view data,
               MonoTime deadline, Done done, Headers headers) override {
    std::uint64_t token = 0;
    {
      const std::lock_guard lock(mutex_);
      token = ++last_token_;
      outstanding_.emplace(token, Outstanding{deadline, std::move(done)});
    }
    if (!message_id.empty()) headers.emplace_back("Nats-Msg-Id", std::string(message_id));
    const auto sent =
        connection_->publish(subject, prefix_ + "." + std::to_string(token), data, headers);
    if (!sent) finish(token, sent.error());
  }

 private:
  struct Outstanding {
    MonoTime deadline;
    Done done;
  };

  void on_ack(const Message& message) {
    const auto text = std::string_view(message.subject).substr(prefix_.size() + 1);
    std::uint64_t token = 0;
    for (const char c : text) token = token * 10 + static_cast<std::uint64_t>(c - '0');
    finish(token, read_ack(message));
  }

  void finish(std::uint64_t token, Result<PublishAck> result) {
    Done done;
    {
      const std::lock_guard lock(mutex_);
      const auto found = outstanding_.find(token);
      if (found == outstanding_.end()) return;
      done = std::move(found->second.done);
      outstanding_.erase(found);
    }
    done(std::move(result));
  }

  void fail_all(const std::string& why) {
    std::map<std::uint64_t, Outstanding> failed;
    {
      const std::lock_guard lock(mutex_);
      failed.swap(outstanding_);
    }
    for (auto& [token, publish] : failed) publish.done(unknown(why));
  }

  void sweep_loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      wake_.wait_for(lock, kSweepInterval, [this] { return stopping_; });
      const MonoTime now = SystemClock().mono();
      std::vector<Done> late;
      for (auto at = outstanding_.begin(); at != outstanding_.end();) {
        if (at->second.deadline > now) {
          ++at;
          continue;
        }
        late.push_back(std::move(at->second.done));
        at = outstanding_.erase(at);
      }
      if (late.empty()) continue;
      lock.unlock();
      for (const auto& done : late) done(unknown("no acknowledgement before the deadline"));
      lock.lock();
    }
  }

  const std::shared_ptr<Connection> connection_;
  const std::string prefix_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::uint64_t last_token_ = 0;
  std::map<std::uint64_t, Outstanding> outstanding_;
  std::unique_ptr<Subscription> acks_;
  std::shared_ptr<void> listener_;
  std::thread sweeper_;
};

}  // namespace

Result<std::unique_ptr<Publisher>> Publisher::make(std::shared_ptr<Connection> connection) {
  auto publisher = std::make_unique<PublisherImpl>(std::move(connection));
  WEIR_TRY(publisher->begin());
  return std::unique_ptr<Publisher>(std::move(publisher));
}

}  // namespace weir::nats
