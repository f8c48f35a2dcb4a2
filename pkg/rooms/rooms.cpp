#include "pkg/rooms/rooms.hpp"

#include <algorithm>

#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::rooms {
namespace {

constexpr std::string_view kIdHeader = "Nats-Msg-Id";
constexpr Millis kDirectoryWait{900};
constexpr int kConsumeAttempts = 50;

nats::Bucket stream_of(std::shared_ptr<nats::Connection> connection, Millis timeout) {
  return nats::Bucket::over(nats::JetStream(std::move(connection), timeout), std::string(kStream),
                            std::string(kSubjectPrefix));
}

Error room_not_found(std::string_view room) {
  return {Code::not_found, "room_not_found", "No such room.", "room: " + std::string(room)};
}

nats::Change change_of(nats::BucketRecord record) {
  auto event = to_event(std::move(record));
  auto json = to_json(event);
  return {.revision = event.offset,
          .key = std::move(event.room),
          .id = {},
          .operation = std::move(event.type),
          .json = std::move(json)};
}

std::string new_id(UuidGenerator& ids) {
  return "evt_" + ids.next();
}

Result<void> check_type(std::string_view type) {
  const auto good = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; };
  const bool reserved = type == kCreatedType || type == kDeletedType;
  const bool fits = !type.empty() && type.size() <= kMaxTypeBytes;
  if (fits && !reserved && std::ranges::all_of(type, good)) return {};
  const std::string why = reserved ? "says that a room was made or deleted; use another one"
                                   : "1 to 128 bytes without white space";
  return Error{Code::invalid,
               "bad_event_type",
               "The type of the event is not acceptable.",
               why,
               {{"event_type", why}}};
}

}  // namespace

Rooms::Rooms(std::shared_ptr<nats::Connection> connection, const Clock& clock, Random& random,
             Options options)
    : stream_(stream_of(std::move(connection), options.timeout)),
      places_(stream_.jetstream(), options.replicas),
      state_(stream_.jetstream()),
      options_(options),
      ids_(clock, random) {}

Result<void> Rooms::start() {
  const std::lock_guard lock(mutex_);
  stopped_ = false;
  return {};
}

void Rooms::stop() {
  Parts parts;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    std::swap(parts, parts_);
  }
  if (parts.feed) parts.feed->stop();
}

Result<Rooms::Parts> Rooms::open() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Error{Code::unavailable, "shutting_down", "The server stops.", ""};
    if (parts_.feed) return parts_;
  }
  const auto& jetstream = stream_.jetstream();
  WEIR_ASSIGN(const auto info,
              jetstream.ensure_stream({.name = std::string(kStream),
                                       .subjects = {std::string(kSubjectPrefix) + ">"},
                                       .replicas = options_.replicas,
                                       .max_age = kKeptFor,
                                       .max_messages_per_subject = kKeptEvents,
                                       .key_value = true}));
  const std::lock_guard lock(mutex_);
  if (stopped_) return Error{Code::unavailable, "shutting_down", "The server stops.", ""};
  if (!parts_.feed) {
    parts_.feed = nats::Feed::open(
        {.bucket = stream_, .made = nats::made_text(info.created), .change_of = change_of},
        info.last_sequence);
    parts_.directory = std::make_shared<Directory>(jetstream);
  }
  return parts_;
}

void Rooms::forget(const Parts& parts) {
  {
    const std::lock_guard lock(mutex_);
    if (parts_.feed != parts.feed) return;
    parts_ = {};
  }
  parts.feed->stop();
}

Result<std::pair<Rooms::Parts, nats::StreamInfo>> Rooms::open_current() {
  for (int attempt = 0;; ++attempt) {
    WEIR_ASSIGN(auto parts, open());
    auto info = state_.now();
    const bool same = info && nats::made_text(info->created) == parts.feed->source().made;
    if (same) return std::pair(std::move(parts), std::move(*info));
    if (!info && info.error().reason != "stream_not_found") return std::move(info).error();
    if (attempt > 0) {
      return Error{Code::unavailable, "nats_unavailable", "The stream of the rooms changes.", ""};
    }
    forget(parts);
  }
}

Result<std::uint64_t> Rooms::write(const NewEvent& event, const std::string& id,
                                   const nats::Headers& more) const {
  nats::BucketWrite write{.key = kv::encode_key(event.room), .value = std::string(event.data)};
  write.headers.emplace_back(std::string(kIdHeader), id);
  write.headers.emplace_back(std::string(kTypeHeader), std::string(event.type));
  write.headers.insert(write.headers.end(), more.begin(), more.end());
  return stream_.write(write);
}

Result<Published> Rooms::publish(const NewEvent& event) {
  WEIR_TRY(check_room(event.room));
  WEIR_TRY(check_type(event.type));
  WEIR_ASSIGN(auto parts, open());
  Published out{.id = new_id(ids_)};
  auto offset = write(event, out.id, {});
  if (!offset && offset.error().reason == "no_responders") {
    WEIR_ASSIGN(auto current, open_current());
    parts = std::move(current.first);
    offset = write(event, out.id, {});
  }
  if (!offset) return std::move(offset).error();
  out.offset = *offset;
  out.subscribers = parts.feed->watchers_of(event.room);
  return out;
}

Result<std::optional<Event>> Rooms::newest(std::string_view room) const {
  WEIR_TRY(check_room(room));
  auto record = stream_.last(kv::encode_key(room), nats::Bucket::Read::leader);
  if (!record && record.error().reason == "stream_not_found") return std::optional<Event>();
  if (!record) return std::move(record).error();
  if (!*record) return std::optional<Event>();
  return std::optional(to_event(std::move(**record)));
}

