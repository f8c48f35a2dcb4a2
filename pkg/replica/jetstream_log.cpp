#include "pkg/replica/jetstream_log.hpp"

#include <charconv>

#include "pkg/nats/ordered_consumer.hpp"

namespace weir::replica {
namespace {

// Room for the subject, the reply subject and the message id beside the data.
constexpr std::size_t kHeadroomBytes = 1'024;

// Description of a stream whose entries were made with a test clock.
constexpr std::string_view kTestClock = "weir: test clock";

// Milliseconds since 1970, of an entry that was stored again: the stream's own time is later.
constexpr std::string_view kTimeHeader = "Weir-Log-Time";

Timestamp time_of(std::int64_t stored_ns, const nats::Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (name != kTimeHeader) continue;
    std::int64_t ms = 0;
    const auto end = value.data() + value.size();
    if (std::from_chars(value.data(), end, ms).ptr == end) return from_unix_ms(ms);
  }
  return from_unix_ms(stored_ns / 1'000'000);
}

// Nobody answered is one thing to callers of the log, whoever did not.
Error unavailable(const Error& error) {
  return Error{.code = Code::unavailable,
               .reason = "nats_unavailable",
               .message = "NATS cannot be reached or has no leader for the log",
               .details = describe(error),
               .retry_after = Millis{1'000}};
}

Error read_error(const Error& error, const char* not_found_reason) {
  if (error.code == Code::not_found) {
    return Error{Code::not_found, not_found_reason, error.message, error.details};
  }
  return unavailable(error);
}

class Tail final : public LogTail {
 public:
  explicit Tail(std::unique_ptr<nats::OrderedConsumer> consumer) : consumer_(std::move(consumer)) {}

 private:
  const std::unique_ptr<nats::OrderedConsumer> consumer_;
};

}  // namespace

Result<std::unique_ptr<JetStreamLog>> JetStreamLog::make(
    JetStreamLogOptions options, std::shared_ptr<nats::Connection> entries,
    const std::shared_ptr<nats::Connection>& rest) {
  WEIR_ASSIGN(auto publisher, nats::Publisher::make(entries));
  return std::unique_ptr<JetStreamLog>(
      new JetStreamLog(std::move(options), std::move(entries), rest, std::move(publisher)));
}

JetStreamLog::JetStreamLog(JetStreamLogOptions options, std::shared_ptr<nats::Connection> entries,
                           const std::shared_ptr<nats::Connection>& rest,
                           std::unique_ptr<nats::Publisher> publisher)
    : options_(std::move(options)),
      entries_(std::move(entries)),
      jetstream_(rest),
      publisher_(std::move(publisher)) {}

void JetStreamLog::append(std::string_view message_id, std::string_view data, MonoTime deadline,
                          AppendDone done) {
  publisher_->publish(options_.subject, message_id, data, deadline,
                      [done = std::move(done)](Result<nats::PublishAck> ack) {
                        if (ack) {
                          done(Appended{ack->sequence, ack->duplicate});
                        } else {
                          done(std::move(ack).error());
                        }
                      });
}

Result<std::unique_ptr<LogTail>> JetStreamLog::tail(Revision from, Sink sink) {
  auto consumer = nats::OrderedConsumer::start(
      entries_, options_.stream, from, [sink = std::move(sink)](nats::OrderedMessage message) {
        sink(LogEntry{message.sequence, time_of(message.time_ns, message.headers),
                      std::move(message.data)});
      });
  return std::unique_ptr<LogTail>(std::make_unique<Tail>(std::move(consumer)));
}

Result<LogInfo> JetStreamLog::info() {
  auto info = jetstream_.stream_info(options_.stream);
  if (!info) return read_error(info.error(), "log_not_found");
  // An empty stream says first 0 or last + 1, by version and history.
  const Revision first = info->messages == 0 ? info->last_sequence + 1 : info->first_sequence;
  return LogInfo{.first = first,
                 .last = info->last_sequence,
                 .identity = info->created,
                 .bytes = info->bytes,
                 .replicas = info->replicas,
                 .test_clock = info->description == kTestClock};
}

Result<LogEntry> JetStreamLog::get(Revision revision) {
  auto message = jetstream_.message(options_.stream, revision);
  if (!message) return read_error(message.error(), "entry_not_found");
  return LogEntry{message->sequence, time_of(message->time_ns, message->headers),
                  std::move(message->data)};
}

Result<void> JetStreamLog::create() {
  const auto made =
      jetstream_.ensure_stream({.name = options_.stream,
                                .description = std::string(options_.test_clock ? kTestClock : ""),
                                .subjects = {options_.subject},
                                .replicas = options_.replicas});
  if (!made) return made.error();
  return {};
}

Result<void> JetStreamLog::append_again(const LogEntry& entry) {
  const auto stored =
      jetstream_.publish(options_.subject, entry.data,
                         {{"Nats-Expected-Stream", options_.stream},
                          {"Nats-Expected-Last-Sequence", std::to_string(entry.revision - 1)},
                          {std::string(kTimeHeader), std::to_string(to_unix_ms(entry.time))}});
  if (stored) return {};
  if (stored.error().code == Code::conflict || stored.error().code == Code::deadline_exceeded) {
    return stored.error();
  }
  return unavailable(stored.error());
}

Result<void> JetStreamLog::truncate_below(Revision revision) {
  const auto purged = jetstream_.purge_below(options_.stream, revision);
  if (!purged) return unavailable(purged.error());
  return {};
}

std::size_t JetStreamLog::max_entry_bytes() const {
  return entries_->max_payload() - kHeadroomBytes;
}

}  // namespace weir::replica
