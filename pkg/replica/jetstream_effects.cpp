#include "pkg/replica/jetstream_effects.hpp"

#include <condition_variable>
#include <mutex>

#include "pkg/json/view.hpp"
#include "pkg/log/log.hpp"

namespace weir::replica {
namespace {

constexpr Millis kPublishTimeout{5'000};

// The answers to one batch. Shared with the publisher, whose answers may outlast the wait.
struct Answers {
  std::mutex mutex;
  std::condition_variable all;
  std::vector<bool> stored;
  std::size_t missing = 0;
  std::optional<Error> error;
};

nats::Headers to_headers(std::string_view headers_json) {
  nats::Headers headers;
  for (const auto& member : json::View(headers_json).members()) {
    headers.emplace_back(member.key(), member.value.as_string().value_or(""));
  }
  return headers;
}

}  // namespace

Result<std::unique_ptr<JetStreamEffects>> JetStreamEffects::make(
    const std::shared_ptr<nats::Connection>& connection, std::vector<nats::StreamConfig> streams) {
  WEIR_ASSIGN(auto publisher, nats::Publisher::make(connection));
  return std::unique_ptr<JetStreamEffects>(
      new JetStreamEffects(connection, std::move(streams), std::move(publisher)));
}

bool JetStreamEffects::prepare() {
  for (const auto& stream : streams_) {
    if (const auto made = jetstream_.ensure_stream(stream); !made) {
      log::warn("effect_stream_not_made",
                {{"stream", stream.name}, {"error", describe(made.error())}});
      return false;
    }
  }
  return true;
}

std::size_t JetStreamEffects::publish(std::span<const EffectMessage> messages) {
  auto answers = std::make_shared<Answers>();
  answers->stored.resize(messages.size());
  answers->missing = messages.size();
  const MonoTime deadline = SystemClock().mono() + kPublishTimeout;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto done = [answers, i](const Result<nats::PublishAck>& ack) {
      const std::lock_guard lock(answers->mutex);
      answers->stored[i] = ack.has_value();
      if (!ack && !answers->error) answers->error = ack.error();
      if (--answers->missing == 0) answers->all.notify_one();
    };
    const auto& message = messages[i];
    publisher_->publish(message.subject, message.id, message.body, deadline, done,
                        to_headers(message.headers_json));
  }
  std::unique_lock lock(answers->mutex);
  answers->all.wait(lock, [&] { return answers->missing == 0; });
  if (answers->error) {
    log::warn("effects_not_published",
              {{"first", messages.front().id}, {"error", describe(*answers->error)}});
  }
  std::size_t stored = 0;
  while (stored < messages.size() && answers->stored[stored]) ++stored;
  return stored;
}

}  // namespace weir::replica
