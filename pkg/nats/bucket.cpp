#include "pkg/nats/bucket.hpp"

#include <algorithm>

#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/nats/leftovers.hpp"

namespace weir::nats {
namespace {

constexpr std::string_view kStreamPrefix = "KV_";
constexpr int kClusterReplicas = 3;  // what kAutomaticReplicas asks of a cluster
constexpr std::string_view kNotClustered = "NATS error 10074";
constexpr int kTtlLevel = 1;     // $JS.API.INFO api.level of nats-server 2.11
constexpr int kAtomicLevel = 2;  // 2.12
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr Millis kLongestDuplicateWindow{120'000};

std::int64_t integer(json::View view, std::string_view key, std::int64_t fallback) {
  return view.find(key).as_int().value_or(fallback);
}

std::uint64_t count(json::View view, std::string_view key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(integer(view, key, 0), 0));
}

BucketInfo read_bucket(json::View answer) {
  const auto config = answer.find("config");
  const auto state = answer.find("state");
  const auto flag = [&](std::string_view key) {
    return config.find(key).as_bool().value_or(false);
  };
  BucketInfo info;
  info.name = config.find("name").as_string().value_or("").substr(kStreamPrefix.size());
  info.config.history = static_cast<int>(integer(config, "max_msgs_per_subject", 1));
  info.config.ttl = Millis{integer(config, "max_age", 0) / kNsPerMs};
  info.config.max_bytes = integer(config, "max_bytes", -1);
  info.config.max_value_bytes = integer(config, "max_msg_size", -1);
  info.config.replicas = static_cast<int>(integer(config, "num_replicas", 1));
  info.values = count(state, "messages");
  info.keys = count(state, "num_subjects");
  info.bytes = count(state, "bytes");
  info.last_revision = count(state, "last_seq");
  info.created = answer.find("created").as_string().value_or("");
  info.direct = flag("allow_direct");
  info.message_ttl = flag("allow_msg_ttl");
  info.atomic = flag("allow_atomic");
  return info;
}

std::string config_json(const Bucket& bucket, const BucketConfig& config, int replicas,
                        int api_level) {
  const auto age = config.ttl;
  const auto window =
      age.count() > 0 ? std::min(age, kLongestDuplicateWindow) : kLongestDuplicateWindow;
  json::Writer out;
  out.begin_object().member("name", bucket.stream());
  out.key("subjects").begin_array().value(bucket.subject(">")).end_array();
  out.member("retention", "limits").member("storage", "file").member("discard", "new");
  out.member("num_replicas", replicas).member("max_age", age.count() * kNsPerMs);
  out.member("max_bytes", config.max_bytes).member("max_msg_size", config.max_value_bytes);
  out.member("max_msgs", -1).member("max_consumers", -1);
  out.member("max_msgs_per_subject", config.history);
  out.member("duplicate_window", window.count() * kNsPerMs);
  out.member("allow_direct", true).member("allow_rollup_hdrs", true).member("deny_delete", true);
  if (api_level >= kTtlLevel) out.member("allow_msg_ttl", true);
  if (api_level >= kAtomicLevel) out.member("allow_atomic", true);
  return out.end_object().take();
}

// A read that was not answered has changed nothing.
Error as_unavailable(Error error) {
  if (error.code == Code::deadline_exceeded) error.code = Code::unavailable;
  return error;
}

std::string key_of(const Bucket& bucket, std::string_view subject) {
  const auto prefix = bucket.subject("").size();
  return std::string(subject.substr(std::min(prefix, subject.size())));
}

Result<std::optional<BucketRecord>> read_stored(const Bucket& bucket,
                                                Result<StoredMessage> stored) {
  if (!stored) {
    if (stored.error().reason == "message_not_found") return std::optional<BucketRecord>();
    return as_unavailable(std::move(stored).error());
  }
  BucketRecord record;
  record.key = key_of(bucket, stored->subject);
  record.value = std::move(stored->data);
  record.revision = stored->sequence;
  record.time_ns = stored->time_ns;
  record.mark = mark_of(stored->headers);
  record.headers = std::move(stored->headers);
  return std::optional(std::move(record));
}

// Where nobody listens on the bucket's subjects there is no bucket (or no JetStream, or no leader).
Error write_error(Error error) {
  if (error.reason != "jetstream_error") return error;
  if (error.details.find("10054") != std::string::npos) {
    return {Code::too_large, "value_too_large", "The value is larger than the bucket takes",
            error.details};
  }
  return error;
}

}  // namespace

std::string_view find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Mark mark_of(const Headers& headers) {
  const auto operation = find_header(headers, kOperationHeader);
  if (operation == "DEL") return Mark::deleted;
  if (operation == "PURGE") return Mark::purged;
  return find_header(headers, "Nats-Marker-Reason").empty() ? Mark::value : Mark::purged;
}

Bucket::Bucket(JetStream jetstream, std::string name)
    : Bucket(std::move(jetstream), name, std::string(kStreamPrefix) + name, "$KV." + name + ".") {}

Bucket::Bucket(JetStream jetstream, std::string name, std::string stream, std::string prefix)
    : jetstream_(std::move(jetstream)),
      name_(std::move(name)),
      stream_(std::move(stream)),
      prefix_(std::move(prefix)) {}

Bucket Bucket::over(JetStream jetstream, std::string stream, std::string prefix) {
  return {std::move(jetstream), stream, stream, std::move(prefix)};
}

bool Bucket::is_valid_name(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

std::string Bucket::subject(std::string_view key) const {
  return prefix_ + std::string(key);
}

Result<BucketInfo> Bucket::create(const BucketConfig& config) const {
  WEIR_ASSIGN(const auto account, jetstream_.account_info());
  const bool automatic = config.replicas == kAutomaticReplicas;
  const auto make = [&](int replicas) {
    return jetstream_.call("STREAM.CREATE." + stream(),
                           config_json(*this, config, replicas, account.api_level));
  };
  auto made = make(automatic ? kClusterReplicas : config.replicas);
  if (!made && automatic && made.error().details.find(kNotClustered) != std::string::npos) {
    made = make(1);
  }
  if (!made) return std::move(made).error();
  WEIR_ASSIGN(const bool dropped, drop_leftovers(jetstream_, *made));
  if (dropped) return info();
  return read_bucket(json::View(*made));
}

Result<BucketInfo> Bucket::info() const {
  const auto answer = jetstream_.call("STREAM.INFO." + stream(), "");
  if (!answer) return as_unavailable(answer.error());
  return read_bucket(json::View(*answer));
}

Result<void> Bucket::destroy() const {
  return jetstream_.delete_stream(stream());
}

Result<std::optional<BucketRecord>> Bucket::last(std::string_view key, Read read) const {
  if (read == Read::leader) {
    return read_stored(*this, jetstream_.last_message(stream(), subject(key)));
  }
  return read_stored(*this, jetstream_.direct_last_message(stream(), subject(key)));
}

Result<std::optional<BucketRecord>> Bucket::next(std::string_view filter,
                                                 std::uint64_t revision) const {
  return read_stored(*this, jetstream_.next_message(stream(), subject(filter), revision));
}

Result<std::uint64_t> Bucket::write(const BucketWrite& write) const {
  auto written = jetstream_.publish(subject(write.key), write.value, write.headers);
  if (!written) return write_error(std::move(written).error());
  return written;
}

Result<std::uint64_t> Bucket::write_all(const std::vector<BucketWrite>& writes) const {
  SystemRandom random;
  const std::string batch = random_hex(random, 32);
  for (std::size_t at = 0; at < writes.size(); ++at) {
    const auto& write = writes[at];
    Headers headers = write.headers;
    headers.emplace_back("Nats-Batch-Id", batch);
    headers.emplace_back("Nats-Batch-Sequence", std::to_string(at + 1));
    if (at + 1 == writes.size()) {
      headers.emplace_back("Nats-Batch-Commit", "1");
      auto written = jetstream_.publish(subject(write.key), write.value, headers);
      if (!written) return write_error(std::move(written).error());
      return written;
    }
    // The first one is confirmed, so that a server that takes no batch stores nothing of it.
    if (at == 0) {
      WEIR_ASSIGN(const auto answer, jetstream_.request(subject(write.key), write.value, headers));
      if (!answer.data.empty()) {
        WEIR_TRY(json::check(answer.data));
        const auto error = json::View(answer.data).find("error");
        return write_error(api_error(static_cast<int>(integer(error, "code", 0)),
                                     static_cast<int>(integer(error, "err_code", 0)),
                                     error.find("description").as_string().value_or("")));
      }
    } else {
      WEIR_TRY(jetstream_.connection().publish(subject(write.key), "", write.value, headers));
    }
  }
  return Error{Code::invalid, "empty_batch", "A batch holds at least one write", ""};
}

Result<std::vector<BucketInfo>> list_buckets(const JetStream& jetstream) {
  std::vector<BucketInfo> all;
  std::uint64_t seen = 0;
  std::uint64_t total = 1;
  while (seen < total) {
    const auto answer = jetstream.call("STREAM.LIST", "{\"offset\":" + std::to_string(seen) + "}");
    if (!answer) return as_unavailable(answer.error());
    const json::View view(*answer);
    total = count(view, "total");
    const auto before = seen;
    for (const auto stream : view.find("streams").elements()) {
      ++seen;
      const auto name = stream.find("config").find("name").as_string().value_or("");
      if (name.starts_with(kStreamPrefix)) all.push_back(read_bucket(stream));
    }
    if (seen == before) break;
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

}  // namespace weir::nats
