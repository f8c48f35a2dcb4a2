// streams::Service: the native streams of a NATS account, by JetStream's raw API: every other NATS
// client sees the same streams, messages and consumers. Blocking calls, each for as long as NATS
// takes; thread-safe. The connection is shared.
//
// Errors of every call: those of names.hpp; unavailable / nats_unavailable, no_responders,
// jetstream_unavailable; not_found / stream_not_found; invalid / stream_refused (JetStream does not
// take such settings). A write may answer deadline_exceeded / nats_timeout: outcome unknown.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/nats/jetstream.hpp"
#include "pkg/streams/stream.hpp"

namespace weir::streams {

inline constexpr std::size_t kMaxPage = 1'000;         // messages of one read
inline constexpr std::size_t kMaxPageBytes = 8 << 20;  // the same; the first always fits

struct Publish {
  std::string subject = {};  // empty: the stream's only one
  std::string data = {};
  nats::Headers headers = {};
  std::optional<std::uint64_t> expected_sequence = {};          // of the stream's last message
  std::optional<std::uint64_t> expected_subject_sequence = {};  // of the subject's last message
  std::string id = {};                                          // Nats-Msg-Id
};
struct Published {
  std::string subject;
  std::uint64_t sequence = 0;
  bool duplicate = false;  // the id was there before
};

struct Purge {
  std::string subject = {};  // only what matches
  std::uint64_t below = 0;   // only below this sequence
  std::uint64_t keep = 0;    // all but the newest
};

struct Read {
  std::uint64_t from = 0;               // sequence; 0: the first that is kept
  std::optional<Timestamp> since = {};  // in place of it: stored at this time or later
  std::uint64_t last = 0;               // in place of it: so many sequences before the end
  std::string subject = {};             // empty: all
  std::size_t limit = 100;
};
struct Page {
  std::vector<nats::StoredMessage> messages = {};
  std::optional<std::uint64_t> next = {};  // where to go on; none: the end was reached
  std::uint64_t last_sequence = 0;         // of the stream
};

class Service {
 public:
  explicit Service(std::shared_ptr<nats::Connection> connection, Millis timeout = Millis{2000});

  // --- streams: JSON as stream_json() ---
  Result<std::string> list() const;  // {"items":[...]}, without what callers may not read
  Result<std::string> get(const std::string& name) const;
  struct Made {
    std::string json;
    bool created = false;
  };
  // Makes it, or changes what the settings say. Errors: conflict / subject_taken, stream_exists;
  // unavailable / too_few_servers.
  Result<Made> put(const std::string& name, const StreamSettings& settings) const;
  Result<void> remove(const std::string& name) const;
  // How many. Error: conflict / purge_unsafe: with a subject, on a server that loses others then.
  Result<std::uint64_t> purge(const std::string& name, const Purge& purge) const;

  // --- messages ---
  // Errors: conflict / wrong_last_sequence, not_in_stream; invalid / bad_subject,
  // subject_required; too_large / message_too_large; out_of_space / stream_full.
  Result<Published> publish(const std::string& name, const Publish& message) const;
  Result<nats::StoredMessage> message(const std::string& name, std::uint64_t sequence) const;
  Result<void> remove_message(const std::string& name, std::uint64_t sequence) const;
  Result<Page> read(const std::string& name, const Read& read) const;

  const nats::JetStream& jetstream() const { return jetstream_; }

 private:
  Result<std::string> info(const std::string& name) const;
  Result<std::string> create(const std::string& name, const StreamSettings& settings) const;
  Result<std::string> subject_for(const std::string& name, const std::string& wanted) const;
  // The first sequence whose message is not older than `since`, or one past the end.
  Result<std::uint64_t> sequence_at(const std::string& name, const nats::StreamInfo& info,
                                    Timestamp since) const;

  const nats::JetStream jetstream_;
};

// An error of JetStream about what was asked as the caller's.
Error refused(Error error);

}  // namespace weir::streams