Result<Event> Rooms::get_newest(std::string_view room) const {
  WEIR_ASSIGN(auto event, newest(room));
  if (!event || event->type == kDeletedType) return room_not_found(room);
  return std::move(*event);
}

Result<bool> Rooms::create(std::string_view room) {
  WEIR_TRY(open_current());
  WEIR_ASSIGN(const auto event, newest(room));
  if (event && event->type != kDeletedType) return false;
  const auto expected = std::to_string(event ? event->offset : 0);
  const auto written = write({.room = room, .type = kCreatedType, .data = "{}"}, new_id(ids_),
                             {{std::string(nats::kExpectedHeader), expected}});
  if (written) return true;
  if (written.error().reason == "wrong_last_sequence") return false;
  return written.error();
}

Result<void> Rooms::remove(std::string_view room) {
  WEIR_TRY(get_newest(room));
  // A rollup, not a purge: the one that is left tells subscribers and other coordinators.
  WEIR_TRY(write({.room = room, .type = kDeletedType, .data = "{}"}, new_id(ids_),
                 {{std::string(nats::kRollupHeader), "sub"}}));
  return {};
}

Result<History> Rooms::history(const HistoryRequest& request) {
  WEIR_ASSIGN(const auto last, get_newest(request.room));
  const auto name = kv::encode_key(request.room);
  History out;
  out.newest = last.offset;
  for (auto next = request.from; out.events.size() < std::min(request.limit, kMaxHistory);) {
    WEIR_ASSIGN(auto record, stream_.next(name, std::max<std::uint64_t>(next, 1)));
    if (!record || record->revision > last.offset) break;
    if (request.to != 0 && record->revision > request.to) break;
    next = record->revision + 1;
    out.events.push_back(to_event(std::move(*record)));
  }
  WEIR_ASSIGN(const auto first, stream_.next(name, 1));
  out.oldest = first ? first->revision : last.offset;
  return out;
}

Result<Consumed> Rooms::consume(const ConsumeRequest& request) {
  WEIR_TRY(check_room(request.subscriber));
  const PlaceKey key{.room = request.room, .subscriber = request.subscriber};
  for (int attempt = 0; attempt < kConsumeAttempts; ++attempt) {
    WEIR_ASSIGN(auto place, places_.get(key));
    if (request.from != 0) place.next = request.from;
    WEIR_ASSIGN(auto history,
                this->history({.room = request.room, .from = place.next, .limit = request.limit}));
    Consumed out{.events = std::move(history.events), .next = place.next};
    if (!out.events.empty()) out.next = out.events.back().offset + 1;
    if (out.events.empty() && request.from == 0) return out;
    place.next = out.next;
    WEIR_ASSIGN(const bool moved, places_.move(key, place));
    if (moved) return out;
  }
  return Error{Code::conflict, "subscriber_busy", "Others read as this subscriber.",
               "subscriber_id: " + std::string(request.subscriber)};
}

Result<RoomStats> Rooms::stats(std::string_view room) {
  WEIR_ASSIGN(const auto parts, open());
  WEIR_ASSIGN(const auto last, get_newest(room));
  const auto name = kv::encode_key(room);
  RoomStats out;
  out.newest = last.offset;
  out.last_activity = last.time;
  WEIR_ASSIGN(const auto first, stream_.next(name, 1));
  out.oldest = first ? first->revision : last.offset;
  json::Writer body;
  body.begin_object().member("subjects_filter", stream_.subject(name)).end_object();
  WEIR_ASSIGN(const auto info,
              stream_.jetstream().call("STREAM.INFO." + std::string(kStream), body.str()));
  const auto subjects = json::View(info).find("state").find("subjects");
  out.events =
      static_cast<std::uint64_t>(subjects.find(stream_.subject(name)).as_int().value_or(0));
  out.subscribers = parts.feed->watchers_of(room);
  out.oldest_at = first ? to_event(*first).time : last.time;
  out.has_data = out.events > 1 || last.type != kCreatedType;
  return out;
}

Result<RoomPage> Rooms::page(std::string_view after, std::size_t limit) {
  WEIR_ASSIGN(const auto current, open_current());
  const auto& [parts, info] = current;
  if (info.messages > 0 && !parts.directory->wait_for(info.last_sequence, kDirectoryWait)) {
    // The newest may have been removed: what is not there by now is not coming, or NATS is away.
    WEIR_ASSIGN(const auto newest, stream_.next(">", info.last_sequence));
    if (newest) {
      return Error{Code::unavailable, "index_behind", "The rooms are still being read.", ""};
    }
  }
  RoomPage out;
  out.rooms = parts.directory->page(after, limit + 1);
  out.more = out.rooms.size() > limit;
  if (out.more) out.rooms.pop_back();
  out.total = parts.directory->size();
  return out;
}

RoomFigures Rooms::figures() {
  const std::lock_guard lock(mutex_);
  RoomFigures out;
  if (parts_.directory) out.rooms = parts_.directory->size();
  if (parts_.feed) {
    out.active = parts_.feed->keys_watched();
    out.subscribers = parts_.feed->watchers();
  }
  peak_ = std::max(peak_, out.active);
  out.peak = peak_;
  return out;
}

Result<RoomWatch> Rooms::open_watch(std::string_view room, std::uint64_t after) {
  WEIR_TRY(check_room(room));
  WEIR_ASSIGN(const auto current, open_current());
  const auto& [parts, info] = current;
  const bool reset = after != kFromNow && after > info.last_sequence;
  return RoomWatch{.feed = parts.feed,
                   .request = {.key = std::string(room),
                               .name = kv::encode_key(room),
                               .prefix = {},
                               .after = reset ? 0 : std::min(after, info.last_sequence),
                               .reset = reset,
                               .tell_dropped = true},
                   .newest = info.last_sequence};
}

}  // namespace weir::rooms
