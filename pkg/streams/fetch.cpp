#include "pkg/streams/fetch.hpp"

#include <utility>

#include "pkg/json/writer.hpp"

namespace weir::streams {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

std::string description_of(const nats::Message& message) {
  for (const auto& [name, value] : message.headers) {
    if (name == "Description") return value;
  }
  return message.status;
}

}  // namespace

Fetch::Fetch(std::shared_ptr<nats::Connection> connection, FetchRequest request, Executor executor,
             Done done)
    : connection_(std::move(connection)),
      request_(std::move(request)),
      executor_(std::move(executor)),
      inbox_(connection_->new_inbox()),
      done_(std::move(done)) {}

std::shared_ptr<Fetch> Fetch::start(std::shared_ptr<nats::Connection> connection,
                                    FetchRequest request, Executor executor, Done done) {
  const std::shared_ptr<Fetch> fetch(
      new Fetch(std::move(connection), std::move(request), std::move(executor), std::move(done)));
  fetch->begin();
  return fetch;
}

void Fetch::begin() {
  auto subscription =
      connection_->subscribe(inbox_, [weak = weak_from_this()](nats::Message message) {
        if (const auto self = weak.lock()) self->heard(std::move(message));
      });
  if (!subscription) return end(subscription.error());
  {
    const std::lock_guard lock(mutex_);
    subscription_ = std::move(*subscription);
    self_ = shared_from_this();
  }
  if (const auto asked = ask(request_.max, Millis{0}); !asked) end(asked.error());
}

Result<void> Fetch::ask(std::size_t batch, Millis wait) {
  json::Writer body;
  body.begin_object().member("batch", static_cast<std::uint64_t>(batch));
  if (wait.count() > 0) {
    body.member("expires", static_cast<std::int64_t>(wait.count()) * kNsPerMs);
  } else {
    body.member("no_wait", true);
  }
  return connection_->publish(
      "$JS.API.CONSUMER.MSG.NEXT." + request_.stream + "." + request_.consumer, inbox_,
      body.end_object().take());
}

void Fetch::heard(nats::Message message) {
  if (!message.status.empty()) return heard_status(message);
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    full = waiting_ || messages_.size() >= request_.max;
  }
  if (full) end({});
}

// 100: a heartbeat; 404 and 408: no more; anything else: it cannot be.
void Fetch::heard_status(const nats::Message& message) {
  if (message.status == "100") return;
  const bool over = message.status == "404" || message.status == "408";
  bool wait = false;
  {
    const std::lock_guard lock(mutex_);
    if (over && messages_.empty() && !waiting_ && request_.wait.count() > 0) {
      wait = waiting_ = true;
    }
  }
  if (wait) {
    if (const auto asked = ask(1, request_.wait); !asked) end(asked.error());
    return;
  }
  if (over) return end({});
  end(Error{Code::conflict, "consumer_refused", "The consumer gives no messages to this request.",
            description_of(message)});
}

void Fetch::finish() {
  end({});
}

void Fetch::end(Result<void> how) {
  Done done;
  std::vector<nats::Message> messages;
  {
    const std::lock_guard lock(mutex_);
    if (!done_) return;
    done = std::exchange(done_, nullptr);
    messages.swap(messages_);
  }
  // The subscription must not be destroyed by its own thread.
  executor_([self = shared_from_this(), done, how,
             messages = std::make_shared<std::vector<nats::Message>>(std::move(messages))] {
    {
      std::unique_ptr<nats::Subscription> subscription;
      std::shared_ptr<Fetch> itself;
      const std::lock_guard lock(self->mutex_);
      subscription.swap(self->subscription_);
      itself.swap(self->self_);
    }
    if (!how && messages->empty()) return done(how.error());
    done(std::move(*messages));
  });
}

}  // namespace weir::streams
