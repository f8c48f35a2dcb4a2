#include "pkg/rooms/directory.hpp"

#include <algorithm>

#include "pkg/kv/key_name.hpp"

namespace weir::rooms {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

Directory::Directory(const nats::JetStream& jetstream) {
  nats::OrderedOptions options;
  options.headers_only = true;
  options.last_per_subject = true;
  consumer_ = nats::OrderedConsumer::start(
      jetstream.shared_connection(), std::string(kStream), std::move(options),
      [this](const nats::OrderedMessage& message) { heard(message); });
}

void Directory::heard(const nats::OrderedMessage& message) {
  const auto prefix = std::min(kSubjectPrefix.size(), message.subject.size());
  auto room = kv::decode_key(std::string_view(message.subject).substr(prefix));
  const bool deleted = nats::find_header(message.headers, kTypeHeader) == kDeletedType;
  {
    const std::lock_guard lock(mutex_);
    seen_ = std::max(seen_, message.sequence);
    if (deleted) {
      rooms_.erase(room);
    } else if (rooms_.size() < kMaxRooms || rooms_.contains(room)) {
      rooms_[std::move(room)] = {message.sequence, from_unix_ms(message.time_ns / kNsPerMs)};
    }
  }
  changed_.notify_all();
}

bool Directory::wait_for(std::uint64_t sequence, Millis limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [&] { return seen_ >= sequence; });
}

std::vector<Room> Directory::page(std::string_view after, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Room> out;
  auto each = after.empty() ? rooms_.begin() : rooms_.upper_bound(after);
  for (; each != rooms_.end() && out.size() < limit; ++each) {
    out.push_back({each->first, each->second.newest, each->second.time});
  }
  return out;
}

std::size_t Directory::size() const {
  const std::lock_guard lock(mutex_);
  return rooms_.size();
}

}  // namespace weir::rooms
