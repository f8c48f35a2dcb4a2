#include "pkg/replica/jetstream_blobs.hpp"

#include <algorithm>

#include "pkg/crypto/crypto.hpp"
#include "pkg/replica/retry_call.hpp"

namespace weir::replica {
namespace {

constexpr Millis kTimeout{5'000};
constexpr std::size_t kHeadroomBytes = 1'024;  // subject and headers beside a chunk

Error lost(const std::string& why) {
  return Error{Code::conflict, "payload_lost", "A large value is not in NATS any more", why};
}

// Differs when the stream was deleted and made again: sequences then begin at 1 again.
std::string identity_of(const nats::StreamInfo& info) {
  return crypto::sha256_hex(info.created).substr(0, 12);
}

}  // namespace

JetStreamBlobs::JetStreamBlobs(JetStreamBlobOptions options,
                               std::shared_ptr<nats::Connection> connection, Random& random)
    : options_(std::move(options)), jetstream_(std::move(connection), kTimeout), random_(random) {}

Result<std::string> JetStreamBlobs::stream() {
  const std::lock_guard lock(mutex_);
  if (!stream_.empty()) return stream_;
  const auto made = jetstream_.ensure_stream(
      {.name = options_.stream, .subjects = {options_.subject}, .replicas = options_.replicas});
  if (!made) return made.error();
  stream_ = identity_of(*made);
  return stream_;
}

Result<BlobRef> JetStreamBlobs::put(std::string_view bytes) {
  WEIR_ASSIGN(auto identity, stream());
  const std::size_t piece =
      std::min(options_.chunk_bytes, jetstream_.connection().max_payload() - kHeadroomBytes);
  const auto id = random_hex(random_, 24);
  BlobRef ref{.bytes = bytes.size(),
              .sha256 = crypto::sha256_hex(bytes),
              .stream = std::move(identity),
              .chunks = {}};
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const nats::Headers headers{{"Nats-Msg-Id", id + "." + std::to_string(ref.chunks.size())}};
    WEIR_ASSIGN(const auto sequence, again_if_unavailable([&] {
                  return jetstream_.publish(options_.subject, bytes.substr(at, piece), headers);
                }));
    ref.chunks.push_back(sequence);
  }
  return ref;
}

Result<std::string> JetStreamBlobs::get(const BlobRef& ref) {
  WEIR_ASSIGN(const auto identity, stream());
  if (identity != ref.stream) return lost(options_.stream + " was made again");
  std::string out;
  out.reserve(ref.bytes);
  for (const auto sequence : ref.chunks) {
    const auto chunk =
        again_if_unavailable([&] { return jetstream_.message(options_.stream, sequence); });
    if (!chunk) {
      if (chunk.error().code != Code::not_found) return chunk.error();
      return lost("chunk " + std::to_string(sequence) + " of " + options_.stream + " is gone");
    }
    out += chunk->data;
  }
  if (out.size() != ref.bytes || crypto::sha256_hex(out) != ref.sha256) {
    return lost("its SHA-256 is another");
  }
  return out;
}

Result<void> JetStreamBlobs::remove(std::string_view of, const std::vector<std::uint64_t>& chunks) {
  WEIR_ASSIGN(const auto identity, stream());
  if (identity != of) return {};
  for (const auto sequence : chunks) {
    const auto removed =
        again_if_unavailable([&] { return jetstream_.delete_message(options_.stream, sequence); });
    if (removed) continue;
    // Servers say in different words that there is no such message.
    const auto there =
        again_if_unavailable([&] { return jetstream_.message(options_.stream, sequence); });
    if (there || there.error().code != Code::not_found) return removed.error();
  }
  return {};
}

Result<BlobStore::Found> JetStreamBlobs::find_unknown(std::uint64_t from,
                                                      const std::set<std::uint64_t>& known,
                                                      Timestamp stored_before, std::size_t limit) {
  Found out;
  const auto info = jetstream_.stream_info(options_.stream);
  if (!info) {
    if (info.error().code == Code::not_found) return out;  // nothing was ever stored
    return info.error();
  }
  out.stream = identity_of(*info);
  std::size_t looked = 0;
  for (auto sequence = std::max(from, info->first_sequence); sequence <= info->last_sequence;
       ++sequence) {
    if (known.contains(sequence)) continue;
    if (looked++ == limit) {
      out.next = sequence;
      return out;
    }
    const auto chunk =
        again_if_unavailable([&] { return jetstream_.message(options_.stream, sequence); });
    if (!chunk && chunk.error().code == Code::not_found) continue;
    if (!chunk) return chunk.error();
    if (from_unix_ms(chunk->time_ns / 1'000'000) >= stored_before) return out;
    out.older.push_back(sequence);
  }
  return out;
}

}  // namespace weir::replica
