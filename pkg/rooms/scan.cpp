// Of all events of a room: only the server knows which offsets are the room's, and headers are all
// that is needed of them.
#include <charconv>
#include <condition_variable>
#include <deque>

#include "pkg/kv/key_name.hpp"
#include "pkg/rooms/rooms.hpp"

namespace weir::rooms {
namespace {

constexpr Millis kScanWait{5'000};
constexpr std::string_view kSizeHeader = "Nats-Msg-Size";

}  // namespace

Result<void> Rooms::scan(std::string_view room,
                         const std::function<void(const nats::OrderedMessage&)>& seen) const {
  WEIR_ASSIGN(const auto last, newest(room));
  if (!last) return {};
  std::mutex mutex;
  std::condition_variable changed;
  bool complete = false;  // guarded by mutex
  nats::OrderedOptions options;
  options.filter = stream_.subject(kv::encode_key(room));
  options.headers_only = true;
  const auto consumer =
      nats::OrderedConsumer::start(stream_.jetstream().shared_connection(), std::string(kStream),
                                   std::move(options), [&](const nats::OrderedMessage& message) {
                                     const std::lock_guard lock(mutex);
                                     if (complete) return;
                                     if (message.sequence <= last->offset) seen(message);
                                     complete = message.sequence >= last->offset;
                                     if (complete) changed.notify_all();
                                   });
  std::unique_lock lock(mutex);
  if (changed.wait_for(lock, kScanWait, [&] { return complete; })) return {};
  complete = true;  // nothing is called any more
  return Error{Code::unavailable, "index_behind", "The events are still being read.", ""};
}

Result<std::uint64_t> Rooms::offset_from_end(std::string_view room, std::size_t count) {
  WEIR_TRY(check_room(room));
  std::deque<std::uint64_t> offsets;
  WEIR_TRY(scan(room, [&](const nats::OrderedMessage& message) {
    offsets.push_back(message.sequence);
    if (offsets.size() > std::max<std::size_t>(count, 1)) offsets.pop_front();
  }));
  return offsets.empty() ? 1 : offsets.front();
}

Result<std::uint64_t> Rooms::bytes(std::string_view room) {
  WEIR_TRY(get_newest(room));
  std::uint64_t sum = 0;
  WEIR_TRY(scan(room, [&](const nats::OrderedMessage& message) {
    const auto text = nats::find_header(message.headers, kSizeHeader);
    std::uint64_t bytes = 0;
    std::from_chars(text.data(), text.data() + text.size(), bytes);
    sum += bytes;
  }));
  return sum;
}

}  // namespace weir::rooms
