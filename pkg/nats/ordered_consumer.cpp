#include "pkg/nats/ordered_consumer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::nats {
namespace {

constexpr Millis kSilence{3500};  // more than three heartbeats missed: the consumer is gone
constexpr Millis kRetry{250};
constexpr Millis kCheck{100};
constexpr std::uint64_t kNoneFits = 0;  // consumer sequences begin at 1

class OrderedConsumerImpl final : public OrderedConsumer {
 public:
  OrderedConsumerImpl(std::shared_ptr<Connection> connection, std::string stream,
                      OrderedOptions options, Handler handler)
      : connection_(std::move(connection)),
        jetstream_(connection_),
        stream_(std::move(stream)),
        handler_(std::move(handler)),
        options_(std::move(options)),
        next_(std::max<std::uint64_t>(options_.from, 1)) {
    listener_ = connection_->on_state([this](State) { restart_soon(); });
    keeper_ = std::thread([this] { keep(); });
  }

  ~OrderedConsumerImpl() override {
    listener_.reset();
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    keeper_.join();
    inbox_.reset();
    if (!consumer_.empty() && connection_->connected()) {
      (void)jetstream_.call("CONSUMER.DELETE." + stream_ + "." + consumer_, "");
    }
  }

 private:
  void restart_soon() {
    {
      const std::lock_guard lock(mutex_);
      restart_ = true;
    }
    wake_.notify_all();
  }

  // Makes a consumer, and a new one whenever the present one cannot be trusted.
  void keep() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (restart_) {
        lock.unlock();
        const bool made = connection_->connected() && make_consumer();
        lock.lock();
        if (!made) {
          restart_ = true;
          wake_.wait_for(lock, kRetry, [this] { return stopping_; });
          continue;
        }
      }
      wake_.wait_for(lock, kCheck, [this] { return stopping_ || restart_; });
      const auto silent_for =
          SystemClock().mono() - MonoTime{MonoTime::duration{last_seen_.load()}};
      if (!busy_.load() && silent_for > kSilence) restart_ = true;
    }
  }

  bool make_consumer() {
    inbox_.reset();  // waits for the handler: nothing of the old consumer arrives after this
    {
      const std::lock_guard lock(mutex_);
      restart_ = false;
    }
    expected_ = 1;
    const std::string subject = connection_->new_inbox();
    auto subscribed = connection_->subscribe(
        subject, [this](Message message) { on_message(std::move(message)); });
    if (!subscribed) return false;
    inbox_ = std::move(*subscribed);
    last_seen_ = SystemClock().mono().time_since_epoch().count();

    std::string body =
        R"({"stream_name":)" + json::quoted(stream_) + R"(,"config":{)" + start_policy() +
        R"(,"deliver_subject":)" + json::quoted(subject) +
        R"(,"ack_policy":"none","replay_policy":"instant","max_deliver":1,"flow_control":true)" +
        R"(,"idle_heartbeat":1000000000,"mem_storage":true,"num_replicas":1)" +
        R"(,"inactive_threshold":30000000000}})";
    auto answer = jetstream_.call("CONSUMER.CREATE." + stream_, body);
    if (!answer) {
      log::debug("ordered_consumer_not_made",
                 {{"stream", stream_}, {"reason", answer.error().reason}});
      return false;
    }
    consumer_ = json::View(*answer).find("name").as_string().value_or("");
    return true;
  }

  // Where a new consumer begins. One that began with the newest message of each subject goes on
  // after what it has seen: they come in the order of their sequences.
  std::string start_policy() const {
    std::string text;
    if (options_.last_per_subject && next_.load() == options_.from) {
      text = R"("deliver_policy":"last_per_subject")";
      if (options_.filter.empty()) text += R"(,"filter_subject":">")";
    } else {
      text =
          R"("deliver_policy":"by_start_sequence","opt_start_seq":)" + std::to_string(next_.load());
    }
    if (!options_.filter.empty()) text += R"(,"filter_subject":)" + json::quoted(options_.filter);
    if (options_.headers_only) text += R"(,"headers_only":true)";
    return text;
  }

  void on_message(Message message) {
    last_seen_ = SystemClock().mono().time_since_epoch().count();
    if (message.status == "100") {
      on_status(message);
      return;
    }
    const auto delivery = parse_ack_subject(message.reply);
    if (!delivery) return;
    if (delivery->consumer_sequence != expected_) {
      restart_soon();
      return;
    }
    ++expected_;
    if (delivery->stream_sequence < next_.load()) return;
    busy_ = true;
    handle({delivery->stream_sequence, delivery->time_ns, delivery->pending,
            std::move(message.data), std::move(message.subject), std::move(message.headers)});
    last_seen_ = SystemClock().mono().time_since_epoch().count();
    busy_ = false;
  }

  // A message that the handler could not take (out of memory) comes again: none is skipped.
  void handle(OrderedMessage message) {
    const std::uint64_t sequence = message.sequence;
    try {
      handler_(std::move(message));
      next_ = sequence + 1;
    } catch (const std::exception& exception) {
      log::error("ordered_message_not_handled",
                 {{"stream", stream_}, {"sequence", sequence}, {"error", exception.what()}});
      expected_ = kNoneFits;
      restart_soon();
    }
  }

  // Idle heartbeats and flow control. A flow control message asks for an answer; a heartbeat may
  // carry a stalled one, and tells how far the consumer is.
  void on_status(const Message& message) {
    if (!message.reply.empty()) {
      (void)connection_->publish(message.reply, "", "");
      return;
    }
    for (const auto& [name, value] : message.headers) {
      if (name == "Nats-Consumer-Stalled") (void)connection_->publish(value, "", "");
      if (name == "Nats-Last-Consumer" && value != std::to_string(expected_ - 1)) restart_soon();
    }
  }

  const std::shared_ptr<Connection> connection_;
  const JetStream jetstream_;
  const std::string stream_;
  const Handler handler_;
  const OrderedOptions options_;
  std::atomic<std::uint64_t> next_;  // stream sequence wanted next
  std::uint64_t expected_ = 1;       // consumer sequence; on the inbox's thread
  std::atomic<std::int64_t> last_seen_{0};
  std::atomic<bool> busy_{false};
  std::string consumer_;                 // of the keeper's thread
  std::unique_ptr<Subscription> inbox_;  // of the keeper's thread
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool restart_ = true;
  std::shared_ptr<void> listener_;
  std::thread keeper_;
};

}  // namespace

