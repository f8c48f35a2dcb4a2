#include "pkg/replica/jetstream_snapshots.hpp"

#include <algorithm>
#include <fstream>
#include <vector>

#include "pkg/base/time_text.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/replica/retry_call.hpp"
#include "pkg/replica/snapshot_file.hpp"

namespace weir::replica {
namespace {

constexpr Millis kTimeout{5'000};
constexpr std::size_t kHeadroomBytes = 1'024;  // subject and headers beside a chunk

std::uint64_t number(json::View view, std::string_view name) {
  return static_cast<std::uint64_t>(view.find(name).as_int().value_or(0));
}
std::string text(json::View view, std::string_view name) {
  return view.find(name).as_string().value_or("");
}
Timestamp time(json::View view, std::string_view name) {
  const auto parsed = parse_rfc3339(text(view, name));
  return parsed ? *parsed : Timestamp{};
}

Error damaged(const SnapshotInfo& info, const std::string& why) {
  return Error{Code::internal, "snapshot_damaged", "The snapshot is damaged",
               "revision " + std::to_string(info.revision) + ": " + why};
}

Error not_found(const SnapshotInfo& info) {
  return Error{Code::not_found, "snapshot_not_found", "There is no such snapshot", info.id};
}

}  // namespace

JetStreamSnapshots::JetStreamSnapshots(JetStreamSnapshotOptions options,
                                       std::shared_ptr<nats::Connection> connection)
    : options_(std::move(options)), jetstream_(std::move(connection), kTimeout) {}

std::string JetStreamSnapshots::chunk_subject(const std::string& id) const {
  return options_.subject + ".chunk." + id;
}

Result<void> JetStreamSnapshots::ensure_stream() {
  const std::lock_guard lock(mutex_);
  if (ensured_) return {};
  const auto made = jetstream_.ensure_stream({.name = options_.stream,
                                              .subjects = {options_.subject + ".>"},
                                              .replicas = options_.replicas});
  if (!made) return made.error();
  ensured_ = true;
  return {};
}

Result<void> JetStreamSnapshots::put(const SnapshotInfo& info, const std::string& file) {
  WEIR_TRY(ensure_stream());
  WEIR_ASSIGN(const auto before, manifests());
  const std::size_t piece =
      std::min(options_.chunk_bytes, jetstream_.connection().max_payload() - kHeadroomBytes);
  std::ifstream in(file, std::ios::binary);
  std::string chunk(piece, '\0');
  std::uint64_t first = 0;
  std::uint64_t stored = 0;
  for (std::size_t n = 0; stored < info.bytes; ++n) {
    in.read(chunk.data(), static_cast<std::streamsize>(piece));
    const auto got = static_cast<std::size_t>(in.gcount());
    if (got == 0) return damaged(info, "its file is shorter than it was");
    const nats::Headers headers{{"Nats-Msg-Id", info.id + "." + std::to_string(n)}};
    WEIR_ASSIGN(const auto sequence, again_if_unavailable([&] {
                  return jetstream_.publish(chunk_subject(info.id),
                                            std::string_view(chunk.data(), got), headers);
                }));
    if (first == 0) first = sequence;
    stored += got;
  }
  json::Writer out(512);
  out.begin_object()
      .member("format", 1)
      .member("id", info.id)
      .member("revision", std::uint64_t{info.revision})
      .member("time", info.time)
      .member("identity", info.identity)
      .member("digest", info.digest)
      .member("created", info.created)
      .member("node", info.node)
      .member("bytes", info.bytes)
      .member("raw_bytes", info.raw_bytes)
      .member("sha256", info.sha256)
      .member("first", first)
      .member("previous", before.empty() ? std::uint64_t{0} : before.front().sequence)
      .end_object();
  const auto described = again_if_unavailable([&] {
    return jetstream_.publish(options_.subject + ".manifest", out.str(),
                              {{"Nats-Msg-Id", info.id + ".manifest"}});
  });
  if (!described) return described.error();
  return {};
}

// From the newest back to where they were purged.
Result<std::vector<JetStreamSnapshots::Manifest>> JetStreamSnapshots::manifests() const {
  std::vector<Manifest> out;
  auto message = again_if_unavailable(
      [&] { return jetstream_.last_message(options_.stream, options_.subject + ".manifest"); });
  while (message) {
    if (!json::check(message->data)) break;
    const json::View view(message->data);
    if (number(view, "format") != 1) break;  // of a newer version: nothing for us
    Manifest manifest;
    manifest.info = {.id = text(view, "id"),
                     .revision = number(view, "revision"),
                     .time = time(view, "time"),
                     .identity = text(view, "identity"),
                     .digest = text(view, "digest"),
                     .created = time(view, "created"),
                     .node = text(view, "node"),
                     .bytes = number(view, "bytes"),
                     .raw_bytes = number(view, "raw_bytes"),
                     .sha256 = text(view, "sha256")};
    manifest.sequence = message->sequence;
    manifest.first = number(view, "first");
    manifest.previous = number(view, "previous");
    out.push_back(std::move(manifest));
    if (out.back().previous == 0) return out;
    message = again_if_unavailable(
        [&] { return jetstream_.message(options_.stream, out.back().previous); });
  }
  if (!message && message.error().code != Code::not_found) return message.error();
  return out;
}

Result<std::vector<SnapshotInfo>> JetStreamSnapshots::list() {
  WEIR_ASSIGN(auto found, manifests());
  std::vector<SnapshotInfo> out;
  for (auto& manifest : found) out.push_back(std::move(manifest.info));
  return out;
}

Result<void> JetStreamSnapshots::fetch(const SnapshotInfo& info, const std::string& file) {
  WEIR_ASSIGN(const auto known, manifests());
  const auto wanted = std::find_if(known.begin(), known.end(), [&](const Manifest& manifest) {
    return manifest.info.id == info.id;
  });
  if (wanted == known.end()) return not_found(info);
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  // Chunks of another snapshot, taken at the same time, may stand between ours.
  std::uint64_t got = 0;
  for (auto sequence = wanted->first; got < info.bytes; ++sequence) {
    if (sequence >= wanted->sequence) return damaged(info, "chunks are missing");
    const auto chunk =
        again_if_unavailable([&] { return jetstream_.message(options_.stream, sequence); });
    if (!chunk) {
      if (chunk.error().code != Code::not_found) return chunk.error();
      return damaged(info, "a chunk is missing");
    }
    if (chunk->subject != chunk_subject(info.id)) continue;
    out.write(chunk->data.data(), static_cast<std::streamsize>(chunk->data.size()));
    got += chunk->data.size();
  }
  out.close();
  if (!out) return Error{Code::out_of_space, "disk_full", "The snapshot cannot be written", file};
  WEIR_ASSIGN(const auto sum, sum_file(file));
  if (sum.sha256 != info.sha256) return damaged(info, "its SHA-256 is another");
  return {};
}

Result<void> JetStreamSnapshots::keep(std::size_t count) {
  WEIR_ASSIGN(const auto known, manifests());
  if (known.size() <= count || count == 0) return {};
  std::uint64_t first = known.front().first;
  for (std::size_t i = 0; i < count; ++i) first = std::min(first, known[i].first);
  return jetstream_.purge_below(options_.stream, first);
}

}  // namespace weir::replica