std::unique_ptr<OrderedConsumer> OrderedConsumer::start(std::shared_ptr<Connection> connection,
                                                        std::string stream, std::uint64_t from,
                                                        Handler handler) {
  return start(std::move(connection), std::move(stream), OrderedOptions{.from = from},
               std::move(handler));
}

std::unique_ptr<OrderedConsumer> OrderedConsumer::start(std::shared_ptr<Connection> connection,
                                                        std::string stream, OrderedOptions options,
                                                        Handler handler) {
  return std::make_unique<OrderedConsumerImpl>(std::move(connection), std::move(stream),
                                               std::move(options), std::move(handler));
}

// $JS.ACK.<stream>.<consumer>.<delivered>.<sseq>.<cseq>.<ns>.<pending>, or with <domain>.<account>
// before the stream and perhaps a random token at the end (nats-server, ADR-15).
Result<Delivery> parse_ack_subject(std::string_view reply) {
  std::array<std::string_view, 12> tokens;
  std::size_t count = 0;
  for (std::string_view rest = reply; count < tokens.size();) {
    const auto dot = rest.find('.');
    tokens[count++] = rest.substr(0, dot);
    if (dot == std::string_view::npos) break;
    rest = rest.substr(dot + 1);
  }
  const bool shape = count >= 9 && tokens[0] == "$JS" && tokens[1] == "ACK" && count != 10;
  const std::size_t first = count == 9 ? 5 : 7;
  Delivery delivery;
  const auto read = [&](std::size_t at, auto& out) {
    const auto text = tokens[at];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
  };
  if (!shape || !read(first, delivery.stream_sequence) ||
      !read(first + 1, delivery.consumer_sequence) || !read(first + 2, delivery.time_ns) ||
      !read(first + 3, delivery.pending)) {
    return Error{Code::bad_request, "bad_ack_subject",
                 "Not the reply subject of a delivered message", std::string(reply)};
  }
  return delivery;
}

}  // namespace weir::nats
